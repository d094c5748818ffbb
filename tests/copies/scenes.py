"""Smooth random images, each as unlike the others as photographs are."""

import torch

from genaug_data.copies.geometry import matrices
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def scenes(count, seed, shape=(3, 32, 32)):
    coarse = torch.rand(count, shape[0], 7, 7, generator=torch_generator(seed))
    smooth = torch.nn.functional.interpolate(coarse, shape[1:], mode="bicubic").clamp(0, 1)
    return [Sample(image, i) for i, image in enumerate(smooth.mul(255).round().byte())]


def images_of(samples):
    return [sample.image for sample in samples]


def resized(image, size):
    scaled = torch.nn.functional.interpolate(image.float().unsqueeze(0), size, mode="bilinear", antialias=True)
    return scaled[0].round().clamp(0, 255).byte()


def cropped(image, share, top, left):
    """A crop of a share of both sides, at ``top`` and ``left`` in [0, 1], at the size of the image."""
    size = image.shape[1:]
    height, width = (round(side * share) for side in size)
    first, start = round((size[0] - height) * top), round((size[1] - width) * left)
    return resized(image[:, first : first + height, start : start + width], tuple(size))


def turned(image, degrees):
    return through(image, (1.0, 1.0, degrees, 0.0, 0.0))


def through(image, frame):
    """What the image shows in a frame, at the size of the image."""
    grid = torch.nn.functional.affine_grid(matrices([frame]), [1, *image.shape], align_corners=False)
    seen = torch.nn.functional.grid_sample(
        image.float().unsqueeze(0), grid, padding_mode="reflection", align_corners=False
    )
    return seen[0].round().byte()


def pasted(image, onto, top, left):
    """The image as a part of another that is made twice as large; ``top`` and ``left`` in [0, 1]."""
    height, width = image.shape[1:]
    larger = resized(onto, (2 * height, 2 * width))
    first, start = round(height * top), round(width * left)
    larger[:, first : first + height, start : start + width] = image
    return larger

"""Smooth random images, each as unlike the others as photographs are."""

import torch

from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def scenes(count, seed, shape=(3, 32, 32)):
    coarse = torch.rand(count, shape[0], 7, 7, generator=torch_generator(seed))
    smooth = torch.nn.functional.interpolate(coarse, shape[1:], mode="bicubic").clamp(0, 1)
    return [Sample(image, i) for i, image in enumerate(smooth.mul(255).round().byte())]


def images_of(samples):
    return [sample.image for sample in samples]

"""Known ways to spoil a set, from not at all to a lot; at each strength what is spoiled includes what was before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F

from genaug_data.seeding import derive, torch_generator

_SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)


class Labelled(NamedTuple):
    """Images uint8 ``(N, C, H, W)`` and the class of each, int64 ``(N,)``."""

    images: torch.Tensor
    labels: torch.Tensor


@dataclass(frozen=True, slots=True)
class Degradation:
    """One way to spoil a set.

    Args:
        unit: of the strengths.
        strengths: from 0 on, rising.
        spoil: from a set, a strength and a seed to a set of as many samples.
        metrics: that are looked at; the first has to rise.
    """

    unit: str
    strengths: tuple[float, ...]
    spoil: Callable
    metrics: tuple[str, ...]


def noisy_masks(masks: torch.Tensor, share: float, seed: int, *, classes: int) -> torch.Tensor:
    """Give a share of the pixels a random class."""
    draw = torch_generator(derive(seed, "noise"))
    hit = torch.rand(masks.shape, generator=draw) < share
    return torch.where(hit, torch.randint(0, classes, masks.shape, generator=draw), masks)


def smoothed_masks(masks: torch.Tensor, window: float, seed: int) -> torch.Tensor:
    """Give each pixel the commonest id of the square of ``window`` pixels around it: objects lose their corners."""
    side = int(window) // 2
    if side == 0:
        return masks
    size, count = 2 * side + 1, int(masks.max()) + 1
    parts = []
    for part in masks.split(16):
        votes = F.one_hot(part, count).permute(0, 3, 1, 2).float()
        # One axis after the other: a square of 31 pixels would take 961 additions a pixel.
        votes = F.avg_pool2d(votes, (size, 1), 1, (side, 0), count_include_pad=False)
        votes = F.avg_pool2d(votes, (1, size), 1, (0, side), count_include_pad=False)
        parts.append(votes.argmax(1))
    return torch.cat(parts)


def swapped_masks(masks: torch.Tensor, share: float, seed: int, *, classes: int) -> torch.Tensor:
    """In a share of the masks, exchange the classes 0 and 1, 2 and 3, and so on."""
    hit = torch.rand(len(masks), generator=torch_generator(derive(seed, "swap"))) < share
    other = masks ^ 1
    exchanged = torch.where((masks < classes) & (other < classes), other, masks)
    return torch.where(hit.view(-1, 1, 1), exchanged, masks)


def displaced_masks(masks: torch.Tensor, pixels: float, seed: int) -> torch.Tensor:
    """Move all masks to the right and down, and repeat their edges."""
    step = int(pixels)
    down = (torch.arange(masks.shape[1]) - step).clamp(min=0)
    across = (torch.arange(masks.shape[2]) - step).clamp(min=0)
    return masks[:, down][:, :, across]


def shifted_masks(masks: torch.Tensor, share: float, seed: int, *, wanted: int) -> torch.Tensor:
    """Draw a share of the masks among the quarter that holds most of the class ``wanted``, the others among all."""
    order = (masks == wanted).sum((1, 2)).argsort(descending=True, stable=True)
    return masks[_drawn(len(masks), order[: len(masks) // 4], share, seed)]


def noisy_images(data: Labelled, deviation: float, seed: int) -> Labelled:
    """Add Gaussian noise of so many grey levels."""
    noise = torch.randn(data.images.shape, generator=torch_generator(derive(seed, "noise")))
    return Labelled((data.images + deviation * noise).round().clamp(0, 255).byte(), data.labels)


def blurred_images(data: Labelled, deviation: float, seed: int) -> Labelled:
    """Blur with a Gaussian of so many pixels."""
    if deviation == 0:
        return data
    from torchvision.transforms.functional import gaussian_blur

    size = 2 * int(3 * deviation + 0.5) + 1
    return Labelled(gaussian_blur(data.images, [size, size], [deviation, deviation]), data.labels)


def swapped_labels(data: Labelled, share: float, seed: int) -> Labelled:
    """Give a share of the images the label of another class: 0 and 1 are exchanged, 2 and 3, and so on."""
    hit = torch.rand(len(data.labels), generator=torch_generator(derive(seed, "swap"))) < share
    return Labelled(data.images, torch.where(hit, data.labels ^ 1, data.labels))


def shifted_labels(data: Labelled, share: float, seed: int) -> Labelled:
    """Draw a share of the images among the lower half of the classes, the others among all."""
    favoured = (data.labels < 5).nonzero().flatten()
    places = _drawn(len(data.labels), favoured, share, seed)
    return Labelled(data.images[places], data.labels[places])


def _drawn(count: int, favoured: torch.Tensor, share: float, seed: int) -> torch.Tensor:
    """Return ``count`` indices drawn with repetition, a share of them among ``favoured``."""
    draw = torch_generator(derive(seed, "shift"))
    hit = torch.rand(count, generator=draw) < share
    anywhere = torch.randint(0, count, (count,), generator=draw)
    return torch.where(hit, favoured[torch.randint(0, len(favoured), (count,), generator=draw)], anywhere)


def of_masks(classes: int, wanted: int) -> Mapping[str, Degradation]:
    """Return the degradations of masks with ids 0 to ``classes - 1``; ``wanted`` is the class that a shift favours."""
    metrics = ("mask_fid", "class_pixels")
    noisy, swapped = partial(noisy_masks, classes=classes), partial(swapped_masks, classes=classes)
    return {
        "noise": Degradation("share of pixels", (0, 0.01, 0.03, 0.1, 0.3), noisy, metrics),
        "blur": Degradation("window, pixels", (0, 3, 7, 15, 31), smoothed_masks, metrics),
        "class_swap": Degradation("share of masks", _SHARES, swapped, metrics),
        "displacement": Degradation("pixels", (0, 4, 8, 16, 32), displaced_masks, metrics),
        "label_shift": Degradation("share of masks", _SHARES, partial(shifted_masks, wanted=wanted), metrics),
    }


OF_IMAGES: Mapping[str, Degradation] = {
    "noise": Degradation("grey levels", (0, 5, 10, 20, 40), noisy_images, ("fid", "fid_pixels")),
    "blur": Degradation("deviation, pixels", (0, 0.5, 1.0, 1.5, 2.5), blurred_images, ("fid", "fid_pixels")),
    # FID does not look at labels, so wrong ones are for the mean of the FIDs of all classes.
    "class_swap": Degradation("share of labels", _SHARES, swapped_labels, ("fid_by_class", "fid")),
    "label_shift": Degradation("share of images", _SHARES, shifted_labels, ("fid", "fid_pixels")),
}

"""Batches of images and masks, and tasks for them."""

from __future__ import annotations

import torch

from genaug_data.tasks import ClassificationTask, SegmentationTask

LABELS = ClassificationTask()


MASKS = SegmentationTask(ignore_index=255)


def batch(size=16, channels=3, side=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(size, channels, side, side + 2, generator=generator)
    masks = torch.randint(0, 5, (size, side, side + 2), generator=generator)
    return images, masks


def kornia():
    import kornia.augmentation

    return kornia.augmentation

"""ClassicAugment: what the user puts between the loader and the model."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from genaug_data.classic.modules import ModulePolicy
from genaug_data.classic.policies import POLICIES, SampledPolicy, build_policy
from genaug_data.errors import ConfigError, DataError
from genaug_data.seeding import derive
from genaug_data.tasks import SegmentationTask, Task

_LARGEST_ID = 2**24
"""Masks move as float32, in which larger ids would change."""


class ClassicAugment(nn.Module):
    """Augments a batch with Kornia, on the batch's device, with parameters drawn for every sample.

    Policies: ``"trivial"``, TrivialAugment (arXiv:2103.10158); ``"rand"``, RandAugment with 2 operations at magnitude
    10 of 30 (arXiv:1909.13719); ``"auto"``, AutoAugment's policy for ImageNet (arXiv:1805.09501); each with the
    operations and ranges of Kornia 0.9, where shears reach 54 degrees and brightness is added rather than multiplied.
    The operation, too, is drawn for every sample, as in the papers; Kornia alone draws it once for a batch.

    Masks move with their images, by nearest-neighbour sampling; what comes in from outside is the ignore index.
    What is drawn is a function of the seed and of the number of calls so far, which the ``state_dict`` keeps; global
    random generators stay as they were. In ``eval()`` mode images are converted but not augmented, and no call is
    counted.

    Args:
        task: of the training set, ``train.task``; a segmentation task gives the ignore index.
        policy: ``"trivial"``, ``"rand"``, ``"auto"``, or a module: an augmentation or container of Kornia, or, without
            masks, any module from images to images (of global generators, only torch's are isolated for it).
        seed: of every draw; give each process of a distributed run its own.

    Raises:
        ConfigError: there is no such policy, or the module mixes samples.

    Example:
        >>> from genaug_data.tasks import ClassificationTask
        >>> augment = ClassicAugment(ClassificationTask(), policy="trivial", seed=1)
        >>> images, labels = augment(torch.rand(4, 3, 16, 16), torch.arange(4))
        >>> images.shape, labels.tolist()
        (torch.Size([4, 3, 16, 16]), [0, 1, 2, 3])
    """

    def __init__(self, task: Task, policy: str | nn.Module = "trivial", seed: int = 0) -> None:
        super().__init__()
        if not isinstance(policy, nn.Module) and policy not in POLICIES:
            raise ConfigError(
                f"policy must be one of {', '.join(map(repr, POLICIES))} or an nn.Module, found {policy!r}"
            )
        self._ignore_index = task.ignore_index if isinstance(task, SegmentationTask) else None
        self.policy = policy
        self.seed = seed
        self.step = 0
        self._run: SampledPolicy | ModulePolicy | None = None
        if isinstance(policy, nn.Module):
            self._run = ModulePolicy(policy)

    def forward(self, images: torch.Tensor, targets: Any = None) -> tuple[torch.Tensor, Any]:
        """Augment a batch.

        Args:
            images: float ``(B, C, H, W)`` in [0, 1], not normalised yet, or uint8; any device. Values are checked at
                every call on the CPU, and at the first one elsewhere, where each check would wait for the device.
            targets: masks, integer ``(B, H, W)``, for segmentation; anything otherwise.

        Returns:
            Images, float, ``(B, C, H, W)`` in [0, 1], and targets; masks keep shape and dtype.

        Raises:
            DataError: images or masks are not like that.
        """
        pixels = self._checked(images)
        masks = None if self._ignore_index is None else _checked_masks(targets, pixels, self._ignore_index)
        if not self.training or len(pixels) == 0:
            return pixels, targets
        if self._run is None:
            self._run = build_policy(str(self.policy))
        stacked = None if masks is None else torch.stack([masks.float(), torch.ones_like(masks).float()], 1)
        moved, stacked = self._run(pixels.float(), stacked, derive(self.seed, "classic"), self.step)
        self.step += 1
        moved = moved.to(pixels.dtype)
        if masks is None or stacked is None:
            return moved, targets
        # The second channel started as ones, so that zeros show what came from outside: class 0 does not.
        inside = stacked[:, 1] == 1
        return moved, torch.where(inside, stacked[:, 0], self._ignore_index or 0).to(masks.dtype)

    def get_extra_state(self) -> torch.Tensor:
        """Return the number of calls so far, for ``state_dict``: int64, 0-d.

        It is kept as an int, not as a buffer, which would have to be read back from the device at every call.
        """
        return torch.tensor(self.step)

    def set_extra_state(self, state: torch.Tensor) -> None:
        """Go on from a number of calls, as ``load_state_dict`` asks for."""
        self.step = int(state)

    def extra_repr(self) -> str:
        """Return the arguments, for ``repr``."""
        name = self.policy if isinstance(self.policy, str) else type(self.policy).__name__
        return f"policy={name}, seed={self.seed}, step={self.step}"

    def _checked(self, images: torch.Tensor) -> torch.Tensor:
        if not isinstance(images, torch.Tensor) or images.ndim != 4:
            found = tuple(images.shape) if isinstance(images, torch.Tensor) else type(images).__name__
            raise DataError(f"images must be a tensor (B, C, H, W), found {found}: augment whole batches")
        if min(images.shape[2:]) < 2:
            raise DataError(f"images must be at least 2 pixels high and wide, found {tuple(images.shape)}: resize them")
        images = images.as_subclass(torch.Tensor)
        if images.dtype == torch.uint8:
            return images.float().div_(255)
        if not images.is_floating_point():
            raise DataError(f"images must be float in [0, 1] or uint8, found {images.dtype}: convert them")
        if images.numel() > 0 and (images.device.type == "cpu" or self.step == 0):
            low, high = (bound.item() for bound in images.aminmax())
            if not (low >= 0 and high <= 1):
                raise DataError(
                    f"images must lie in [0, 1], found values from {low:.3g} to {high:.3g}: "
                    "normalise after ClassicAugment, not before"
                )
        return images


def _checked_masks(masks: Any, images: torch.Tensor, ignore_index: int) -> torch.Tensor:
    if not isinstance(masks, torch.Tensor):
        raise DataError(
            f"segmentation needs the masks beside the images, found {type(masks).__name__}: "
            "call augment(images, masks) with integer masks (B, H, W)"
        )
    if masks.is_floating_point() or masks.is_complex() or masks.dtype == torch.bool:
        raise DataError(f"masks must hold integer class ids, found {masks.dtype}: convert them, for example to int64")
    expected = (images.shape[0], *images.shape[2:])
    if masks.shape != expected:
        raise DataError(
            f"masks must be (B, H, W) = {expected} for images {tuple(images.shape)}, found {tuple(masks.shape)}"
        )
    if masks.device != images.device:
        raise DataError(f"masks are on {masks.device}, images on {images.device}: move both to one device")
    if masks.device.type == "cpu" and masks.numel() and int(masks.max()) > _LARGEST_ID:
        raise DataError(f"class ids of masks must not exceed {_LARGEST_ID}, found {int(masks.max())}: number them anew")
    if not torch.iinfo(masks.dtype).min <= ignore_index <= torch.iinfo(masks.dtype).max:
        raise DataError(f"masks of {masks.dtype} cannot hold the ignore index, {ignore_index}: convert them to int64")
    return masks.as_subclass(torch.Tensor)

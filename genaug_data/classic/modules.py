"""A user's own nn.Module as augmentation policy."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from genaug_data.classic.isolation import isolated_draws
from genaug_data.classic.policies import import_kornia
from genaug_data.errors import ConfigError
from genaug_data.seeding import derive


class ModulePolicy:
    """An augmentation or container of Kornia, or any module that maps images to images.

    Args:
        module: of Kornia: moves the masks too; any other: called with the images alone.

    Raises:
        ConfigError: the module mixes samples, which would need mixed targets.
    """

    def __init__(self, module: nn.Module) -> None:
        kornia = import_kornia()
        for part in module.modules():
            if isinstance(part, kornia.MixAugmentationBaseV2):
                raise ConfigError(
                    f"a policy must leave samples apart, found {type(part).__name__}, which mixes them: "
                    "mix images and targets after ClassicAugment"
                )
        self._module = module
        self._container: Any = None
        if isinstance(module, kornia.AugmentationSequential):
            self._container = module
        elif isinstance(module, (kornia.container.ImageSequentialBase, kornia.AugmentationBase2D)):
            self._container = kornia.AugmentationSequential(module, data_keys=["input"])

    def __call__(
        self, images: torch.Tensor, masks: torch.Tensor | None, seed: int, step: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Augment a batch.

        Args:
            images: float32 ``(B, C, H, W)`` in [0, 1].
            masks: float32 ``(B, K, H, W)``, moved as the module moves masks (Kornia: nearest-neighbour sampling, 0 from
                outside); or None.
            seed: of every draw from torch's generators.
            step: number of the batch, from 0.

        Raises:
            ConfigError: the module cannot move masks, or returns no batch of images.
        """
        if self._container is None and masks is not None:
            raise ConfigError(
                f"a {type(self._module).__name__} as policy cannot move masks: "
                "pass a kornia.augmentation.AugmentationSequential, or one of 'trivial', 'rand', 'auto'"
            )
        with isolated_draws(derive(seed, step), images.device):
            moved = self._module(images) if self._container is None else self._run_kornia(images, masks)
        out, masks = (moved, None) if masks is None else moved
        if not isinstance(out, torch.Tensor) or out.ndim != 4 or len(out) != len(images):
            found = tuple(out.shape) if isinstance(out, torch.Tensor) else type(out).__name__
            raise ConfigError(f"a policy must return images (B, C, H, W) of the same batch, found {found}")
        return out, masks

    def _run_kornia(self, images: torch.Tensor, masks: torch.Tensor | None) -> Any:
        grey = images.shape[1] == 1
        # Colour operations of Kornia insist on three channels.
        shown = images.expand(-1, 3, -1, -1) if grey else images
        if masks is None:
            out = self._container(shown, data_keys=["input"])
            return out.mean(1, keepdim=True) if grey else out
        out, masks = self._container(shown, masks, data_keys=["input", "mask"])
        return (out.mean(1, keepdim=True) if grey else out), masks

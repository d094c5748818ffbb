"""Features of images: of no network at all, or of a network that the user has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from genaug_data.errors import ConfigError
from genaug_data.features.colour import in_colour


class Pixels:
    """The pixels of the image, scaled down: what needs no network, and sees layout and colour but no content.

    Args:
        size: side of the scaled image; features are ``C size^2`` wide.

    Raises:
        ConfigError: ``size`` is below 1.

    Example:
        >>> Pixels(2)(torch.full((3, 1, 8, 6), 255, dtype=torch.uint8))[0].tolist()
        [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, size: int = 8) -> None:
        if size < 1:
            raise ConfigError(f"size must be at least 1, got {size}; 8 is the default")
        self.size = size

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return features in [0, 1], float32 ``(N, C size^2)``, of uint8 images ``(N, C, H, W)``."""
        return functional.adaptive_avg_pool2d(images.float() / 255, self.size).flatten(1)


class ModuleFeatures:
    """What a module of torch returns, such as a model of torchvision whose last layer was taken off.

    Args:
        module: called in evaluation mode, whatever its mode is; then it is as before.
        transform: from uint8 images ``(N, 3, H, W)`` to what the module takes, such as
            ``torchvision.models.ResNet50_Weights.DEFAULT.transforms()``.
        device: of the module.

    Example:
        >>> half = ModuleFeatures(nn.Flatten(), lambda images: images / 2)
        >>> half(torch.full((1, 1, 1, 1), 8, dtype=torch.uint8)).tolist()
        [[4.0, 4.0, 4.0]]
    """

    def __init__(
        self,
        module: nn.Module,
        transform: Callable[[torch.Tensor], torch.Tensor],
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        self._module = module.to(device)
        self._transform = transform
        self._device = device

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return features, float ``(N, D)``; grey images are shown in three channels, a fourth one is left out."""
        modes = {part: part.training for part in self._module.modules()}
        self._module.eval()
        try:
            with torch.no_grad():
                return self._module(self._transform(in_colour(images)).to(self._device)).flatten(1)
        finally:
            for part, training in modes.items():
                part.training = training


class TransformersFeatures:
    """Embeddings of a model of transformers: of CLIP and SigLIP those that words share, of DINO and ViT pooled ones.

    Args:
        model: loaded, in evaluation mode.
        processor: of its images.

    Example:
        >>> from transformers import ViTConfig, ViTImageProcessor, ViTModel
        >>> config = ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=32)
        >>> processor = ViTImageProcessor(size={"height": 32, "width": 32})
        >>> features = TransformersFeatures(ViTModel(config).eval(), processor)
        >>> features(torch.zeros(2, 3, 20, 20, dtype=torch.uint8)).shape
        torch.Size([2, 8])
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self._model = model
        self._processor = processor

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return features, float ``(N, D)``; grey images are shown in three channels, a fourth one is left out."""
        pixels = self._processor(images=list(in_colour(images).cpu()), return_tensors="pt")["pixel_values"]
        embed = getattr(self._model, "get_image_features", self._model)
        with torch.no_grad():
            return pooled(embed(pixel_values=pixels.to(self._model.device)))


def pooled(found: Any) -> torch.Tensor:
    """Return one vector an image, ``(N, D)``, of whatever a model of transformers returned."""
    if isinstance(found, torch.Tensor):
        return found
    pooled_output = getattr(found, "pooler_output", None)
    return found.last_hidden_state.mean(1) if pooled_output is None else pooled_output.flatten(1)

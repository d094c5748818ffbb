"""Variants of an image by a pretrained model: it is noised to ``strength``, then denoised under a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from genaug_data.generators.base import ParentBatch
from genaug_data.generators.pretrained.base import PretrainedGenerator


class ImageToImage(PretrainedGenerator):
    """Edits parents with an image-to-image pipeline of diffusers.

    The image is noised to the recipe's strength and denoised under the prompt (SDEdit, arXiv:2108.01073). The
    annotation stays the parent's: what holds for a class may not hold for a mask.

    Args:
        model: folder or id of the model, or a :class:`~genaug_data.generators.pretrained.DiffusersModel`.
        prompts: what the model is told; None tells it nothing.
        max_attempts: how often an image is made, at most, until the safety checker lets it pass.
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: ``max_attempts`` is below 1.

    Example:
        >>> ImageToImage("models/sd-turbo").identity
        "ImageToImage/1, AutoPipelineForImage2Image, DiffusersModel('models/sd-turbo'), FixedPrompt('', negative='')"
    """

    kind = "AutoPipelineForImage2Image"

    def inputs(self, batch: ParentBatch, colours: torch.Tensor) -> Mapping[str, Any]:
        """Return the parents and the strength of their edit."""
        height, width = colours.shape[-2:]
        return {"image": colours, "strength": batch.recipe.strength, "height": height, "width": width}

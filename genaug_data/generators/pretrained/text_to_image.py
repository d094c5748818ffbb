"""Images by a pretrained model from a prompt alone: of the parent, only size and annotation are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from genaug_data.generators.base import ParentBatch
from genaug_data.generators.pretrained.base import PretrainedGenerator


class TextToImage(PretrainedGenerator):
    """Makes images of a parent's class with a text-to-image pipeline of diffusers; the recipe's strength plays no part.

    Such images are the most various, and the furthest from the training set: their share of use falls behind that of
    edits as soon as there are some real images (Diff-Mix, arXiv:2403.19600). For classes, not for masks.

    Args:
        model: folder or id of the model, or a :class:`~genaug_data.generators.pretrained.DiffusersModel`.
        prompts: what the model is told; None tells it nothing.
        max_attempts: how often an image is made, at most, until the safety checker lets it pass.
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: ``max_attempts`` is below 1.

    Example:
        >>> from genaug_data.generators.pretrained import ClassPrompt
        >>> TextToImage("models/sd-turbo", prompts=ClassPrompt(["cat"])).identity[:27]
        'TextToImage/1, AutoPipeline'
    """

    kind = "AutoPipelineForText2Image"

    def inputs(self, batch: ParentBatch, colours: torch.Tensor) -> Mapping[str, Any]:
        """Return the size of the parents."""
        height, width = colours.shape[-2:]
        return {"height": height, "width": width}

"""Images by a pretrained model from a prompt alone: of the parent, only size and annotation are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.base import ParentBatch
from genaug_data.generators.pretrained.base import PretrainedGenerator
from genaug_data.sample import Sample


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

    def told(self, parent: Sample, seed: int) -> str:
        """Return the prompt of a variant.

        Raises:
            GeneratorError: the annotation says where something is, which an image from words alone does not keep to.
        """
        target = parent.target
        if isinstance(target, Mapping) or (isinstance(target, torch.Tensor) and target.ndim > 1):
            raise GeneratorError(
                f"an image made from words alone keeps to no mask, box or point, got a {type(target).__name__} as "
                "annotation; pass ControlNet with DrawnAnnotation, or Inpainting"
            )
        return super().told(parent, seed)

    def inputs(self, batch: ParentBatch, colours: torch.Tensor) -> Mapping[str, Any]:
        """Return the size of the parents."""
        height, width = colours.shape[-2:]
        return {"height": height, "width": width}

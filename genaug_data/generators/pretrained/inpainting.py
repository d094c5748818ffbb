"""Variants of a part of an image by a pretrained model; what is outside is the parent's, bit by bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.base import ParentBatch
from genaug_data.generators.padding import pad_image
from genaug_data.generators.pretrained.base import PretrainedGenerator
from genaug_data.generators.pretrained.model import DiffusersModel
from genaug_data.generators.pretrained.prompts import PromptPolicy
from genaug_data.sample import Sample


class Inpainting(PretrainedGenerator):
    """Makes a region of an image anew, with an inpainting pipeline of diffusers.

    The region is that of some classes of a mask, or of boxes. Pipelines change pixels outside of it as well; these are
    put back from the parent, so that the annotation holds there. Inside, it holds as far as the model keeps to the
    region: name the background to change what surrounds an object, or the object to change what it looks like.

    Args:
        model: folder or id of the model, or a :class:`~genaug_data.generators.pretrained.DiffusersModel`; fine-tuned
            for inpainting or not.
        classes: ids of the mask whose pixels are made anew, or labels of boxes.
        outside: whether it is everything but these that is made anew.
        prompts: what the model is told; None tells it nothing.
        max_attempts: how often an image is made, at most, until the safety checker lets it pass.
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: no class is named, or ``max_attempts`` is below 1.

    Example:
        >>> Inpainting("models/sd-inpainting", classes=[0]).identity[:40]
        'Inpainting/1, classes=[0], outside=False'
    """

    kind = "AutoPipelineForInpainting"

    def __init__(
        self,
        model: str | DiffusersModel,
        *,
        classes: Sequence[int],
        outside: bool = False,
        prompts: PromptPolicy | None = None,
        max_attempts: int = 3,
        batch_size: int = 8,
        device: str | torch.device = "auto",
    ) -> None:
        super().__init__(model, prompts=prompts, max_attempts=max_attempts, batch_size=batch_size, device=device)
        if not classes:
            raise ConfigError("classes must name at least one id of the mask, got none; [0] is often the background")
        self._classes = sorted(set(classes))
        self._outside = outside

    def settings(self) -> Sequence[str]:
        """Return what is made anew."""
        return f"classes={self._classes}", f"outside={self._outside}"

    def unchanged(self, parent: Sample) -> torch.Tensor:
        """Return where the parent's pixels stay."""
        return ~self._region(parent)

    def inputs(self, batch: ParentBatch, colours: torch.Tensor) -> Mapping[str, Any]:
        """Return the parents, the region of each, and the strength of the edit.

        Raises:
            GeneratorError: an annotation has neither a mask nor boxes.
        """
        height, width = colours.shape[-2:]
        regions = [pad_image(self._region(parent), (height, width)) for parent in batch.parents]
        return {
            "image": colours,
            "mask_image": torch.stack(regions).unsqueeze(1).float().to(colours.device),
            "strength": batch.recipe.strength,
            "height": height,
            "width": width,
        }

    def _region(self, parent: Sample) -> torch.Tensor:
        target, size = parent.target, parent.image.shape[-2:]
        wanted = torch.tensor(self._classes)
        if isinstance(target, torch.Tensor) and target.shape == size:
            region = torch.isin(target.as_subclass(torch.Tensor), wanted.to(target.dtype))
        elif isinstance(target, Mapping) and {"boxes", "labels"} <= set(target):
            region = torch.zeros(size, dtype=torch.bool)
            chosen = torch.isin(target["labels"], wanted.to(target["labels"].dtype))
            for left, top, right, bottom in target["boxes"][chosen].tolist():
                # A pixel that the box touches belongs to it.
                region[max(0, int(top)) : -int(-bottom // 1), max(0, int(left)) : -int(-right // 1)] = True
        else:
            raise GeneratorError(
                f"the region to make anew is read from a mask (H, W) or from boxes with labels, got "
                f"{type(target).__name__}; pass a segmentation dataset, or ImageToImage for classes"
            )
        return ~region if self._outside else region

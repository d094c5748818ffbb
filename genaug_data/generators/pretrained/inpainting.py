"""Variants of a part of an image by a pretrained model; what is outside is the parent's, bit by bit."""

from __future__ import annotations

import math
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
        ConfigError: no class is named, or one by something else than its id, or ``max_attempts`` is below 1.

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
        try:
            self._classes = sorted({int(one) for one in classes})
        except (TypeError, ValueError) as error:
            raise ConfigError(f"classes must be ids of the mask, got {classes!r}; pass a list of them") from error
        if not self._classes:
            raise ConfigError("classes must name at least one id of the mask, got none; [0] is often the background")
        self._outside = outside

    def settings(self) -> Sequence[str]:
        """Return what is made anew."""
        return f"classes={self._classes}", f"outside={self._outside}"

    def unchanged(self, parent: Sample) -> torch.Tensor:
        """Return where the parent's pixels stay."""
        return ~self._region(parent)

    def refuses(self, parent: Sample) -> str | None:
        """Refuse a parent without a pixel to make anew.

        Raises:
            GeneratorError: its annotation has neither a mask nor boxes.
        """
        if self._region(parent).any():
            return None
        what = "outside of the classes" if self._outside else "of the classes"
        return f"the image has no pixel {what} {self._classes}, so there is nothing to make anew"

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
            region = torch.isin(target.as_subclass(torch.Tensor).long(), wanted)
        elif isinstance(target, Mapping) and {"boxes", "labels"} <= set(target):
            region = torch.zeros(size, dtype=torch.bool)
            chosen = torch.isin(target["labels"].long(), wanted)
            for left, top, right, bottom in target["boxes"][chosen].tolist():
                # A pixel that the box touches belongs to it; what lies outside of the image touches none.
                rows = slice(max(0, math.floor(top)), max(0, math.ceil(bottom)))
                region[rows, max(0, math.floor(left)) : max(0, math.ceil(right))] = True
        else:
            raise GeneratorError(
                f"the region to make anew is read from a mask (H, W) or from boxes with labels, got "
                f"{type(target).__name__}; pass a segmentation dataset, or ImageToImage for classes"
            )
        return ~region if self._outside else region

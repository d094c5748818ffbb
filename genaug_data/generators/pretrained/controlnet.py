"""Variants of an image by a pretrained model that is led by a drawing of it: edges, depth, or the annotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.base import ParentBatch
from genaug_data.generators.padding import pad_image
from genaug_data.generators.pretrained.base import PretrainedGenerator
from genaug_data.generators.pretrained.conditions import Canny, Condition
from genaug_data.generators.pretrained.files import tidy
from genaug_data.generators.pretrained.model import DiffusersModel
from genaug_data.generators.pretrained.prompts import PromptPolicy
from genaug_data.sample import Sample

_KINDS = {"parent": "AutoPipelineForImage2Image", "noise": "AutoPipelineForText2Image"}


class ControlNet(PretrainedGenerator):
    """Makes variants that keep to a condition image, by a ControlNet beside the model (arXiv:2302.05543).

    From edges, what an example shows stays where it is while colours, textures and surroundings change; from a drawn
    annotation, mask, boxes or points hold as far as the ControlNet follows them.

    Args:
        model: folder or id of the model, or a :class:`~genaug_data.generators.pretrained.DiffusersModel`.
        controlnet: folder or id of a ControlNet for that model.
        condition: what it is shown of the parent; None shows the edges.
        scale: weight of the condition.
        start: "parent" begins with the parent, noised to the recipe's strength; "noise" with noise alone.
        prompts: what the model is told; None tells it nothing.
        max_attempts: how often an image is made, at most, until the safety checker lets it pass.
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: ``start`` is neither, ``scale`` is negative, or ``max_attempts`` is below 1.

    Example:
        >>> ControlNet("models/sd", controlnet="models/canny").identity[:62]
        "ControlNet/1, Canny(0.1, 0.2), scale=0.8, start='parent', Auto"
    """

    def __init__(
        self,
        model: str | DiffusersModel,
        *,
        controlnet: str,
        condition: Condition | None = None,
        scale: float = 0.8,
        start: str = "parent",
        prompts: PromptPolicy | None = None,
        max_attempts: int = 3,
        batch_size: int = 8,
        device: str | torch.device = "auto",
    ) -> None:
        if start not in _KINDS:
            raise ConfigError(f'start must be "parent" or "noise", got {start!r}; "parent" keeps more of it')
        if scale < 0:
            raise ConfigError(f"scale must not be negative, got {scale}; 0.8 is the default")
        self.kind = _KINDS[start]
        self._controlnet = tidy(controlnet)
        self._condition: Condition = Canny() if condition is None else condition
        self._scale = float(scale)
        self._start = start
        super().__init__(model, prompts=prompts, max_attempts=max_attempts, batch_size=batch_size, device=device)

    def controlnet(self) -> str:
        """Return folder or id of the ControlNet."""
        return self._controlnet

    def settings(self) -> Sequence[str]:
        """Return the condition, its weight, and what denoising begins with."""
        return self._condition.identity, f"scale={self._scale}", f"start={self._start!r}"

    def inputs(self, batch: ParentBatch, colours: torch.Tensor) -> Mapping[str, Any]:
        """Return the condition images, and the parents where denoising begins with them.

        Raises:
            GeneratorError: a parent has nothing to be drawn, or a condition of your own returned no such image.
        """
        height, width = colours.shape[-2:]
        drawn = [pad_image(self._drawn(parent), (height, width)) for parent in batch.parents]
        control = torch.stack(drawn).to(colours)
        shared = {"controlnet_conditioning_scale": self._scale, "height": height, "width": width}
        if self._start == "noise":
            # A pipeline without a parent calls the condition "image" in some families, "control_image" in others.
            return {"condition": control, **shared}
        return {"image": colours, "control_image": control, "strength": batch.recipe.strength, **shared}

    def _drawn(self, parent: Sample) -> torch.Tensor:
        drawn, expected = self._condition.image(parent), (3, *parent.image.shape[-2:])
        if not isinstance(drawn, torch.Tensor) or not drawn.is_floating_point() or tuple(drawn.shape) != expected:
            what = f"{drawn.dtype} {tuple(drawn.shape)}" if isinstance(drawn, torch.Tensor) else type(drawn).__name__
            raise GeneratorError(
                f"the condition {self._condition.identity} returned {what}: return float {expected} in [0, 1]"
            )
        return drawn

"""Variants between two classes: the image of one, the prompt of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained.image_to_image import ImageToImage
from genaug_data.generators.pretrained.model import DiffusersModel
from genaug_data.generators.pretrained.prompts import ClassPrompt
from genaug_data.sample import Recipe, Request, Sample, Target
from genaug_data.seeding import derive, uniforms

if TYPE_CHECKING:
    from genaug_data.tasks import Task


class InterClass(ImageToImage):
    """Edits a parent of one class under the prompt of another, drawn for each variant (Diff-Mix, arXiv:2403.19600).

    Its label is soft: ``1 - strength ** gamma`` of the parent's class, the rest of the other one. Where annotations are
    soft labels ``(classes,)``, as with ``task=ClassificationTask(soft_labels=True)``, they are mixed so. Where they are
    class ids, each variant gets one of the two with these probabilities: the expected cross-entropy is that of the soft
    label, as it is linear in the label.

    Args:
        model: folder or id of the model, or a :class:`~genaug_data.generators.pretrained.DiffusersModel`.
        prompts: of all classes.
        gamma: how fast the parent's class fades; 0.5 is the safe value of the paper.
        max_attempts: how often an image is made, at most, until the safety checker lets it pass.
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: ``prompts`` are no ClassPrompt, or of fewer than two classes, ``gamma`` is not positive, or
            ``max_attempts`` is below 1.

    Example:
        >>> InterClass("models/sd", prompts=ClassPrompt(["cat", "dog"])).identity[:24]
        'InterClass/1, gamma=0.5,'
    """

    prompts: ClassPrompt

    def __init__(
        self,
        model: str | DiffusersModel,
        *,
        prompts: ClassPrompt,
        gamma: float = 0.5,
        max_attempts: int = 3,
        batch_size: int = 8,
        device: str | torch.device = "auto",
    ) -> None:
        if not isinstance(prompts, ClassPrompt):
            raise ConfigError(
                f"the prompts of variants between classes must be a ClassPrompt, got a {type(prompts).__name__}; pass "
                "one, with several templates for several domains"
            )
        super().__init__(model, prompts=prompts, max_attempts=max_attempts, batch_size=batch_size, device=device)
        if len(prompts.classes) < 2:
            raise ConfigError(f"variants between classes need two of them, got {prompts.classes}; pass ImageToImage")
        if not gamma > 0:
            raise ConfigError(f"gamma must be above 0, got {gamma}; 0.5 is the default")
        self._gamma = gamma

    def settings(self) -> tuple[str]:
        """Return how fast the parent's class fades."""
        return (f"gamma={self._gamma}",)

    def rehearse(self, parent: Sample, recipe: Recipe, task: Task | None) -> None:
        """Make the first step of a variant, unless there are more names than classes.

        Raises:
            GeneratorError: there are, or it cannot be made.
        """
        known = getattr(task, "num_classes", None)
        if known is not None and len(self.prompts.classes) > known:
            raise GeneratorError(
                f"variants between classes need a class for each name, got {len(self.prompts.classes)} names in "
                f"ClassPrompt for {known} classes; name these alone"
            )
        super().rehearse(parent, recipe, task)

    def told(self, parent: Sample, seed: int) -> str:
        """Return the prompt of the other class."""
        return self.prompts.of_class(self._other(parent, seed), seed)

    def annotation(self, parent: Sample, request: Request) -> Target:
        """Return the label of a variant: mixed, or one of both."""
        kept = 1 - request.recipe.strength**self._gamma
        other = self._other(parent, request.seed)
        if isinstance(parent.target, torch.Tensor):
            pure = torch.nn.functional.one_hot(torch.tensor(other), len(parent.target)).to(parent.target)
            return kept * parent.target + (1 - kept) * pure
        drawn = float(uniforms(derive(request.seed, "label"), np.zeros(1))[0])
        return parent.target if drawn < kept else other

    def _other(self, parent: Sample, seed: int) -> int:
        target, classes = parent.target, len(self.prompts.classes)
        if isinstance(target, torch.Tensor) and target.ndim != 1:
            raise GeneratorError(
                f"variants between classes need a class id or a soft label, got the shape "
                f"{tuple(target.shape)}; pass ImageToImage or Inpainting for masks"
            )
        if isinstance(target, torch.Tensor) and target.shape != (classes,):
            raise GeneratorError(
                f"a soft label must have a probability for each of the {classes} classes that have names, got the "
                f"shape {tuple(target.shape)}; name them all in ClassPrompt(classes)"
            )
        own = self.prompts.number(target)
        place = derive(seed, "other class") % (classes - 1)
        return place + (place >= own)

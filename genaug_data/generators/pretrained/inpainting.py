"""Variants of a part of an image by a pretrained model; what is outside is the parent's, bit by bit."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.base import BaseGenerator, ParentBatch
from genaug_data.generators.pretrained.colours import from_colours, to_colours
from genaug_data.generators.pretrained.pipeline import Pipeline
from genaug_data.generators.pretrained.prompts import FixedPrompt, PromptPolicy
from genaug_data.sample import Sample, Target

_KIND = "AutoPipelineForInpainting"


class Inpainting(BaseGenerator):
    """Makes the pixels of some classes of a mask anew, with an inpainting pipeline of diffusers.

    Pipelines change pixels outside of the region as well; these are put back from the parent, so that the mask holds
    there. Inside, it holds as far as the model keeps to the region: name the background to change what surrounds an
    object, or the object to change what it looks like.

    Args:
        model: as of :class:`~genaug_data.generators.pretrained.ImageToImage`; fine-tuned for inpainting or not.
        classes: ids of the mask whose pixels are made anew.
        prompts: what the model is told; None tells it nothing.
        revision: of a model by id.
        dtype: of the weights: "float32", "bfloat16" or "float16".
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: no class is named, or ``dtype`` is none of these.

    Example:
        >>> Inpainting("models/sd-inpainting", classes=[0]).identity[:21]
        'Inpainting/1 [0] Auto'
    """

    def __init__(
        self,
        model: str,
        *,
        classes: Sequence[int],
        prompts: PromptPolicy | None = None,
        revision: str | None = None,
        dtype: str = "float32",
        batch_size: int = 8,
        device: str | torch.device = "auto",
    ) -> None:
        super().__init__(batch_size=batch_size, device=device)
        if not classes:
            raise ConfigError("classes must name at least one id of the mask, got none; [0] is often the background")
        self._classes = sorted(set(classes))
        self._prompts: PromptPolicy = FixedPrompt() if prompts is None else prompts
        self._pipeline = Pipeline(model, _KIND, revision=revision, dtype=dtype)

    @property
    def identity(self) -> str:
        """Name, format version, classes, model and prompts."""
        return f"Inpainting/1 {self._classes} {self._pipeline.identity}, {self._prompts.identity}"

    @property
    def fingerprint(self) -> str:
        """The identity, and a hash of the model's files.

        Raises:
            GeneratorError: the model is not on this machine, is not whole, or is pickled.
        """
        return f"{self.identity} {self._pipeline.digest}"

    def padded_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the next size that autoencoder and denoiser can halve as often as they do."""
        self.multiple = self._pipeline.multiple(self.device)
        return super().padded_size(height, width)

    def unchanged(self, parent: Sample) -> torch.Tensor:
        """Return where the parent's pixels stay: everywhere but in the classes that are made anew."""
        return ~self._region(parent.target)

    def make(self, batch: ParentBatch) -> torch.Tensor:
        """Noise and denoise the region of each parent.

        Raises:
            GeneratorError: the model cannot be loaded, an annotation is no mask, images have two channels or more than
                four, or the recipe leaves nothing to do.
        """
        regions = torch.stack([self._region(target) for target in batch.targets]).unsqueeze(1).float()
        colours = to_colours(batch.images)
        height, width = colours.shape[-2:]
        made = self._pipeline.call(
            self.device,
            batch,
            self._prompts,
            image=colours,
            mask_image=regions.to(self.device),
            strength=batch.recipe.strength,
            height=height,
            width=width,
        )
        return from_colours(made, batch.images)

    def _region(self, target: Target) -> torch.Tensor:
        if not isinstance(target, torch.Tensor) or target.ndim != 2:
            raise GeneratorError(
                f"the region to make anew is read from a mask (H, W), got {type(target).__name__}; pass a segmentation "
                "dataset, or ImageToImage for classes"
            )
        return torch.isin(target, torch.tensor(self._classes, dtype=target.dtype))

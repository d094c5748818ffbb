"""Images by a pretrained model from a prompt alone: of the parent, only size and annotation are kept."""

from __future__ import annotations

import torch

from genaug_data.generators.base import BaseGenerator, ParentBatch
from genaug_data.generators.pretrained.colours import from_colours, to_colours
from genaug_data.generators.pretrained.pipeline import Pipeline
from genaug_data.generators.pretrained.prompts import PromptPolicy

_KIND = "AutoPipelineForText2Image"


class TextToImage(BaseGenerator):
    """Makes images of a parent's class with a text-to-image pipeline of diffusers; the recipe's strength plays no part.

    Such images are the most various, and the furthest from the training set: their share of use falls behind that of
    edits as soon as there are some real images (Diff-Mix, arXiv:2403.19600). For classes, not for masks.

    Args:
        model: as of :class:`~genaug_data.generators.pretrained.ImageToImage`.
        prompts: what the model is told.
        revision: of a model by id.
        dtype: of the weights: "float32", "bfloat16" or "float16".
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: ``dtype`` is none of these.

    Example:
        >>> from genaug_data.generators.pretrained import ClassPrompt
        >>> TextToImage("models/sd-turbo", prompts=ClassPrompt(["cat"])).identity[:15]
        'TextToImage/1 A'
    """

    def __init__(
        self,
        model: str,
        *,
        prompts: PromptPolicy,
        revision: str | None = None,
        dtype: str = "float32",
        batch_size: int = 8,
        device: str | torch.device = "auto",
    ) -> None:
        super().__init__(batch_size=batch_size, device=device)
        self._prompts = prompts
        self._pipeline = Pipeline(model, _KIND, revision=revision, dtype=dtype)

    @property
    def identity(self) -> str:
        """Name, format version, model and prompts."""
        return f"TextToImage/1 {self._pipeline.identity}, {self._prompts.identity}"

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

    def make(self, batch: ParentBatch) -> torch.Tensor:
        """Denoise pure noise under the prompt.

        Raises:
            GeneratorError: the model cannot be loaded, an annotation has no prompt, or images have two channels or more
                than four.
        """
        height, width = to_colours(batch.images).shape[-2:]
        made = self._pipeline.call(self.device, batch, self._prompts, height=height, width=width)
        return from_colours(made, batch.images)

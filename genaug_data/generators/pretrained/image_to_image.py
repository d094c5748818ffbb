"""Variants of an image by a pretrained model: it is noised to ``strength``, then denoised under a prompt."""

from __future__ import annotations

import torch

from genaug_data.generators.base import BaseGenerator, ParentBatch
from genaug_data.generators.pretrained.colours import from_colours, to_colours
from genaug_data.generators.pretrained.pipeline import Pipeline
from genaug_data.generators.pretrained.prompts import FixedPrompt, PromptPolicy

_KIND = "AutoPipelineForImage2Image"


class ImageToImage(BaseGenerator):
    """Edits parents with an image-to-image pipeline of diffusers: Stable Diffusion 1.x, 2.x, XL, Turbo, LCM, 3, Flux.

    The image is noised to the recipe's strength and denoised under the prompt (SDEdit, arXiv:2108.01073), with a
    generator of random numbers for each sample, so that an image does not depend on its batch. Grey images are made as
    colour ones and averaged; a fourth channel stays the parent's. The annotation stays the parent's, too: what holds
    for a class may not hold for a mask.

    The model must be on this machine; nothing is downloaded, and no pickled weights are read.

    Args:
        model: folder of a saved pipeline, or the id of a model in the Hugging Face cache of this machine.
        prompts: what the model is told; None tells it nothing.
        revision: of a model by id.
        dtype: of the weights: "float32", "bfloat16" or "float16".
        batch_size: variants made at once, at most.
        device: ``"auto"`` (a GPU if there is one), or a device of torch.

    Raises:
        ConfigError: ``dtype`` is none of these.

    Example:
        >>> ImageToImage("models/sd-turbo").identity
        "ImageToImage/1 AutoPipelineForImage2Image('models/sd-turbo', revision=None, dtype=float32), \
FixedPrompt('', negative='')"
    """

    def __init__(
        self,
        model: str,
        *,
        prompts: PromptPolicy | None = None,
        revision: str | None = None,
        dtype: str = "float32",
        batch_size: int = 8,
        device: str | torch.device = "auto",
    ) -> None:
        super().__init__(batch_size=batch_size, device=device)
        self._prompts: PromptPolicy = FixedPrompt() if prompts is None else prompts
        self._pipeline = Pipeline(model, _KIND, revision=revision, dtype=dtype)

    @property
    def identity(self) -> str:
        """Name, format version, model and prompts."""
        return f"ImageToImage/1 {self._pipeline.identity}, {self._prompts.identity}"

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
        """Noise and denoise the parents.

        Raises:
            GeneratorError: the model cannot be loaded, an annotation has no prompt, images have two channels or more
                than four, or the recipe leaves nothing to do.
        """
        made = self._pipeline.call(
            self.device, batch, self._prompts, image=to_colours(batch.images), strength=batch.recipe.strength
        )
        return from_colours(made, batch.images)

"""What a pretrained denoiser learns from in a step: noised latents of the training set, and the noise as the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from genaug_data.errors import GeneratorError
from genaug_data.generators.padding import pad_image
from genaug_data.generators.pretrained.adapters.plan import FitPlan
from genaug_data.generators.pretrained.colours import to_colours
from genaug_data.generators.pretrained.latents import Latents
from genaug_data.generators.pretrained.loading import multiple_of
from genaug_data.generators.pretrained.recent import Tensors
from genaug_data.sample import Sample
from genaug_data.seeding import derive, torch_generator

if TYPE_CHECKING:
    from genaug_data.generators.pretrained.prompts.base import PromptPolicy

_SUPPORTED = "Stable Diffusion 1.x, 2.x and XL"


class NoiseLessons:
    """Draws a batch for each step and says how far the denoiser's answer is from the noise that was added.

    The answer is the noise (arXiv:2006.11239), the velocity (arXiv:2202.00512) or the latent image, as the model's
    scheduler says. Every draw of a step is a function of ``(seed, step)``.

    Args:
        pipeline: of diffusers, whose autoencoder is on the device.
        samples: the training set.
        groups: of indices; a step draws a group, then an index of it, each as likely as any other.
        prompts: what the model is told of a sample.
        tell: returns what the denoiser is told by ``B`` prompts, on the device.
        plan: size of batch and images, and the seed.
        device: where the denoiser is.

    Raises:
        GeneratorError: models like this one cannot be fitted.
    """

    def __init__(
        self,
        pipeline: Any,
        samples: Sequence[Sample],
        groups: Sequence[Sequence[int]],
        prompts: PromptPolicy,
        tell: Callable[[list[str]], Tensors],
        plan: FitPlan,
        device: torch.device,
    ) -> None:
        check_family(pipeline)
        self._samples, self._groups, self._prompts, self._tell = samples, groups, prompts, tell
        self._plan, self._device = plan, device
        self._latents = Latents(pipeline)
        self._multiple = multiple_of(pipeline)
        self._told_size = pipeline.unet.config.addition_embed_type == "text_time"
        self._kept_share: torch.Tensor = pipeline.scheduler.alphas_cumprod.float().to(device)
        self._answer: str = pipeline.scheduler.config.prediction_type

    def loss(self, denoiser: Any, step: int, rows: slice = slice(None)) -> torch.Tensor:
        """Return the mean squared distance of the denoiser's answer at a step, or the part of it that rows add to it.

        Args:
            denoiser: UNet.
            step: its number.
            rows: of the batch that are worked on here; the losses of all rows add up to that of the batch.
        """
        draw = torch_generator(derive(self._plan.seed, "step", step))
        # The whole batch is read and drawn for, also where others work on the rest: its largest image decides the size.
        chosen = [self._samples[self._draw_index(draw)] for _ in range(self._plan.batch_size)]
        told = [
            self._prompts.prompt(sample, derive(self._plan.seed, "prompt", step, row))
            for row, sample in enumerate(chosen)
        ]
        images = self._images(chosen)[rows]
        clean = self._encoded(images, chosen[rows])
        noise = torch.randn(len(chosen), *clean.shape[1:], generator=draw)[rows].to(clean)
        levels = torch.randint(0, len(self._kept_share), (len(chosen),), generator=draw)[rows].to(self._device)
        signal = self._kept_share[levels].sqrt().view(-1, 1, 1, 1)
        share = (1 - self._kept_share[levels]).sqrt().view(-1, 1, 1, 1)
        words = self._tell(told[rows])
        found = denoiser(
            signal * clean + share * noise,
            levels,
            encoder_hidden_states=words["prompt_embeds"],
            added_cond_kwargs=self._added(words, images),
        ).sample
        answers = {"epsilon": noise, "v_prediction": signal * noise - share * clean, "sample": clean}
        return functional.mse_loss(found.float(), answers[self._answer]) * (len(images) / len(chosen))

    def _draw_index(self, draw: torch.Generator) -> int:
        group = self._groups[int(torch.randint(len(self._groups), (1,), generator=draw))]
        return group[int(torch.randint(len(group), (1,), generator=draw))]

    def _images(self, samples: Sequence[Sample]) -> torch.Tensor:
        """Return float ``(B, 3, H, W)`` in [0, 1], padded to the next size that fits the largest of them."""
        found = [self._resized(to_colours(sample.image[None].float().div(127.5).sub(1))) for sample in samples]
        height, width = (
            -(-max(image.shape[side] for image in found) // self._multiple) * self._multiple for side in (-2, -1)
        )
        return torch.cat([pad_image(image, (height, width)) for image in found])

    def _resized(self, image: torch.Tensor) -> torch.Tensor:
        longer = max(image.shape[-2:])
        if self._plan.size in (None, longer):
            return image
        size = [max(1, round(side * self._plan.size / longer)) for side in image.shape[-2:]]
        return functional.interpolate(image, size=size, mode="bicubic", antialias=True).clamp(0, 1)

    @torch.no_grad()
    def _encoded(self, images: torch.Tensor, samples: Sequence[Sample]) -> torch.Tensor:
        # One by one: what is encoded together may differ in the last bit, and a fit that goes on has encoded less.
        return torch.cat(
            [
                self._latents(image[None].to(self._device), [sample])
                for image, sample in zip(images, samples, strict=True)
            ]
        )

    def _added(self, words: Tensors, images: torch.Tensor) -> dict[str, torch.Tensor] | None:
        """Return what XL is told besides (arXiv:2307.01952): size of the image, nothing cropped, size wanted."""
        if not self._told_size:
            return None
        size = [float(side) for side in images.shape[-2:]]
        ids = torch.tensor([*size, 0.0, 0.0, *size], device=self._device).expand(len(images), -1)
        return {"text_embeds": words["pooled_prompt_embeds"], "time_ids": ids}


def check_family(pipeline: Any) -> None:
    """Refuse a pipeline whose denoiser is not fitted with noise in the way of Stable Diffusion.

    Raises:
        GeneratorError: it is not.
    """
    problem = _problem(pipeline)
    if problem:
        raise GeneratorError(
            f"adapters are fitted on {_SUPPORTED}, and this {type(pipeline).__name__} {problem}; pass such a model, or "
            "load what was fitted elsewhere from a file"
        )


def _problem(pipeline: Any) -> str | None:
    unet, scheduler = getattr(pipeline, "unet", None), pipeline.scheduler
    if unet is None:
        return "has no UNet"
    if not hasattr(scheduler, "alphas_cumprod"):
        return f"has a scheduler of another kind, {type(scheduler).__name__}"
    if scheduler.config.get("prediction_type") not in ("epsilon", "v_prediction", "sample"):
        return f"predicts {scheduler.config.get('prediction_type')!r}"
    if unet.config.addition_embed_type not in (None, "text_time"):
        return f"is told by {unet.config.addition_embed_type!r}"
    if unet.config.in_channels != unet.config.out_channels:
        return f"has a UNet for inpainting, with {unet.config.in_channels} channels"
    if getattr(pipeline.config, "requires_aesthetics_score", False):
        return "is a refiner"
    return None if Latents(pipeline).usable else f"has the autoencoder {type(pipeline.vae).__name__}"

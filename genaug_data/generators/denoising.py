"""Making an image out of noise, or out of a noised parent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.schedule import LEVELS, signal_and_noise
from genaug_data.sample import Recipe
from genaug_data.seeding import torch_generator


def ddim(
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    noisy: torch.Tensor,
    levels: Sequence[int],
    after_step: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """Denoise along ``levels`` with deterministic DDIM (arXiv:2010.02502) and v-prediction (arXiv:2202.00512).

    Args:
        predict: returns the velocity, given noisy images ``(B, C, H, W)`` and their level int64 ``(B,)``.
        noisy: images at the first level, float32 ``(B, C, H, W)``.
        levels: falling noise levels, the last one 0.
        after_step: called after each step; what it raises ends the denoising.

    Returns:
        Images at the last level, ``(B, C, H, W)``, values in [-1, 1].
    """
    for now, then in pairwise(levels):
        level = torch.full((len(noisy),), now, device=noisy.device)
        velocity = predict(noisy, level)
        signal, noise = signal_and_noise(level)
        clean_image = (signal * noisy - noise * velocity).clamp(-1, 1)
        pure_noise = noise * noisy + signal * velocity
        signal, noise = signal_and_noise(torch.full_like(level, then))
        noisy = signal * clean_image + noise * pure_noise
        after_step()
    return noisy


def guided(
    network: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
    condition: torch.Tensor,
    null: torch.Tensor,
    scale: float,
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return a predictor for :func:`ddim` with classifier-free guidance (arXiv:2207.12598).

    Args:
        network: returns the velocity, given noisy images, their level and their encoded condition.
        condition: of each image, ``(B, ...)``.
        null: the null condition for each, of the same shape.
        scale: 1 follows the condition as it was learned, and costs half; larger exaggerates it.
    """
    if scale == 1:
        return lambda noisy, level: network(noisy, level, condition)
    both = torch.cat([condition, null])

    def predict(noisy: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        conditional, unconditional = network(noisy.repeat(2, 1, 1, 1), level.repeat(2), both).chunk(2)
        return unconditional + scale * (conditional - unconditional)

    return predict


def levels_of(recipe: Recipe) -> list[int]:
    """Return the noise levels that a recipe passes: from ``floor(strength * LEVELS)`` down to 0.

    Raises:
        GeneratorError: the recipe leaves nothing to do, or its strength is outside (0, 1].

    Example:
        >>> levels_of(Recipe(strength=0.5, steps=4))
        [500, 250, 0]
    """
    if not 0 < recipe.strength <= 1:
        raise GeneratorError(f"a recipe's strength must be in (0, 1], got {recipe.strength}; 1 starts from pure noise")
    # 0.29 * 100 is 28.999... in floating point: meant are 29 steps.
    start, steps = (int(recipe.strength * whole + 1e-9) for whole in (LEVELS, recipe.steps))
    if min(start, steps) < 1:
        raise GeneratorError(
            f"strength {recipe.strength} of {recipe.steps} steps leaves no denoising step: "
            f"raise steps to at least {-int(-1 // recipe.strength)} or raise the strength"
        )
    steps = min(steps, start)
    return [round(start * (steps - step) / steps) for step in range(steps + 1)]


def noised(parents: torch.Tensor, seeds: Sequence[int], level: int) -> torch.Tensor:
    """Return parents at a noise level; each gets noise from its own seed alone, drawn on the CPU.

    Args:
        parents: float32 ``(B, C, H, W)``, values in [-1, 1].
        seeds: ``B`` of them.
        level: 1..LEVELS; at LEVELS nothing of the parents is left.
    """
    shape = parents.shape[1:]
    drawn = torch.stack([torch.randn(shape, generator=torch_generator(seed)) for seed in seeds]).to(parents.device)
    if level == LEVELS:
        return drawn
    signal, noise = signal_and_noise(torch.tensor([level], device=parents.device))
    return signal * parents + noise * drawn

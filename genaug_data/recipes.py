"""How strongly a parent is edited: the harder it is, the weaker, drawn from a range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genaug_data.errors import ConfigError
from genaug_data.sample import Recipe
from genaug_data.seeding import derive, uniforms


@dataclass(frozen=True, slots=True)
class RecipePolicy:
    """Draws the recipe of a variant from its parent's hardness.

    A strength drawn from a range beats a fixed one (DA-Fusion, arXiv:2302.07944), and an edit of a hard example that is
    too strong leaves its class, so the range is walked from its upper to its lower end as hardness goes up, with a
    random half. Strengths are rounded to 0.1, so that requests fall into few groups that one call can serve.

    Args:
        strength: lowest and highest strength, each in (0, 1].
        guidance_scale: classifier-free guidance; 1 is none.
        steps: denoising steps of a full diffusion.

    Raises:
        ConfigError: a value outside its range, or too few steps for the lowest strength.

    Example:
        >>> policy = RecipePolicy(strength=(0.4, 0.8))
        >>> policy.recipe(hardness=1.0, seed=1, parent=0, variant=0).strength <= 0.6
        True
    """

    strength: tuple[float, float] = (0.4, 0.8)
    guidance_scale: float = 2.0
    steps: int = 20

    def __post_init__(self) -> None:
        low, high = self.strength
        if not 0 < low <= high <= 1:
            raise ConfigError(
                f"strength must be (lowest, highest) with 0 < lowest <= highest <= 1, got {self.strength}"
            )
        if self.steps * low < 1:
            raise ConfigError(
                f"strength * steps must be at least 1, got {low} * {self.steps} = {low * self.steps:g}; raise either"
            )

    def recipe(self, hardness: float, seed: int, parent: int, variant: int) -> Recipe:
        """Return the recipe of one variant.

        Args:
            hardness: rank of the parent's priority, in [0, 1]; 1 is the hardest.
            seed: of the run.
            parent: index of the parent.
            variant: number of the variant.
        """
        low, high = self.strength
        drawn = float(uniforms(derive(seed, "strength", parent), np.array([variant]))[0])
        strength = low + (high - low) * ((1 - hardness) + drawn) / 2
        rounded = min(max(round(strength, 1), low), high)
        return Recipe(strength=round(rounded, 4), guidance_scale=self.guidance_scale, steps=self.steps)

from itertools import pairwise

import pytest
import torch
from diffusers import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.errors import GeneratorError
from genaug_data.generators.denoising import ddim, guided, levels_of, noised
from genaug_data.generators.schedule import LEVELS, signal_and_noise
from genaug_data.sample import Recipe
from genaug_data.seeding import torch_generator


def test_one_that_knows_the_image_gets_it_back():
    image = torch.rand(2, 1, 4, 4, generator=torch_generator(0)) * 2 - 1
    start = noised(image, [1, 2], LEVELS)

    def predict(noisy, level):
        signal, noise = signal_and_noise(level)
        return (signal * noisy - image) / noise

    assert not torch.allclose(start, image, atol=0.1)
    torch.testing.assert_close(ddim(predict, start, levels_of(Recipe(strength=1.0, steps=7))), image)


def test_steps_are_those_of_diffusers():
    theirs = DDIMScheduler(
        LEVELS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        clip_sample=True,
        timestep_spacing="trailing",
        set_alpha_to_one=True,
    )
    theirs.set_timesteps(10)
    start = torch.randn(3, 1, 4, 4, generator=torch_generator(0))

    def predict(noisy, level):
        return torch.sin(3 * noisy) * level.view(-1, 1, 1, 1) / LEVELS

    expected = start
    for timestep in theirs.timesteps:
        velocity = predict(expected, torch.full((3,), int(timestep) + 1))
        expected = theirs.step(velocity, timestep, expected).prev_sample
    torch.testing.assert_close(
        ddim(predict, start, levels_of(Recipe(strength=1.0, steps=10))), expected, atol=2e-3, rtol=0
    )


def test_each_step_is_told_of_and_can_be_the_last():
    start, taken = torch.zeros(1, 1, 2, 2), []

    def after_step():
        taken.append(1)
        if len(taken) == 6:
            raise KeyboardInterrupt

    ddim(lambda noisy, level: noisy, start, [500, 250, 100, 0], after_step)
    assert len(taken) == 3
    with pytest.raises(KeyboardInterrupt):
        ddim(lambda noisy, level: noisy, start, [900, 500, 400, 300, 250, 100, 0], after_step)
    assert len(taken) == 6


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
def test_guidance_goes_past_the_condition_as_far_as_the_scale_says(scale):
    def network(noisy, level, condition):
        return noisy * level.view(-1, 1, 1, 1) + condition

    noisy, level = torch.rand(2, 1, 3, 3, generator=torch_generator(0)), torch.tensor([2, 5])
    condition, null = torch.rand(2, 2, 1, 3, 3, generator=torch_generator(1))
    found = guided(network, condition, null, scale)(noisy, level)
    for place in range(2):
        plain, free = (noisy[place] * level[place] + known[place] for known in (condition, null))
        torch.testing.assert_close(found[place], free + scale * (plain - free))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 100), st.integers(1, 60))
def test_levels_fall_from_the_strength_to_the_clean_image(percent, steps):
    recipe = Recipe(strength=percent / 100, steps=steps)
    if percent * steps < 100:
        with pytest.raises(GeneratorError, match="leaves no denoising step: raise steps to at least"):
            levels_of(recipe)
        assert levels_of(Recipe(recipe.strength, steps=-(-100 // percent)))
        return
    levels = levels_of(recipe)
    assert levels[0] == 10 * percent
    assert levels[-1] == 0
    assert len(levels) == percent * steps // 100 + 1
    assert all(now > then for now, then in pairwise(levels))


@pytest.mark.parametrize("strength", [0.0, -0.5, 1.5, float("nan")])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(GeneratorError, match=r"strength must be in \(0, 1\], got"):
        levels_of(Recipe(strength=strength))


def test_noise_comes_from_the_samples_own_seed():
    parents = torch.zeros(3, 1, 4, 4)
    together = noised(parents, [5, 6, 7], 300)
    for place, seed in enumerate([5, 6, 7]):
        assert noised(parents[:1], [seed], 300)[0].equal(together[place])


def test_pure_noise_keeps_nothing_of_the_parent():
    assert noised(torch.ones(1, 1, 4, 4), [1], LEVELS).equal(noised(-torch.ones(1, 1, 4, 4), [1], LEVELS))
    assert not noised(torch.ones(1, 1, 4, 4), [1], 900).equal(noised(-torch.ones(1, 1, 4, 4), [1], 900))

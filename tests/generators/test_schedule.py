import torch
from diffusers import DDIMScheduler

from genaug_data.generators.schedule import LEVELS, signal_and_noise


def test_levels_are_those_of_diffusers_behind_a_clean_one():
    theirs = DDIMScheduler(LEVELS, beta_schedule="squaredcos_cap_v2").alphas_cumprod
    signal, noise = signal_and_noise(torch.arange(LEVELS + 1))
    assert signal.shape == (LEVELS + 1, 1, 1, 1)
    assert (signal[0], noise[0]) == (1, 0)
    # Theirs is multiplied up in float32, ours in float64.
    torch.testing.assert_close(signal.flatten()[1:] ** 2, theirs, rtol=1e-3, atol=1e-6)


def test_signal_and_noise_keep_the_variance():
    signal, noise = signal_and_noise(torch.arange(LEVELS + 1))
    torch.testing.assert_close(signal**2 + noise**2, torch.ones_like(signal))

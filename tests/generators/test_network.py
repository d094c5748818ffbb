import pytest
import torch

from genaug_data.generators.condition import Condition
from genaug_data.generators.initialising import initialise
from genaug_data.generators.network import load_network, new_network
from genaug_data.seeding import torch_generator


def test_weights_are_a_function_of_the_seed_and_global_generators_stay():
    condition = Condition("class", (0, 1))
    before = torch.get_rng_state()
    first, same, other = (new_network(condition, 1, (8, 16), seed).state_dict() for seed in (1, 1, 2))
    assert torch.get_rng_state().equal(before)
    assert all(first[name].equal(same[name]) for name in first)
    assert not all(first[name].equal(other[name]) for name in first)
    assert all(value.isfinite().all() for value in first.values())


def test_initialisation_is_that_of_torch():
    ours = new_network(Condition("class", (0, 1)), 3, (32, 64), 0)
    theirs = type(ours)(Condition("class", (0, 1)), 3, (32, 64))
    for (name, mine), reference in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        if name.startswith("unet.conv_out.weight"):
            assert not mine.any()
        elif mine.numel() >= 500:
            assert mine.std().item() == pytest.approx(reference.std().item(), rel=0.2), name
            assert mine.abs().max() <= reference.abs().max() * 1.5, name


def test_a_module_without_known_initialisation_is_refused():
    with pytest.raises(TypeError, match="no initialisation is known for LayerNorm"):
        initialise(torch.nn.LayerNorm(3), torch_generator(0))


@pytest.mark.parametrize("kind", ["class", "mask"])
def test_the_condition_reaches_the_output(kind):
    condition = Condition(kind, (0, 5))
    network = new_network(condition, 3, (8, 16, 16), 0)
    torch.nn.init.ones_(network.unet.conv_out.weight)
    targets = [0, 5] if kind == "class" else [torch.full((8, 4), 0), torch.full((8, 4), 5)]
    noisy = torch.ones(2, 3, 8, 4)
    with torch.no_grad():
        out = network(noisy, torch.tensor([500, 500]), condition.encode(targets, (8, 4)))
    assert out.shape == noisy.shape
    assert not torch.allclose(out[0], out[1])


def test_an_image_as_condition_reaches_the_output_and_its_null_is_grey():
    condition = Condition("image")
    network = new_network(condition, 3, (8, 16), 0)
    torch.nn.init.ones_(network.unet.conv_out.weight)
    noisy, parents = torch.ones(2, 3, 8, 4), torch.stack([torch.full((3, 8, 4), 0.5), torch.full((3, 8, 4), -0.5)])
    level = torch.tensor([500, 500])
    with torch.no_grad():
        out, null = network(noisy, level, parents), network(noisy, level, condition.drop(parents))
        assert not torch.allclose(out[0], out[1])
        torch.testing.assert_close(null, network(noisy, level, torch.zeros_like(parents)))


def test_loaded_weights_are_copies_for_inference():
    condition = Condition("class", (0,))
    weights = new_network(condition, 1, (8,), 0).state_dict()
    loaded = load_network(condition, 1, (8,), weights)
    assert all(value.equal(weights[name]) for name, value in loaded.state_dict().items())
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())

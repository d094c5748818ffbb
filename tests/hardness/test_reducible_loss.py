import numpy as np
import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.hardness import HardnessTable, ReducibleLoss, split_half_losses
from genaug_data.seeding import numpy_generator


def observed(size=30):
    random, table = numpy_generator(2), HardnessTable(size)
    table.observations[:], table.loss_ema[:] = 2, 3 * random.random(size)
    table.observations[:4] = 1
    return table, 2 * random.random(size)


def test_priorities_equal_the_slow_loop():
    table, irreducible = observed()
    irreducible[7] = np.nan
    weights = []
    for i in range(table.size):
        difference = float(table.loss_ema[i]) - irreducible[i]
        weights.append(difference**0.6 if table.observations[i] >= 2 and difference > 0 else 0.0)
    assert min(weights[4:7]) == 0 or min(weights) == 0
    expected = [0.85 * weight / sum(weights) + 0.15 / 30 for weight in weights]
    assert ReducibleLoss(irreducible).priorities(table) == pytest.approx(expected, rel=1e-4)


def test_a_wrong_label_is_less_hard_than_what_can_be_learnt():
    table = HardnessTable(3)
    table.observations[:], table.loss_ema[:] = 2, (4.0, 2.0, 0.1)
    assert ReducibleLoss([3.8, 0.3, 0.1]).priorities(table).argmax() == 1


def test_the_losses_are_copied():
    table, irreducible = observed()
    irreducible = irreducible.astype(np.float32)
    policy, before = ReducibleLoss(irreducible), ReducibleLoss(irreducible).priorities(table)
    irreducible[:] = 0
    assert np.array_equal(policy.priorities(table), before)


def test_losses_of_another_dataset_are_refused():
    with pytest.raises(ConfigError, match=r"must hold one loss an example, got shape \(2, 1\); pass shape \(N,\)"):
        ReducibleLoss(np.zeros((2, 1)))
    with pytest.raises(ConfigError, match="irreducible holds the losses of 1 examples, the dataset has 3; compute"):
        ReducibleLoss([1.0]).priorities(HardnessTable(3))


@pytest.mark.parametrize("size", [2, 7, 40])
def test_every_loss_comes_from_a_network_that_never_saw_the_example(size):
    halves = []

    def train(train, held_out):
        halves.append((train.tolist(), held_out.tolist()))
        assert train.dtype == held_out.dtype == np.int64
        return torch.tensor([1000.0 * len(halves) + i for i in held_out], requires_grad=True)

    losses = split_half_losses(train, size, seed=3)
    assert losses.dtype == np.float32
    (first, second), again = halves
    assert again == (second, first)
    assert sorted(first + second) == list(range(size))
    assert abs(len(first) - len(second)) <= 1
    assert first == sorted(first)
    for i in range(size):
        assert losses[i] == (1000 if i in second else 2000) + i
    if size == 40:
        halves.clear()
        split_half_losses(train, size, seed=3)
        assert halves[0] == (first, second)
        split_half_losses(train, size, seed=4)
        assert halves[2] != (first, second)


def test_a_function_that_edits_its_indices_changes_nothing():
    def train(train, held_out):
        losses = held_out.astype(float)
        train[:], held_out[:] = 0, 0
        return losses

    assert split_half_losses(train, 6).tolist() == [0, 1, 2, 3, 4, 5]


def test_what_cannot_be_split_or_is_not_one_loss_each_is_refused():
    with pytest.raises(ConfigError, match=r"dataset_size must be at least 2 to be split, got 1; pass len\(dataset\)"):
        split_half_losses(lambda train, held_out: held_out, 1)
    with pytest.raises(ConfigError, match=r"one loss for each of the 3 examples held out, got shape \(\); compute"):
        split_half_losses(lambda train, held_out: 0.5, 6)

import math

import numpy as np
import pytest
import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.hardness import EnsembleDisagreement, HardnessTable
from genaug_data.seeding import torch_generator


def predictions(members, rows, classes, *pixels, seed=0):
    logits = 3 * torch.randn(members, rows, classes, *pixels, generator=torch_generator(seed))
    return logits.softmax(2)


def entropy(distribution):
    return -sum(p * math.log(p) for p in distribution if p > 0)


def slow_divergence(members):
    """Jensen-Shannon divergence of lists of probabilities, as the mean relative entropy to their mean, over log M."""
    mean = [sum(column) / len(members) for column in zip(*members, strict=True)]
    relative = [sum(p * math.log(p / q) for p, q in zip(member, mean, strict=True) if p > 0) for member in members]
    assert sum(relative) / len(members) == pytest.approx(
        entropy(mean) - sum(map(entropy, members)) / len(members), abs=1e-6
    )
    return sum(relative) / len(members) / math.log(len(members))


@pytest.mark.parametrize("members", [2, 5])
def test_scores_equal_the_slow_loop(members):
    given = predictions(members, 8, 4)
    given[:, 0] = torch.tensor([1.0, 0.0, 0.0, 0.0])
    policy = EnsembleDisagreement(8)
    policy.update(given)
    scores = policy.score(HardnessTable(8))
    assert scores.dtype == np.float32
    expected = [slow_divergence(given[:, row].tolist()) for row in range(8)]
    assert scores.tolist() == pytest.approx(expected, abs=1e-5)
    weights = [value**0.6 for value in expected]
    slow = [0.85 * weight / sum(weights) + 0.15 / 8 for weight in weights]
    assert policy.priorities(HardnessTable(8)) == pytest.approx(slow, rel=1e-3)


def test_masks_give_the_mean_over_pixels():
    given = predictions(3, 2, 4, 2, 3)
    policy = EnsembleDisagreement(2)
    policy.update(given)
    for row in range(2):
        pixels = [slow_divergence(given[:, row, :, y, x].tolist()) for y in range(2) for x in range(3)]
        assert policy.score(HardnessTable(2))[row] == pytest.approx(sum(pixels) / 6, abs=1e-5)


def test_chunks_in_any_order_equal_all_at_once():
    given, whole, chunked = predictions(4, 10, 3), EnsembleDisagreement(10), EnsembleDisagreement(10)
    whole.update(given)
    for rows in ([7, 1, 9], torch.tensor([0, 2]), np.array([3, 4, 5, 6, 8])):
        places = torch.as_tensor(rows)
        chunked.update(given[:, places], rows)
    table = HardnessTable(10)
    assert chunked.score(table) == pytest.approx(whole.score(table), abs=1e-6)
    chunked.update(predictions(4, 1, 3, seed=9), [2])
    assert chunked.score(table)[2] != pytest.approx(whole.score(table)[2])


def test_what_was_never_predicted_or_is_agreed_on_gets_the_floor_alone():
    policy, table = EnsembleDisagreement(4), HardnessTable(4)
    assert policy.priorities(table) == pytest.approx(0.25)
    policy.update([[[1.0, 0.0], [0.3, 0.7]], [[0.0, 1.0], [0.3, 0.7]]], [0, 1])
    assert policy.priorities(table) == pytest.approx([0.85 + 0.0375, 0.0375, 0.0375, 0.0375])


def test_rounding_where_all_agree_makes_no_priority():
    policy = EnsembleDisagreement(40)
    policy.update(predictions(1, 40, 50).expand(7, -1, -1))
    assert policy.score(HardnessTable(40)).tolist() == [0.0] * 40


def test_inputs_and_gradients_are_left_alone_and_scores_are_a_copy():
    given = predictions(2, 3, 3).requires_grad_()
    before, policy = given.detach().clone(), EnsembleDisagreement(3)
    policy.update(given)
    policy.score(HardnessTable(3))[:] = 7
    assert torch.equal(given.detach(), before)
    assert policy.score(HardnessTable(3)).max() <= 1


@pytest.mark.parametrize(
    ("given", "index", "sentence"),
    [
        (torch.full((1, 3, 2), 0.5), None, r"must be \(M, 3, classes\) with M of at least 2, got \(1, 3, 2\); stack"),
        (torch.full((2, 2, 2), 0.5), None, r"must be \(M, 3, classes\) with M of at least 2, got \(2, 2, 2\)"),
        (torch.full((2, 2), 0.5), [0, 1], r"must be \(M, 2, classes\) with M of at least 2, got \(2, 2\)"),
        (torch.full((2, 2, 2), 0.5), [0, 3], "index goes from 0 to 3; pass places in the 3 examples"),
        (torch.full((2, 2, 2), 0.5), [-1, 1], "index goes from -1 to 1"),
        (torch.zeros(2, 3, 2), None, "must be finite, not negative, and sum to 1 over the classes.*; pass the softmax"),
        (torch.tensor([1.5, -0.5]).expand(2, 3, 2), None, "must be finite, not negative, and sum to 1"),
        (torch.full((2, 3, 2), math.nan), None, "must be finite, not negative, and sum to 1"),
    ],
)
def test_what_are_no_predictions_is_refused_and_changes_nothing(given, index, sentence):
    policy = EnsembleDisagreement(3)
    with pytest.raises(DataError, match=sentence):
        policy.update(given, index)
    assert np.isnan(policy.score(HardnessTable(3))).all()


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="size must be at least 1, got 0; pass the number of examples"):
        EnsembleDisagreement(0)
    with pytest.raises(ConfigError, match=r"ensemble must return one score for each of 4 examples, got shape \(3,\)"):
        EnsembleDisagreement(3).priorities(HardnessTable(4))

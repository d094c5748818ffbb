from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.gates.quality import Share
from genaug_data.generators import Refusal
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.testing.parts import Speckled


def of_values(values: Sequence[int], label: int) -> list[Sample]:
    return [Sample(torch.full((1, 2, 2), value, dtype=torch.uint8), label) for value in values]


def value(parent: Sample, child: Sample) -> float:
    return float(child.image[0, 0, 0]) / 255


def test_each_class_has_the_threshold_that_its_share_reaches() -> None:
    low, high, few = list(range(0, 80, 8)), list(range(100, 200, 10)), [250, 251]
    train = [*of_values(low, 0), *of_values(high, 1), *of_values(few, 2)]
    limits = Share(0.3).limits(value, train, progress=False)
    assert limits.of(of_values([0], 0)[0]) == sorted(low)[-3] / 255
    assert limits.of(of_values([0], 1)[0]) == sorted(high)[-3] / 255
    # Two scores say little of a class: its children have the threshold of all 22, of which 7 pass.
    everything = sorted([*low, *high, *few])
    assert limits.of(of_values([0], 2)[0]) == everything[-7] / 255
    assert limits.of(of_values([0], 9)[0]) == everything[-7] / 255


def test_the_share_is_of_trial_children_where_a_generator_is_passed() -> None:
    class Doubles:
        fingerprint = "doubles"

        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            assert {request.recipe for request in requests} == {Recipe(0.7)}
            return [
                Refusal(parent.image, parent.target, "too dark")
                if parent.image.max() < 5
                else Sample(parent.image * 2, parent.target)
                for parent in parents
            ]

    train = of_values(range(0, 100), 0)
    limits = Share(0.5, Doubles(), Recipe(0.7)).limits(value, train, progress=False)
    made = sorted(2 * brightness for brightness in range(5, 100))
    assert limits.usual == made[-round(0.5 * len(made))] / 255


def test_the_thresholds_are_the_same_each_time_and_at_most_so_many_are_scored() -> None:
    train = of_values(range(100), 0)
    scored = []
    one, other = (
        Share(0.5, Speckled(), trials=20).limits(
            lambda parent, child: scored.append(parent) or value(parent, child), train, progress=False
        )
        for _ in range(2)
    )
    assert one == other
    assert one.digest == other.digest
    assert len(scored) == 40
    assert one.digest != Share(0.6, Speckled(), trials=20).limits(value, train, progress=False).digest


def test_the_best_one_passes_however_small_the_share() -> None:
    assert Share(0.001).limits(value, of_values([3, 9, 5], 0), progress=False).usual == 9 / 255


@pytest.mark.parametrize("keep", [0, -1, 1.1])
def test_shares_out_of_range_are_refused(keep: float) -> None:
    with pytest.raises(ConfigError, match=r"keep must lie in \(0, 1\], got"):
        Share(keep)


def test_what_cannot_set_a_threshold_is_said() -> None:
    with pytest.raises(ConfigError, match="trials must be at least 1, got 0"):
        Share(0.5, trials=0)
    with pytest.raises(DataError, match="of 0 training examples none could be scored"):
        Share(0.5).limits(value, [], progress=False)

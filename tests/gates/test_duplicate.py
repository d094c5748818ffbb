import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.errors import ConfigError
from genaug_data.gates import Duplicate
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def photo(seed, shape=(1, 16, 16)):
    return Sample(torch.randint(0, 251, shape, dtype=torch.uint8, generator=torch_generator(seed)), 0)


def judge(gate, children):
    return gate.judge([photo(99, tuple(child.image.shape)) for child in children], children)


def accepted(gate, children):
    return [verdict.accepted for verdict in judge(gate, children)]


def difference(a, b):
    pairs = zip(a.image.flatten().tolist(), b.image.flatten().tolist(), strict=True)
    return math.sqrt(sum((x - y) ** 2 for x, y in pairs) / 256) / 255


def remember(gate, children):
    gate.remember([number_of(child) for child in children], children)


def number_of(child):
    return bytes(child.image.flatten()[:16].tolist())


def test_within_a_batch_the_first_of_equal_children_is_kept_whatever_the_parent():
    a, b = photo(0), photo(1)
    verdicts = judge(Duplicate(), [a, b, a, b, a])
    assert [verdict.accepted for verdict in verdicts] == [True, True, False, False, False]
    assert verdicts[3].reason == (
        "the image differs from child 1 of its batch by 0.0000 (root mean square), more than 0.0050 is needed"
    )


def test_the_score_is_the_difference_from_the_nearest_other():
    children = [photo(seed) for seed in range(3)]
    gate = Duplicate()
    remember(gate, [photo(7)])
    first, second, third = judge(gate, children)
    assert first.score == pytest.approx(difference(children[0], photo(7)))
    assert second.score == pytest.approx(min(difference(children[1], photo(seed)) for seed in (0, 7)))
    assert third.score == pytest.approx(min(difference(children[2], photo(seed)) for seed in (0, 1, 7)))
    assert judge(Duplicate(), [photo(0)])[0].score == 1


def test_only_remembered_children_count_in_later_batches():
    gate = Duplicate()
    assert accepted(gate, [photo(0), photo(1)]) == [True, True]
    assert accepted(gate, [photo(0)]) == [True]
    remember(gate, [photo(0)])
    verdicts = judge(gate, [photo(1), photo(0)])
    assert [verdict.accepted for verdict in verdicts] == [True, False]
    assert verdicts[1].reason == (
        "the image differs from a child that was accepted earlier by 0.0000 (root mean square), "
        "more than 0.0050 is needed"
    )


@pytest.mark.parametrize(("levels", "kept"), [(1, False), (2, True)])
def test_nearly_equal_children_are_duplicates(levels, kept):
    there = photo(0)
    assert accepted(Duplicate(), [there, Sample(there.image + levels, 0)]) == [True, kept]


def test_children_of_other_shapes_are_compared_too():
    small = photo(0)
    large = Sample(small.image.repeat_interleave(3, 1).repeat_interleave(3, 2).expand(3, 48, 48), 0)
    assert accepted(Duplicate(), [small, large, photo(1, (2, 30, 40))]) == [True, False, True]


def test_the_oldest_are_forgotten_at_the_capacity():
    gate = Duplicate(capacity=3)
    for seed in range(5):
        remember(gate, [photo(seed)])
    assert accepted(gate, [photo(seed) for seed in range(5)]) == [True, True, False, False, False]
    remember(gate, [photo(seed) for seed in range(10, 20)])
    assert accepted(gate, [photo(seed) for seed in (2, 3, 4, 16, 17, 18, 19)]) == [True] * 4 + [False] * 3
    remember(gate, [])
    assert accepted(gate, [photo(19)]) == [False]


def test_what_has_left_the_cache_is_no_duplicate_any_more():
    gate = Duplicate(capacity=4)
    remember(gate, [photo(seed) for seed in range(4)])
    gate.forget([number_of(photo(1)), number_of(photo(3)), b"x" * 16])
    assert accepted(gate, [photo(seed) for seed in range(4)]) == [False, True, False, True]
    remember(gate, [photo(5), photo(6), photo(7)])
    assert accepted(gate, [photo(seed) for seed in (0, 2, 5, 6, 7)]) == [True, False, False, False, False]


@given(st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=8), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_the_memory_holds_exactly_the_last_ones(batches, capacity):
    gate = Duplicate(capacity=capacity)
    for batch in batches:
        remember(gate, [photo(seed) for seed in batch])
    newest = [seed for batch in batches for seed in batch][-capacity:]
    assert accepted(gate, [photo(seed) for seed in range(31)]) == [seed not in newest for seed in range(31)]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_of_each_image_exactly_one_is_kept_whatever_the_order(seeds):
    kept = accepted(Duplicate(), [photo(seed) for seed in seeds])
    assert sorted(seed for seed, keep in zip(seeds, kept, strict=True) if keep) == sorted(set(seeds))


def test_a_memory_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="capacity must be at least 1, got 0; it bounds the remembered children"):
        Duplicate(capacity=0)

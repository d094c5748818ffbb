import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.hardness.ranks import class_ranks, ranks_where
from genaug_data.seeding import numpy_generator


def slow_ranks(values, labels):
    ranks = []
    for value, label in zip(values, labels, strict=True):
        mates = [v for v, other in zip(values, labels, strict=True) if other == label]
        ranks.append((sum(v < value for v in mates) + 0.5 * sum(v == value for v in mates)) / len(mates))
    return ranks


floats = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 0.5, -1.0, float("inf"), float("-inf")]), st.floats(width=32, allow_nan=False)
)
few_labels = st.integers(-1, 3)
any_labels = st.integers(-(2**31), 2**31 - 1)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.lists(st.tuples(floats, few_labels), min_size=1, max_size=30),
        st.lists(st.tuples(floats, st.one_of(any_labels, few_labels)), min_size=1, max_size=30),
    )
)
def test_ranks_equal_the_slow_loop(rows):
    values, labels = np.float32([value for value, _ in rows]), np.int32([label for _, label in rows])
    assert class_ranks(values, labels).tolist() == pytest.approx(slow_ranks(values.tolist(), labels.tolist()), abs=1e-6)


@pytest.mark.parametrize("spread", [1, 100_000_000])
def test_many_values_in_either_way_of_sorting(spread):
    random = numpy_generator(4)
    values = random.choice(random.normal(size=300), 1000).astype(np.float32)
    labels = (random.integers(0, 5, 1000) * spread).astype(np.int32)
    before = values.copy(), labels.copy()
    assert class_ranks(values, labels) == pytest.approx(np.array(slow_ranks(values, labels)), abs=1e-6)
    assert np.array_equal(values, before[0])
    assert np.array_equal(labels, before[1])


def test_the_mean_rank_of_every_class_is_one_half_however_many_values_are_equal():
    values = np.float32([0, 0, 0, 1, 1, 7, 2, 2, 5])
    labels = np.int32([0, 0, 0, 0, 0, 0, 1, 1, 2])
    ranks = class_ranks(values, labels)
    for label in range(3):
        assert ranks[labels == label].mean() == pytest.approx(0.5)


def test_strided_and_wide_inputs_and_none_at_all():
    wide = np.arange(12, dtype=np.float64).reshape(6, 2)[:, 0]
    assert np.array_equal(class_ranks(wide, np.zeros(6, dtype=np.int64)), np.float32([1, 3, 5, 7, 9, 11]) / 12)
    assert len(class_ranks(np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int32))) == 0


def test_ranks_among_some_are_theirs_alone():
    random = numpy_generator(6)
    values, labels = random.random(50).astype(np.float32), random.integers(0, 3, 50).astype(np.int32)
    known = random.random(50) < 0.5
    values[~known] = np.nan
    ranks = ranks_where(known, values, labels)
    assert np.isnan(ranks[~known]).all()
    assert ranks[known] == pytest.approx(np.array(slow_ranks(values[known], labels[known])), abs=1e-6)
    assert ranks_where(np.ones(2, dtype=bool), np.float32([2, 1]), np.int32([0, 0])).tolist() == [0.75, 0.25]

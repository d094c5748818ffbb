import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.hardness.two_means import lower_of_two
from genaug_data.seeding import numpy_generator
from tests.hardness.slow import two_means

values = st.one_of(st.sampled_from([0.0, 0.1, 0.7, 1.0]), st.floats(0, 1, width=16))


def squared_error(values, lower):
    parts = (
        [v for v, low in zip(values, lower, strict=True) if low],
        [v for v, low in zip(values, lower, strict=True) if not low],
    )
    return sum((v - sum(part) / len(part)) ** 2 for part in parts for v in part)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(values, st.integers(-1, 2)), min_size=1, max_size=24))
def test_every_class_is_cut_where_the_squared_error_is_least(rows):
    given_, labels = np.float32([value for value, _ in rows]), np.int32([label for _, label in rows])
    lower = lower_of_two(given_, labels)
    for label in set(labels.tolist()):
        mine, low = given_[labels == label], lower[labels == label]
        if len(set(mine.tolist())) == 1:
            assert not low.any()
        else:
            assert mine[low].max() < mine[~low].min()
            assert squared_error(mine.tolist(), low) == pytest.approx(two_means(sorted(mine.tolist()))[1], abs=1e-9)


def test_many_values_of_many_classes_equal_the_slow_loop():
    random = numpy_generator(5)
    given_, labels = random.random(600).astype(np.float32), random.integers(0, 7, 600).astype(np.int32)
    lower = lower_of_two(given_, labels)
    for label in range(7):
        mine = given_[labels == label]
        assert lower[labels == label].tolist() == (mine <= two_means(sorted(mine.tolist()))[0]).tolist()


@pytest.mark.parametrize("count", [3, 7, 49])
def test_equal_values_are_not_parted_by_rounding(count):
    values = np.float32([0.1] * count + [0.7] * count)
    assert lower_of_two(values, np.repeat(np.int32([0, 1]), count)).tolist() == [False] * (2 * count)
    assert lower_of_two(values, np.zeros(2 * count, dtype=np.int32)).tolist() == [True] * count + [False] * count


def test_no_values_have_no_clusters():
    assert lower_of_two(np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int32)).tolist() == []

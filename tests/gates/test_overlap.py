import time
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import Subset

from genaug_data.errors import ConfigError, GenaugWarning, LeakError
from genaug_data.gates import check_disjoint
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def photos(count, seed=0):
    images = torch.randint(0, 256, (count, 1, 6, 6), dtype=torch.uint8, generator=torch_generator(seed))
    return [Sample(image, i) for i, image in enumerate(images)]


def copies(samples):
    return [Sample(sample.image.clone(), 5) for sample in samples]


def check(train, protected, **options):
    check_disjoint(train, protected, train, protected, **{"progress": False, **options})


class Unreadable(list):
    def __getitem__(self, index):
        raise AssertionError("the structural check must not read")


def test_disjoint_sets_pass():
    base = photos(10)
    check(base, [photos(4, 1), photos(3, 2)])
    check(Subset(base, [0, 2, 4]), [Subset(base, [1, 3]), Subset(base, [5])])
    check(base, [])
    check([], [base])


def test_the_same_dataset_is_refused_without_reading():
    base = Unreadable(photos(3))
    with pytest.raises(
        LeakError, match=r"training index 0 and protected\[1\] index 0 are one example \(index 0 of the"
    ):
        check(base, [photos(2, 1), base])


def test_overlapping_subsets_are_refused_through_any_nesting():
    base = Unreadable(photos(10))
    inner = Subset(base, [9, 8, 7, 6, 5])
    train, protected = Subset(inner, [4, 2, 0]), Subset(Subset(base, [1, 7, 3, 9]), [0, 1, 3])
    with pytest.raises(
        LeakError,
        match=r"training index 1 and protected\[0\] index 1 are one example \(index 7 of the Unreadable they share; "
        r"examples shared: 2\); take it out of one of the two, for example with torch.utils.data.Subset",
    ):
        check(train, [protected])


def test_negative_indices_count_from_the_end():
    base = Unreadable(photos(10))
    with pytest.raises(LeakError, match=r"training index 0 and .* index 1 are one example"):
        check(Subset(base, [-1]), [Subset(base, [0, 9])])


@given(st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
@settings(max_examples=40, deadline=None)
def test_subsets_pass_iff_their_indices_are_disjoint(first, second):
    base = photos(12)
    train, protected = Subset(base, sorted(first)), Subset(base, sorted(second, reverse=True))
    if first & second:
        with pytest.raises(LeakError, match=f"examples shared: {len(first & second)}"):
            check(train, [protected])
    else:
        check(train, [protected])


def test_equal_images_are_refused_whatever_their_annotation():
    train = photos(20)
    protected = [photos(3, 1), [*photos(2, 2), *copies(train[7:9])]]
    with pytest.raises(
        LeakError,
        match=r"the image at training index 7 equals the image at protected\[1\] index 2 \(2 such training images "
        r"among 20 read: 7, 8\); take it out of one of the two, for example with torch.utils.data.Subset",
    ):
        check(train, protected)


def test_a_long_list_of_equal_images_is_cut():
    train = photos(20)
    with pytest.raises(
        LeakError, match=r"20 such training images among 20 read: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, \.\.\.\)"
    ):
        check(train, [copies(train)])


def test_constant_images_do_not_count():
    blank = Sample(torch.zeros(1, 6, 6, dtype=torch.uint8), 0)
    check([*photos(3), blank], [[*photos(3, 1), copies([blank])[0]]])


class Counted(list):
    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return super().__getitem__(index)


@pytest.mark.parametrize(
    ("train_size", "protected_sizes", "train_reads", "protected_reads"),
    [(60, (40,), 60, (40,)), (500, (30, 10), 60, (30, 10)), (500, (300, 100), 50, (38, 13)), (20, (400,), 20, (80,))],
)
def test_reads_are_bounded_and_protected_sets_come_first(train_size, protected_sizes, train_reads, protected_reads):
    train = Counted(photos(train_size))
    protected = [Counted(photos(size, i + 1)) for i, size in enumerate(protected_sizes)]
    whole = train_size == train_reads and protected_sizes == protected_reads
    with nullcontext() if whole else pytest.warns(GenaugWarning, match=f"{train_reads} of {train_size} training"):
        check(train, protected, max_reads=100)
    assert train.reads == train_reads
    assert tuple(samples.reads for samples in protected) == protected_reads


def test_without_protected_images_the_training_set_is_not_read():
    train = Counted(photos(5))
    check(train, [])
    check(train, [[]])
    assert train.reads == 0


def test_a_whole_copied_set_is_found_with_few_reads():
    train = photos(400)
    with pytest.raises(LeakError, match="such training images among 60 read"):
        check(train, [copies(train[::10])], max_reads=100)


class Slow(Counted):
    def __getitem__(self, index):
        time.sleep(0.002)
        return super().__getitem__(index)


def test_slow_reads_end_in_time_and_are_said():
    train, protected = Slow(photos(5000)), Slow(photos(5000, 1))
    with pytest.warns(GenaugWarning, match=r"of 5000 training images were compared with \d+ of 5000 protected ones"):
        check(train, [protected], max_seconds=0.4)
    assert 0 < train.reads < 5000
    assert 0 < protected.reads < 5000


def test_too_few_reads_are_refused():
    with pytest.raises(ConfigError, match="max_reads must be at least 2, got 1"):
        check(photos(2), [photos(2, 1)], max_reads=1)

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.gates import NoOp
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def photo(seed, low=0, high=256, shape=(3, 5, 4)):
    return Sample(torch.randint(low, high, shape, dtype=torch.uint8, generator=torch_generator(seed)), 0)


def root_mean_square(a, b):
    pairs = zip(a.flatten().tolist(), b.flatten().tolist(), strict=True)
    squares = [((x - y) / 255) ** 2 for x, y in pairs]
    return math.sqrt(sum(squares) / len(squares))


def test_the_score_is_the_root_mean_square_difference():
    parent, child = photo(0), photo(1)
    (verdict,) = NoOp().judge([parent], [child])
    assert verdict.accepted
    assert verdict.score == pytest.approx(root_mean_square(parent.image, child.image))


def test_the_same_image_is_rejected_even_with_another_annotation():
    parent = photo(0)
    (verdict,) = NoOp().judge([parent], [Sample(parent.image.clone(), 9)])
    assert verdict.score == 0
    assert verdict.reason == (
        "the image differs from its parent by 0.0000 (root mean square), more than 0.0100 is needed"
    )


@pytest.mark.parametrize(("levels", "accepted"), [(1, False), (2, False), (3, True)])
def test_nearly_the_same_image_is_rejected(levels, accepted):
    parent = photo(0, 0, 250)
    (verdict,) = NoOp().judge([parent], [Sample(parent.image + levels, 0)])
    assert verdict.accepted is accepted
    assert verdict.score == pytest.approx(levels / 255)


def test_faint_and_constant_parents_can_have_variants():
    faint = photo(0, 100, 104)
    constant = Sample(torch.full((3, 5, 4), 100, dtype=torch.uint8), 0)
    other = photo(1, 100, 104)
    assert all(verdict.accepted for verdict in NoOp().judge([faint, constant], [other, other]))
    assert not any(verdict.accepted for verdict in NoOp().judge([faint, constant], [faint, constant]))


@given(st.permutations(range(5)))
@settings(max_examples=20, deadline=None)
def test_a_permuted_batch_gets_permuted_verdicts(order):
    parents = [photo(seed) for seed in range(5)]
    children = [parents[0], photo(9), parents[2], photo(8), parents[3]]
    verdicts = NoOp().judge(parents, children)
    assert NoOp().judge([parents[i] for i in order], [children[i] for i in order]) == [verdicts[i] for i in order]

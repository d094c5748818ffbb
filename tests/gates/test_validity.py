import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.gates import Validity
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def sample(image):
    return Sample(image, 0)


def full(value, shape=(3, 6, 6)):
    return sample(torch.full(shape, value, dtype=torch.uint8))


def photo(seed=0):
    return sample(torch.randint(30, 220, (3, 6, 6), dtype=torch.uint8, generator=torch_generator(seed)))


def contrast(image):
    deviations = []
    for channel in image.flatten(1).tolist():
        mean = sum(channel) / len(channel)
        deviations.append(math.sqrt(sum((value - mean) ** 2 for value in channel) / len(channel)))
    return max(deviations)


@pytest.mark.parametrize(("value", "look"), [(0, "blank (black)"), (255, "blank (white)"), (100, "constant")])
def test_an_image_of_one_value_is_rejected_with_figures(value, look):
    parent = photo()
    (verdict,) = Validity().judge([parent], [full(value)])
    assert not verdict.accepted
    assert verdict.score == 0
    assert verdict.reason == (
        f"the image is {look}: its contrast is 0.0 grey levels, {contrast(parent.image):.1f} in the parent "
        "and at least 4.0 needed"
    )


def test_the_score_is_the_share_of_the_needed_contrast():
    image = torch.full((1, 2, 2), 100, dtype=torch.uint8)
    image[0, 0] = 102
    parent = sample(torch.tensor([[[0, 255], [100, 30]]], dtype=torch.uint8))
    (verdict,) = Validity().judge([parent], [sample(image)])
    assert verdict.score == pytest.approx(1.0 / 4.0)


def test_a_clipped_image_is_rejected_unless_its_parent_is_clipped():
    clipped = torch.randint(0, 2, (3, 6, 6), generator=torch_generator(1)).mul(255).byte()
    clipped[:, 0, 0] = 100
    (verdict,) = Validity().judge([photo()], [sample(clipped)])
    assert verdict.reason == (
        "the image is saturated: 97.2% of its values are 0 or 255, 0.0% in the parent and at most 75.0% allowed"
    )
    assert verdict.score == pytest.approx((3 / 108) / 0.25)
    (drawing,) = Validity().judge([sample(255 - clipped)], [sample(clipped)])
    assert drawing.accepted
    assert drawing.score == 1


@pytest.mark.parametrize("value", [0, 90, 255])
def test_parents_that_are_constant_by_nature_pass_it_on(value):
    (same, photographic) = Validity().judge([full(value)] * 2, [full(value), photo()])
    assert same.accepted
    assert photographic.accepted


def test_faint_parents_need_only_a_share_of_their_own_contrast():
    faint = sample((torch.arange(36).reshape(1, 6, 6) % 3).byte())
    fainter = sample((torch.arange(36).reshape(1, 6, 6) == 0).byte())
    needed = 0.25 * contrast(faint.image)
    kept, lost = Validity().judge([faint, faint], [faint, sample(torch.zeros_like(faint.image))])
    assert kept.accepted
    assert not lost.accepted
    assert Validity().judge([faint], [fainter])[0].accepted == (contrast(fainter.image) >= needed)


@given(st.permutations(range(6)))
@settings(max_examples=20, deadline=None)
def test_a_permuted_batch_gets_permuted_verdicts(order):
    parents = [photo(seed) for seed in range(6)]
    children = [full(0), photo(7), full(255), photo(8), full(9), photo(9)]
    verdicts = Validity().judge(parents, children)
    permuted = Validity().judge([parents[i] for i in order], [children[i] for i in order])
    assert permuted == [verdicts[i] for i in order]

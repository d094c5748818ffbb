"""Policies by name: true to masks, and different for each sample."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from genaug_data.classic import ClassicAugment
from genaug_data.classic.policies import POLICIES, SampledPolicy, _Step, build_policy
from genaug_data.errors import ConfigError
from genaug_data.tasks import SegmentationTask
from tests.classic.batches import LABELS, MASKS, batch, kornia


@pytest.mark.parametrize("policy", POLICIES)
def test_samples_of_a_batch_are_treated_differently(policy):
    """Equal images come out in more ways than one operation could make of them by its sign alone."""
    images = batch(1)[0].expand(32, -1, -1, -1)
    drawn = build_policy(policy)._draw(images.shape, 0)
    assert len({type(step.operation) for steps in drawn for step in steps}) >= 4
    out, _ = ClassicAugment(LABELS, policy)(images)
    assert len({sample.numpy().tobytes() for sample in out}) >= 8


def test_rand_applies_two_different_operations_to_each_sample():
    drawn = build_policy("rand")._draw(torch.Size((20, 3, 8, 8)), 5)
    assert len(drawn) == 2
    for steps in drawn:
        assert sorted(row for step in steps for row in step.rows.tolist()) == list(range(20))
    kinds = [{row: step.operation for step in steps for row in step.rows.tolist()} for steps in drawn]
    assert all(kinds[0][row] is not kinds[1][row] for row in range(20))
    (trivial,) = build_policy("trivial")._draw(torch.Size((20, 3, 8, 8)), 5)
    assert sorted(row for step in trivial for row in step.rows.tolist()) == list(range(20))


@pytest.mark.parametrize("policy", POLICIES)
def test_joint_calls_equal_kornia_one_operation_at_a_time(policy):
    """Against the slow way: every drawn operation called by itself, row by row, image and mask."""
    from kornia.constants import Resample

    images, masks = batch(12)
    stacked = masks[:, None].float()
    run = build_policy(policy)
    found, found_masks = run(images, stacked, 7, 3)
    expected, expected_masks = images.clone(), stacked.clone()
    for step in [step for steps in run._steps(images.shape, 7, 3) for step in steps]:
        parameters = step.arguments(images.shape)
        for place, row in enumerate(step.rows.tolist()):
            own = {key: value[place : place + 1] for key, value in parameters.items()}
            own["forward_input_shape"] = torch.tensor([1, *images.shape[1:]])
            expected[row] = step.operation(expected[row : row + 1], params=dict(own))[0]
            if isinstance(step.operation, kornia().GeometricAugmentationBase2D):
                moved = step.operation(expected_masks[row : row + 1], params=dict(own), resample=Resample.NEAREST)
                expected_masks[row] = moved[0]
    assert torch.allclose(found, expected, atol=1e-5)
    assert (found_masks != expected_masks).float().mean() < 1e-3


@pytest.mark.parametrize("policy", POLICIES)
def test_an_image_that_is_its_mask_still_is(policy):
    """Every geometric operation of every policy, alone: image and mask move alike, and outside is the ignore index."""
    side = 24
    ramp = torch.zeros(6, 1, side, side)
    ramp[:] = (torch.arange(side) // 8 * 2 + 1)[None, None, None] + (torch.arange(side) // 8)[None, None, :, None] * 6
    moved = 0
    for number, member in enumerate(build_policy(policy)._members):
        alone = SampledPolicy([member])
        steps = [step for steps in alone._draw(torch.Size((6, 1, side, side)), 3) for step in steps]
        geometric = [step for step in steps if isinstance(step.operation, kornia().GeometricAugmentationBase2D)]
        alone._steps = lambda *_, kept=geometric: [kept]
        augment = ClassicAugment(MASKS, policy)
        augment._run = alone
        image, mask = augment(ramp / 20, ramp[:, 0].long())
        assert mask.dtype == torch.int64
        assert mask.shape == (6, side, side)
        assert set(mask.unique().tolist()) <= {*ramp.unique().long().tolist(), 255}
        if not geometric:
            assert torch.equal(mask, ramp[:, 0].long())
            continue
        inside, shown = mask != 255, image[:, 0] * 20
        # Nearest says inside up to half a pixel beyond the border: there at least a quarter of the value is left.
        assert float(shown[inside].min()) > 0.24, f"member {number}"
        assert not bool((~inside).any()) or float(shown[~inside].max()) < 0.51 * ramp.max(), f"member {number}"
        # Where the moved mask is one class all around, interpolation cannot have changed the image.
        high = F.max_pool2d(mask.float(), 3, 1, 1)
        low = -F.max_pool2d(-mask.float(), 3, 1, 1)
        flat = (high == low) & inside
        flat[:, [0, -1]], flat[:, :, [0, -1]] = False, False
        assert int(flat.sum()) > 200, f"member {number}"
        assert float((shown - mask)[flat].abs().max()) < 1e-3, f"member {number}"
        moved += not torch.equal(mask, ramp[:, 0].long())
    assert moved >= 4


@pytest.mark.parametrize("policy", POLICIES)
def test_class_zero_is_kept_and_outside_is_ignored(policy):
    images, _ = batch(32)
    zeros = torch.zeros(32, 16, 18, dtype=torch.int64)
    augment = ClassicAugment(SegmentationTask(ignore_index=-100), policy)
    seen = set()
    for _ in range(4):
        _, masks = augment(torch.ones_like(images), zeros)
        seen |= set(masks.unique().tolist())
        assert masks.dtype == torch.int64
    assert seen == {0, -100}


def test_translation_is_the_expected_shift():
    """Against a plain loop: pixels and labels move by whole pixels, and what comes in is void."""
    import kornia.augmentation as K

    images, masks = batch(2, 1, 8)
    step = _Step(
        K.RandomTranslate((0.0, 0.5), align_corners=True, p=1.0),
        torch.tensor([1]),
        {"translate_x": torch.tensor([3.0]), "translate_y": torch.tensor([0.0])},
    )
    run = SampledPolicy([])
    run._steps = lambda *_: [[step]]
    augment = ClassicAugment(MASKS)
    augment._run = run
    out, moved = augment(images, masks)
    assert torch.equal(out[0], images[0])
    assert torch.equal(moved[0], masks[0])
    for y in range(8):
        for x in range(10):
            assert int(moved[1, y, x]) == (int(masks[1, y, x - 3]) if x >= 3 else 255)
            assert float(out[1, 0, y, x]) == pytest.approx(float(images[1, 0, y, x - 3]) if x >= 3 else 0.0, abs=1e-4)


@pytest.mark.parametrize("policy", ["best", None, 3])
def test_unknown_policies_are_refused(policy):
    with pytest.raises(ConfigError, match=r"policy must be one of 'trivial', 'rand', 'auto' or an nn.Module, found"):
        ClassicAugment(LABELS, policy)
    with pytest.raises(ConfigError, match=r"policy must be one of"):
        build_policy(policy)

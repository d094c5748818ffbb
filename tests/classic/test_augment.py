"""ClassicAugment: reproducible, isolated, and true to masks."""

from __future__ import annotations

import copy
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genaug_data.classic import ClassicAugment
from genaug_data.classic.isolation import isolated_draws
from genaug_data.classic.policies import POLICIES, SampledPolicy, _Step, build_policy
from genaug_data.errors import ConfigError, DataError
from genaug_data.tasks import ClassificationTask, SegmentationTask

LABELS = ClassificationTask()
MASKS = SegmentationTask(ignore_index=255)


def batch(size=16, channels=3, side=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(size, channels, side, side + 2, generator=generator)
    masks = torch.randint(0, 5, (size, side, side + 2), generator=generator)
    return images, masks


def kornia():
    import kornia.augmentation

    return kornia.augmentation


@pytest.mark.parametrize("policy", POLICIES)
def test_result_is_a_function_of_seed_and_step(policy):
    images, masks = batch()
    first, second = ClassicAugment(MASKS, policy, seed=3), ClassicAugment(MASKS, policy, seed=3)
    outcomes = []
    for number in range(3):
        expected = first(images, masks)
        torch.manual_seed(number)
        np.random.seed(number)
        random.seed(number)
        found = second(images, masks)
        assert torch.equal(expected[0], found[0])
        assert torch.equal(expected[1], found[1])
        outcomes.append(expected[0])
    assert not torch.equal(outcomes[0], outcomes[1])
    assert not torch.equal(outcomes[0], ClassicAugment(MASKS, policy, seed=4)(images, masks)[0])


@pytest.mark.parametrize("policy", [*POLICIES, "kornia"])
def test_global_generators_are_left_alone(policy):
    images, masks = batch()
    module = kornia().AugmentationSequential(kornia().RandomAffine(20.0), data_keys=["input", "mask"])
    augment = ClassicAugment(MASKS, module if policy == "kornia" else policy)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    augment(images, masks)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert random.getstate() == before[2]
    assert not torch.cuda.is_initialized()


def test_isolation_ends_where_an_error_does():
    before = torch.get_rng_state()

    def fail():
        with isolated_draws(1):
            torch.rand(3)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_no_seed_is_left_for_devices_that_are_not_in_use(monkeypatch):
    """``torch.manual_seed`` would queue one, which then decides what a CUDA device draws once it is used."""
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    torch.manual_seed(0)
    assert seeded == [0]
    ClassicAugment(LABELS)(batch()[0])
    assert seeded == [0]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_resumed_run_draws_the_same(policy):
    images, _ = batch()
    augment = ClassicAugment(LABELS, policy, seed=1)
    for _ in range(3):
        augment(images)
    resumed = ClassicAugment(LABELS, policy, seed=1)
    resumed.load_state_dict(augment.state_dict())
    assert torch.equal(resumed(images)[0], augment(images)[0])
    assert list(augment.parameters()) == []


@pytest.mark.parametrize("policy", POLICIES)
def test_a_step_does_not_depend_on_the_batches_before(policy):
    images, _ = batch()
    steady, other = ClassicAugment(LABELS, policy, seed=1), ClassicAugment(LABELS, policy, seed=1)
    for number in range(20):
        expected = steady(images)[0]
        found = other(images if number % 5 == 4 else images[: number % 3 + 1])[0]
        if number % 5 == 4:
            assert torch.equal(found, expected)


@pytest.mark.parametrize("policy", POLICIES)
def test_modules_pickle_and_copy(policy):
    images, _ = batch()
    augment = ClassicAugment(LABELS, policy, seed=1)
    augment(images)
    twins = pickle.loads(pickle.dumps(augment)), copy.deepcopy(augment)
    expected = augment(images)[0]
    assert all(torch.equal(twin(images)[0], expected) for twin in twins)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_policy_takes_every_number_of_channels(policy, channels):
    images, _ = batch(channels=channels)
    augment = ClassicAugment(LABELS, policy)
    targets = {"anything": 1}
    for _ in range(4):
        before = images.clone()
        out, same = augment(images, targets)
        assert out.shape == images.shape
        assert out.dtype == torch.float32
        assert 0 <= float(out.min()) <= float(out.max()) <= 1
        assert same is targets
        assert torch.equal(images, before)
        assert not torch.equal(out, images)


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


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_masks_keep_their_type(dtype):
    images, masks = batch()
    assert ClassicAugment(MASKS)(images, masks.to(dtype))[1].dtype == dtype


def test_bytes_are_converted_and_halves_kept():
    images, _ = batch()
    byte = (images * 255).round().to(torch.uint8)
    expected = ClassicAugment(LABELS, seed=2)(byte.float() / 255)[0]
    assert torch.equal(ClassicAugment(LABELS, seed=2)(byte)[0], expected)
    assert ClassicAugment(LABELS)(images.half())[0].dtype == torch.float16


def test_evaluation_and_empty_batches_change_nothing():
    images, masks = batch()
    augment = ClassicAugment(MASKS).eval()
    out, same = augment(images, masks)
    assert torch.equal(out, images)
    assert same is masks
    assert augment.step == 0
    assert ClassicAugment(LABELS)(images[:0])[0].shape == (0, 3, 16, 18)


def test_modules_of_kornia_as_policy():
    K = kornia()
    images, masks = batch(channels=1)
    affine = K.RandomAffine(40.0, translate=(0.3, 0.3), p=1.0)
    jiggle = K.ColorJiggle(0.2, 0.2, 0.2, 0.1, p=1.0)
    policies = [
        K.AugmentationSequential(affine, jiggle, data_keys=["input"]),
        K.AugmentationSequential(affine, jiggle, data_keys=["input", "mask"], keepdim=True),
        K.AugmentationSequential(K.auto.TrivialAugment(), affine),
        K.ImageSequential(affine, jiggle),
        K.auto.RandAugment(2, 10),
        affine,
    ]
    for policy in policies:
        out, moved = ClassicAugment(MASKS, policy)(images, masks)
        again = ClassicAugment(MASKS, policy)(images, masks)
        assert torch.equal(out, again[0])
        assert torch.equal(moved, again[1])
        assert (out.shape, moved.shape, moved.dtype) == (images.shape, masks.shape, torch.int64)
        assert set(moved.unique().tolist()) <= {0, 1, 2, 3, 4, 255}
        assert ClassicAugment(LABELS, policy)(images)[0].shape == images.shape
    assert 255 in moved.unique().tolist()


def test_a_fill_of_the_users_own_is_still_the_ignore_index():
    from kornia.constants import DataKey, Resample, SamplePadding

    K = kornia()
    mask_fill = {
        "resample": Resample.NEAREST,
        "align_corners": None,
        "padding_mode": SamplePadding.FILL,
        "fill_value": torch.tensor([7.0]),
    }
    policy = K.AugmentationSequential(K.RandomAffine((45.0, 45.0), p=1.0), extra_args={DataKey.MASK: mask_fill})
    images, masks = batch()
    _, moved = ClassicAugment(MASKS, policy)(images, masks)
    assert set(moved.unique().tolist()) == {0, 1, 2, 3, 4, 255}


class Noise(nn.Module):
    def forward(self, images):
        return (images + 0.1 * torch.rand_like(images)).clamp(0, 1)


def test_any_module_as_policy_of_a_classification():
    images, _ = batch()
    augment = ClassicAugment(LABELS, Noise(), seed=1)
    out, _ = augment(images)
    assert torch.equal(out, ClassicAugment(LABELS, Noise(), seed=1)(images)[0])
    assert not torch.equal(out, augment(images)[0])
    with pytest.raises(ConfigError, match=r"a Noise as policy cannot move masks: pass a kornia"):
        ClassicAugment(MASKS, Noise())(*batch())
    with pytest.raises(ConfigError, match=r"must return images \(B, C, H, W\) of the same batch, found \(16, 864\)"):
        ClassicAugment(LABELS, nn.Flatten())(images)


@pytest.mark.parametrize("policy", ["best", None, 3])
def test_unknown_policies_are_refused(policy):
    with pytest.raises(ConfigError, match=r"policy must be one of 'trivial', 'rand', 'auto' or an nn.Module, found"):
        ClassicAugment(LABELS, policy)
    with pytest.raises(ConfigError, match=r"policy must be one of"):
        build_policy(policy)


def test_mixing_policies_are_refused():
    K = kornia()
    for policy in (
        K.RandomMixUpV2(),
        K.AugmentationSequential(K.RandomCutMixV2(use_correct_lambda=True), data_keys=["input", "class"]),
    ):
        with pytest.raises(ConfigError, match=r"must leave samples apart, found Random\w+V2, which mixes them"):
            ClassicAugment(LABELS, policy)


IMAGES, IDS = batch(4)


@pytest.mark.parametrize(
    ("images", "masks", "sentence"),
    [
        (IMAGES * 2 - 1, IDS, r"must lie in \[0, 1\], found values from -\S+ to \S+: normalise after ClassicAugment"),
        (IMAGES * float("nan"), IDS, r"found values from nan"),
        (IMAGES[0], IDS, r"must be a tensor \(B, C, H, W\), found \(3, 16, 18\): augment whole batches"),
        ([IMAGES], IDS, r"found list"),
        (IMAGES.long(), IDS, r"must be float in \[0, 1\] or uint8, found torch.int64"),
        (IMAGES, None, r"needs the masks beside the images, found NoneType: call augment\(images, masks\)"),
        (IMAGES, IDS[:, None], r"must be \(B, H, W\) = \(4, 16, 18\) for images .*, found \(4, 1, 16, 18\)"),
        (IMAGES, IDS[:, :9], r"found \(4, 9, 18\)"),
        (IMAGES, IDS[:3], r"found \(3, 16, 18\)"),
        (IMAGES, IDS.float(), r"must hold integer class ids, found torch.float32"),
        (IMAGES, IDS.to("meta"), r"masks are on meta, images on cpu: move both"),
        (IMAGES, IDS.to(torch.int8), r"torch.int8 cannot hold the ignore index, 255: convert them to int64"),
    ],
)
def test_bad_batches_are_refused_and_not_counted(images, masks, sentence):
    augment = ClassicAugment(MASKS)
    with pytest.raises(DataError, match=sentence):
        augment(images, masks)
    assert augment.step == 0


def test_kornia_is_imported_late_and_silently():
    code = (
        "import sys, torch\n"
        "from genaug_data.classic import ClassicAugment\n"
        "from genaug_data.tasks import ClassificationTask\n"
        "augment = ClassicAugment(ClassificationTask())\n"
        "assert not {'kornia', 'torchvision', 'diffusers'} & set(sys.modules)\n"
        "augment(torch.rand(2, 3, 8, 8))\n"
        "assert 'kornia' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)

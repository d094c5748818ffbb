"""ClassicAugment: reproducible, and true to its batch."""

from __future__ import annotations

import copy
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from genaug_data.classic import ClassicAugment
from genaug_data.classic.policies import POLICIES
from genaug_data.errors import DataError
from tests.classic.batches import LABELS, MASKS, batch


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

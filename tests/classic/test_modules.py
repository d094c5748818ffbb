"""Modules of the user as policies."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genaug_data.classic import ClassicAugment
from genaug_data.errors import ConfigError
from tests.classic.batches import LABELS, MASKS, batch, kornia


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


def test_mixing_policies_are_refused():
    K = kornia()
    for policy in (
        K.RandomMixUpV2(),
        K.AugmentationSequential(K.RandomCutMixV2(use_correct_lambda=True), data_keys=["input", "class"]),
    ):
        with pytest.raises(ConfigError, match=r"must leave samples apart, found Random\w+V2, which mixes them"):
            ClassicAugment(LABELS, policy)

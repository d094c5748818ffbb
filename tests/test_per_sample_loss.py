from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from genaug_data import PerSampleLoss
from genaug_data.errors import ConfigError, DataError
from genaug_data.meta import SampleMeta
from genaug_data.seeding import torch_generator
from tests.toys import toy_base


def test_it_observes_each_row_and_weighs_synthetic_ones(wrap: Callable) -> None:
    train = wrap(ratio=0.5, policy="uniform", synthetic_weight=0.25)
    train.warmup()
    train.start()
    weights = torch.tensor([1.0, 2.0, 0.5])
    criterion = PerSampleLoss(nn.CrossEntropyLoss(weight=weights, label_smoothing=0.1), train)
    _, labels, meta = next(iter(train.loader(batch_size=8)))
    logits = torch.randn(8, 3, generator=torch_generator(0), requires_grad=True)
    loss = criterion(logits, labels, meta)
    loss.backward()
    plain = nn.CrossEntropyLoss(weight=weights, label_smoothing=0.1, reduction="none")
    rows = [plain(logits[row : row + 1], labels[row : row + 1]).item() for row in range(8)]
    expected = sum(row * (0.25 if synthetic else 1) for row, synthetic in zip(rows, meta.synthetic, strict=True)) / 8
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert logits.grad is not None
    table = train._own().loop.feedback.table
    for row in np.flatnonzero(~meta.synthetic):
        assert table.loss_ema[meta.index[row]] == pytest.approx(rows[row], rel=1e-5)
        assert table.label[meta.index[row]] == labels[row]


def test_masks_count_their_valid_pixels(wrap: Callable) -> None:
    base = [(image.expand(3, 8, 8).clone(), (image[0] // 100).long()) for image, _ in toy_base()]
    train = wrap(base, ratio=0)
    criterion = PerSampleLoss(nn.CrossEntropyLoss(ignore_index=1), train)
    _, masks, meta = next(iter(train.loader(batch_size=4)))
    logits = torch.randn(4, 2, 8, 8, generator=torch_generator(0))
    plain = nn.CrossEntropyLoss(ignore_index=1)
    rows = [float(plain(logits[row : row + 1], masks[row : row + 1])) for row in range(4)]
    assert criterion(logits, masks, meta).item() == pytest.approx(sum(rows) / 4, rel=1e-5)


def test_without_meta_or_in_eval_mode_it_is_the_criterion(wrap: Callable) -> None:
    train = wrap(ratio=0)
    criterion = PerSampleLoss(nn.CrossEntropyLoss(), train)
    _, labels, meta = next(iter(train.loader(batch_size=8)))
    logits = torch.randn(8, 3, generator=torch_generator(0))
    expected = nn.CrossEntropyLoss()(logits, labels)
    assert torch.equal(criterion(logits, labels), expected)
    assert torch.equal(criterion.eval()(logits, labels, meta), expected)
    assert train.stats()["feedback rows"] == 0


def test_class_weights_move_and_are_saved_once(wrap: Callable) -> None:
    criterion = PerSampleLoss(nn.CrossEntropyLoss(weight=torch.ones(3)), wrap(ratio=0))
    assert list(criterion.state_dict()) == ["criterion.weight"]
    criterion.double()
    meta = SampleMeta.pack([0], [None])
    assert criterion(torch.zeros(1, 3, dtype=torch.float64), torch.tensor([1]), meta).dtype == torch.float64


def test_what_cannot_be_observed_is_refused(wrap: Callable) -> None:
    train = wrap(ratio=0)
    with pytest.raises(ConfigError, match="criterion must have a reduction, Linear has none"):
        PerSampleLoss(nn.Linear(2, 2), train)
    with pytest.raises(DataError, match="meta must be the SampleMeta of the batch, got list"):
        PerSampleLoss(nn.CrossEntropyLoss(), train)(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64), [0, 1])

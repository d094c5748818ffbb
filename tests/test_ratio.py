from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from genaug_data.catalogue import Catalogue
from genaug_data.errors import ConfigError
from genaug_data.journal_reading import read_journal
from genaug_data.ratio import Ratio, as_ratio
from genaug_data.replay import ReplaySampler
from genaug_data.sampler import HardExampleSampler
from tests.toys import toy_base

shares = st.integers(0, 99).map(lambda percent: percent / 100)
ratios = st.builds(
    Ratio,
    shares,
    st.none() | shares,
    st.integers(1, 5),
    st.sampled_from(["linear", "cosine"]),
    st.none() | st.integers(1, 6),
)


def full_catalogue(size: int) -> Catalogue:
    catalogue = Catalogue()
    for parent in range(size):
        catalogue.add(parent, parent.to_bytes(16, "big"))
    catalogue.publish()
    return catalogue


@given(ratios, st.integers(0, 8))
@example(Ratio(0.29, end=0.92, epochs=4), 4)
def test_the_share_of_an_epoch_is_what_its_words_say(ratio: Ratio, epoch: int) -> None:
    if ratio.until is not None and epoch >= ratio.until:
        expected = 0.0
    elif ratio.end is None or epoch == 0:
        expected = ratio.start
    elif epoch >= ratio.epochs:
        expected = ratio.end
    else:
        way = epoch / ratio.epochs
        if ratio.shape == "cosine":
            way = 0.5 - 0.5 * math.cos(math.pi * way)
        expected = ratio.start * (1 - way) + ratio.end * way
    assert ratio.at(epoch) == pytest.approx(expected)
    assert ratio.at(epoch) <= ratio.largest
    assert as_ratio(json.loads(json.dumps(ratio.plain()))) in (ratio, Ratio(ratio.start))


@given(ratios, st.integers(0, 7), st.integers(1, 80), st.integers(1, 30), st.sampled_from(["replace", "extend"]))
def test_every_window_holds_the_share_of_its_epoch(
    ratio: Ratio, epoch: int, size: int, window: int, mixing: str
) -> None:
    sampler = HardExampleSampler(size, full_catalogue(size), ratio=ratio, mixing=mixing)
    sampler.set_epoch(epoch)
    synthetic = [token.key is not None for token in sampler]
    exact = Fraction(ratio.at(epoch)).limit_denominator(1_000_000)
    assert len(synthetic) == len(sampler)
    for start in range(max(len(synthetic) - window, 0)):
        found = sum(synthetic[start : start + window])
        assert math.floor(window * exact) <= found <= math.ceil(window * exact)


@given(ratios, st.integers(0, 6), st.integers(0, 100), st.sampled_from(["replace", "extend"]))
def test_a_schedule_is_resumed_in_any_slot_of_any_epoch(ratio: Ratio, epoch: int, stop: int, mixing: str) -> None:
    whole = HardExampleSampler(30, full_catalogue(30), ratio=ratio, mixing=mixing)
    whole.set_epoch(epoch)
    tokens = [token.index for token in whole] + [token.index for token in whole]
    first = HardExampleSampler(30, full_catalogue(30), ratio=ratio, mixing=mixing)
    first.set_epoch(epoch)
    stop = min(stop, len(first))
    head = [token.index for token in itertools.islice(first, stop)]
    second = HardExampleSampler(30, full_catalogue(30), ratio=ratio, mixing=mixing)
    second.load_state_dict(first.state_dict())
    tail = [token.index for token in second]
    if stop < len(first):
        tail += [token.index for token in second]
    assert head + tail == tokens


@pytest.mark.parametrize(("mixing", "made"), [("replace", [30, 18, 6, 6, 0]), ("extend", [59, 25, 6, 6, 0])])
def test_a_run_with_a_schedule_is_replayed(wrap: Callable, mixing: str, made: list[int]) -> None:
    ratio = Ratio(0.5, end=0.1, epochs=2, until=4)
    train = wrap(toy_base(60), mode="async", ratio=ratio, policy="uniform", mixing=mixing)
    train.warmup()
    drawn = []
    with train:
        for epoch in range(5):
            train.set_epoch(epoch)
            for images, labels, meta in train.loader(batch_size=6):
                train.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
                rows = zip(meta.index.tolist(), meta.synthetic.tolist(), strict=True)
                drawn += [(epoch, index, synthetic) for index, synthetic in rows]
    assert [sum(made for number, _, made in drawn if number == epoch) for epoch in range(5)] == made
    journal = read_journal(train._own().job.folder / "journals" / train.sampler().journal.name)
    replay, found = ReplaySampler(journal), []
    for epoch in replay.epochs:
        replay.set_epoch(epoch)
        assert len(replay) == sum(number == epoch for number, _, _ in drawn)
        found += [(epoch, token.index, token.key is not None) for token in replay]
    assert found == drawn


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1.0,), r"ratio must be in \[0, 1\), got 1.0"),
        ((0.5, -0.1), r"ratio must be in \[0, 1\), got -0.1"),
        ((1e-9,), "ratio must be 0 or keep a millionth from both ends, got 1e-09"),
        ((0.5, 0.1, 0), "epochs of a ratio must be an epoch from 1 on, got 0"),
        ((0.5, 0.1, 1, "square"), "the shape of a ratio must be 'linear' or 'cosine', got 'square'"),
        ((0.5, 0.1, 1, "linear", 0), "until of a ratio must be an epoch from 1 on, got 0"),
    ],
)
def test_what_cannot_work_is_said(arguments: tuple, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Ratio(*arguments)

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genaug_data.auto_off import Allotment, AutoOff, thin
from genaug_data.catalogue import Catalogue
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import ConfigError, GenaugWarning
from genaug_data.hardness.noise import AumQuantile
from genaug_data.sample import Sample
from genaug_data.seeding import numpy_generator
from tests.loops import train_for
from tests.resuming import SIZE, Trainer, cut_and_resumed, equal
from tests.toys import Noisy, toy_base


@pytest.mark.parametrize("arguments", [{"held_out": -0.1}, {"held_out": 0.6}, {"failing": 0.0}, {"failing": 1.0}])
def test_rules_out_of_range_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(arguments))):
        AutoOff(**arguments)


def test_the_slice_is_a_share_that_the_seed_decides() -> None:
    first = AutoOff(0.3).slice_of(50, seed=1)
    assert first.sum() == 15
    assert (first == AutoOff(0.3).slice_of(50, seed=1)).all()
    assert (first != AutoOff(0.3).slice_of(50, seed=2)).any()
    assert not AutoOff(0.0).slice_of(50, seed=1).any()


@given(st.integers(0, 10_000))
def test_weights_are_thinned_as_by_a_plain_loop(seed: int) -> None:
    draw = numpy_generator(seed)
    parents = np.sort(draw.permutation(20)[: int(draw.integers(1, 12))])
    weights = draw.random(len(parents))
    never = draw.random(20) < 0.3
    keep = draw.choice([0.0, 0.25, 0.5, 1.0], 20)
    expected, withheld = [], 0.0
    for weight, parent in zip(weights, parents, strict=True):
        expected.append(0.0 if never[parent] else weight * keep[parent])
        withheld += 0.0 if never[parent] else weight * (1 - keep[parent])
    found, left = thin(weights, parents, Allotment(never, keep))
    assert found == pytest.approx(expected)
    assert left == pytest.approx(withheld, abs=1e-12)


def test_slots_are_drawn_by_the_thinned_weights() -> None:
    catalogue = Catalogue()
    for parent in range(4):
        catalogue.add(parent, bytes([parent]) * 16)
    never = np.array([False, False, True, False])
    catalogue.publish(np.array([0.2, 0.4, 0.3, 0.1]), None, Allotment(never, np.array([1.0, 0.5, 1.0, 0.0])))
    drawn = [catalogue.draw(slot, (slot + 0.5) / 700) for slot in range(700)]
    counts = [sum(token is not None and token.index == parent for token in drawn) for parent in range(4)]
    # Of 0.2 + 0.4 + 0.1, the second keeps half and the last nothing.
    assert counts == [200, 200, 0, 0]
    catalogue.publish(None, None, Allotment(never, np.zeros(4)))
    assert [catalogue.draw(slot, slot / 10) for slot in range(10)] == [None] * 10


class Fitted(Noisy):
    """Notes what it is fitted on."""

    def fit(self, samples: list[Sample], folder: Path, *, progress: bool = True, beat: object = None) -> None:
        self.fitted_on = [sample.image for sample in samples]


def test_the_slice_is_neither_trained_on_nor_shown_to_the_generator(tmp_path: Path) -> None:
    base, generator = toy_base(40), Fitted()
    train = GenerativeAugmentDataset(
        base,
        cache=tmp_path,
        ratio=0.5,
        generator=generator,
        gates=[],
        auto_off=AutoOff(0.25),
        parent_share=1.0,
        mode="sync",
        worker="inline",
        refresh_every=2,
        progress=False,
    )
    held_out = set(np.flatnonzero(AutoOff(0.25).slice_of(40, seed=0)).tolist())
    train.warmup(1)
    assert {parent for _, parent, _ in train._own().catalogue.items()} == set(range(40)) - held_out
    batches = train_for(train, 6)
    assert len(generator.fitted_on) == 30
    assert not any(torch.equal(base[index][0], image) for index in held_out for image in generator.fitted_on)
    seen = set()
    for _, _, meta in batches:
        for index, synthetic, is_held_out, weight in zip(
            meta.index.tolist(), meta.synthetic.tolist(), meta.held_out.tolist(), meta.weight().tolist(), strict=True
        ):
            assert is_held_out == (index in held_out)
            assert weight == (0.0 if is_held_out else 1.0)
            assert not (synthetic and is_held_out)
            seen.add(index)
    assert seen >= held_out
    # Each class is shown in one of two epochs, and real examples have its slots in the other.
    shown = sum(int(meta.synthetic.sum()) for _, _, meta in batches)
    assert 0.3 * 120 <= shown <= 0.7 * 120


def test_without_logits_it_is_said_that_nothing_is_measured(tmp_path: Path) -> None:
    train = GenerativeAugmentDataset(
        toy_base(), cache=tmp_path, generator=Noisy(), gates=[], auto_off=AutoOff(0.25), mode="sync", worker="inline"
    )
    _, _, meta = next(iter(train.loader(batch_size=4)))
    train.observe(meta, torch.ones(4))
    with pytest.warns(GenaugWarning, match="auto_off= measures nothing without logits"):
        train.close()


def test_what_is_held_out_is_no_suspect(tmp_path: Path) -> None:
    train = GenerativeAugmentDataset(
        toy_base(40), cache=tmp_path, ratio=0.0, generator=Noisy(), auto_off=AutoOff(0.25), parent_share=1.0
    )
    held_out = AutoOff(0.25).slice_of(40, seed=0)
    table = train._own().loop.feedback.table
    table.label[:], table.observations[:], table.predictions[:] = 0, 9, 9
    # The slice was never learned, and looks worst of all; then one that was learned does.
    for worst in (held_out, np.arange(40) == np.flatnonzero(~held_out)[3]):
        table.aum_sum[:] = np.arange(40.0) - 500 * worst
        expected = AumQuantile().suspects(table) & ~held_out
        assert {suspect.index for suspect in train.suspects()} == set(np.flatnonzero(expected).tolist())
    assert expected.any()
    train.close()


def test_a_cache_of_another_slice_is_refused(tmp_path: Path) -> None:
    def wrapped(auto_off: AutoOff | None, seed: int) -> GenerativeAugmentDataset:
        return GenerativeAugmentDataset(
            toy_base(), cache=tmp_path, generator=Noisy(), gates=[], auto_off=auto_off, seed=seed, worker="inline"
        )

    wrapped(AutoOff(0.25), 0).warmup()
    wrapped(AutoOff(0.25), 0)
    for auto_off, seed in ((AutoOff(0.5), 0), (AutoOff(0.25), 1), (None, 0)):
        with pytest.raises(Exception, match="belongs to"):
            wrapped(auto_off, seed)


@pytest.mark.parametrize("stop", [13, 22])
def test_a_resumed_run_shows_what_the_one_that_never_stopped_does(tmp_path: Path, stop: int) -> None:
    def start(name: str) -> Trainer:
        train = GenerativeAugmentDataset(
            toy_base(SIZE),
            cache=tmp_path / name,
            ratio=0.5,
            generator=Noisy(),
            gates=[],
            auto_off=AutoOff(0.25),
            mode="sync",
            worker="inline",
            refresh_every=3,
            progress=False,
        )
        return Trainer(train)

    trainer = start("whole")
    with trainer.train:
        whole = list(trainer.steps())
    assert equal(cut_and_resumed(start, tmp_path / "state", stop, 5), whole)

"""An asynchronous run, whose draws depend on timing, once more from its journal."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from genaug_data.catalogue import Catalogue
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import ConfigError, DataError, GenaugWarning
from genaug_data.journal import JournalWriter
from genaug_data.journal_reading import read_journal
from genaug_data.replay import ReplaySampler
from genaug_data.sample import Token
from genaug_data.sampler import HardExampleSampler
from tests.journals import SETTINGS
from tests.toys import toy_base

SIZE = 60


def recorded(train: GenerativeAugmentDataset) -> list[tuple[int, Token]]:
    """Let a run note every token that its sampler yields, and of which epoch."""
    drawn, inner = [], train.sampler().in_flight.add

    def add(token: Token) -> None:
        drawn.append((train.epoch, token))
        inner(token)

    train.sampler().in_flight.add = add
    return drawn


def train_on(train: GenerativeAugmentDataset, epochs: range, **arguments: Any) -> list[torch.Tensor]:
    """Observe epochs as a fast network would, until variants have come in, and return all images."""
    shown = []
    for epoch in epochs:
        train.set_epoch(epoch)
        for images, labels, meta in train.loader(batch_size=6, **arguments):
            train.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
            shown.append(images)
            time.sleep(0.01)
    return shown


def journal_of(train: GenerativeAugmentDataset) -> Path:
    return train._own().job.folder / "journals" / train.sampler().journal.name


def replayed(train: GenerativeAugmentDataset, journal: Path) -> tuple[list[tuple[int, Token]], list[torch.Tensor]]:
    sampler = train.replay(journal)
    loader = DataLoader(train, batch_size=6, sampler=sampler, collate_fn=train.collate)
    tokens, shown = [], []
    for epoch in sampler.epochs:
        sampler.set_epoch(epoch)
        tokens += [(epoch, token) for token in sampler]
        shown += [images for images, _, _ in loader]
    return tokens, shown


@pytest.mark.parametrize(("workers", "mixing"), [(0, "replace"), (2, "extend")])
def test_an_asynchronous_run_is_repeated_token_by_token_and_pixel_by_pixel(
    wrap: Callable, workers: int, mixing: str
) -> None:
    arguments = {"mode": "async", "ratio": 0.4, "worker": "process", "mixing": mixing}
    train = wrap(toy_base(SIZE), **arguments)
    drawn = recorded(train)
    with train:
        train.wait_until_ready()
        shown = train_on(train, range(8), num_workers=workers)
    assert train.stats()["synthetic"] > 20
    assert train.stats()["shortfall"] > 0
    tokens, images = replayed(wrap(toy_base(SIZE), **arguments), journal_of(train))
    assert tokens == drawn
    assert all(map(torch.equal, images, shown))
    assert len(images) == len(shown)


def test_a_thousand_samples_take_less_than_eight_kilobytes(wrap: Callable) -> None:
    # All variants are new, and each is drawn only a few times: the most that a run writes.
    train = wrap(toy_base(500), mode="async", ratio=0.25, policy="uniform")
    train.warmup(4)
    with train:
        shown = sum(len(images) for images in train_on(train, range(2)))
    assert train.stats()["shortfall"] == 0
    assert journal_of(train).stat().st_size / shown * 1000 < 8000


def test_what_was_evicted_before_it_was_read_is_replayed_as_its_parent(wrap: Callable) -> None:
    train = wrap(toy_base(SIZE), mode="async", ratio=0.5, policy="uniform", refresh_every=1000)
    train.warmup()
    gone = [key for key, _, _ in train._own().catalogue.items()][::2]
    with train:
        loop = train._own().loop
        loop.worker.evict(gone)
        # The loop has not heard of it yet, so that the keys are still drawn.
        drawn = recorded(train)
        shown = train_on(train, range(1))
    missed = [token for _, token in drawn if token.key in gone]
    assert missed
    tokens, images = replayed(train, journal_of(train))
    expected = [(epoch, Token(token.index) if token.key in gone else token) for epoch, token in drawn]
    assert tokens == expected
    assert all(map(torch.equal, images, shown))


def test_a_resumed_run_goes_on_in_the_journal_of_the_first(wrap: Callable, tmp_path: Path) -> None:
    arguments = {"mode": "async", "ratio": 0.5, "policy": "uniform"}
    first = wrap(toy_base(SIZE), **arguments)
    first.warmup(2)
    drawn = recorded(first)
    with first:
        train_on(first, range(2))
        first.set_epoch(2)
        for number, (images, labels, meta) in enumerate(first.loader(batch_size=6, num_workers=1)):
            first.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
            if number == 3:
                first.save(tmp_path / "state")
            if number == 6:
                break
    second = wrap(toy_base(SIZE), **arguments)
    second.load(tmp_path / "state")
    drawn = drawn[: 2 * SIZE + 24]
    more = recorded(second)
    with second:
        train_on(second, range(second.epoch, 4))
    assert second.sampler().journal.name == first.sampler().journal.name
    tokens, _ = replayed(second, journal_of(second))
    assert tokens == drawn + more
    assert len(tokens) == 4 * SIZE


def test_an_epoch_that_was_left_and_saved_ends_there_although_the_run_was_killed_then(
    wrap: Callable, tmp_path: Path
) -> None:
    arguments = {"mode": "async", "ratio": 0.5, "policy": "uniform"}
    first = wrap(toy_base(SIZE), **arguments)
    first.warmup(2)
    first.set_epoch(0)
    for images, labels, meta in itertools.islice(first.loader(batch_size=6, num_workers=2), 3):
        first.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
    first.save(tmp_path / "state")
    # As a SIGKILL now would leave it.
    content = journal_of(first).read_bytes()
    first.close()
    journal_of(first).write_bytes(content)
    second = wrap(toy_base(SIZE), **arguments)
    second.load(tmp_path / "state")
    with second:
        train_on(second, range(1, 2))
    replay = second.replay(journal_of(first))
    replay.set_epoch(0)
    assert len(list(replay)) == 18


def test_epochs_of_a_part_of_the_run_that_was_lost_are_not_replayed(wrap: Callable, tmp_path: Path) -> None:
    arguments = {"mode": "async", "ratio": 0.5, "policy": "uniform"}
    first = wrap(toy_base(SIZE), **arguments)
    first.warmup(2)
    drawn = recorded(first)
    with first:
        train_on(first, range(2))
        first.save(tmp_path / "state")
        train_on(first, range(2, 5))
    second = wrap(toy_base(SIZE), **arguments)
    second.load(tmp_path / "state")
    more = recorded(second)
    with second:
        train_on(second, range(second.epoch, 3))
    tokens, _ = replayed(second, journal_of(second))
    assert tokens == drawn[: 2 * SIZE] + more


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 60),
    st.integers(1, 9).map(lambda tenths: tenths / 10),
    st.sampled_from(["replace", "extend"]),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(1, 60)), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_any_course_of_passes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, size: int, ratio: float, mixing: str, passes: list, random: Any
) -> None:
    """Passes begin anywhere and end anywhere; the model is a plain dict from epoch and slot to token."""
    catalogue = Catalogue()
    for number in range(40):
        catalogue.add(random.randrange(size), number.to_bytes(16, "big"))
    sampler = HardExampleSampler(size, catalogue, ratio=ratio, mixing=mixing, seed=3)
    folder = tmp_path_factory.mktemp("journals")
    sampler.journal = JournalWriter(folder, sampler.settings, pytest.fail)
    model: dict[int, list[Token]] = {}
    for epoch, start, length in passes:
        catalogue.publish(slot=None) if random.random() < 0.8 else None
        known = model.setdefault(epoch, [])
        begin = min(start, len(known), len(sampler) - 1)
        sampler.load_state_dict({**sampler.state_dict(), "epoch": epoch, "position": begin})
        model[epoch] = known[:begin] + list(itertools.islice(sampler, length))
    sampler.journal.close()
    journal = read_journal(folder / sampler.journal.name)
    assert not journal.damage
    replay = ReplaySampler(journal)
    assert replay.epochs == sorted(model)
    for epoch in replay.epochs:
        replay.set_epoch(epoch)
        tokens = list(replay)
        if epoch == passes[-1][0]:
            # Real examples behind the last draw of a pass whose end is not told of, as if it was killed.
            assert tokens[: len(model[epoch])] == model[epoch][: len(tokens)]
        else:
            assert tokens == model[epoch]
        synthetic = [token for token in model[epoch] if token.key is not None]
        assert [token for token in tokens if token.key is not None] == synthetic


def test_a_journal_that_cannot_be_written_is_said_and_ends_nothing(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(toy_base(SIZE), mode="async", ratio=0.5, policy="uniform")
    train.warmup()
    (tmp_path / "cache" / "journals").write_text("in the way")
    sentence = r"the journal in .* cannot be written .*, and this run cannot be replayed"
    with pytest.warns(GenaugWarning, match=sentence), train:
        assert len(train_on(train, range(2))) == 20
    assert train.stats()["synthetic"] > 0


def test_a_file_that_is_no_journal_of_this_dataset_is_refused(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(toy_base(SIZE))
    (tmp_path / "x").write_text("hello")
    with pytest.raises(DataError, match="x is no journal, it begins with b'hell'"):
        train.replay(tmp_path / "x")
    with pytest.raises(DataError, match="missing cannot be read"):
        train.replay(tmp_path / "missing")
    writer = JournalWriter(tmp_path / "journals", SETTINGS | {"size": 7}, pytest.fail)
    writer.begin_pass(4, 3)
    writer.close()
    with pytest.raises(DataError, match="is of 7 examples, this dataset has 60"):
        train.replay(tmp_path / "journals" / writer.name)
    replay = ReplaySampler(read_journal(tmp_path / "journals" / writer.name))
    with pytest.raises(ConfigError, match="epoch 4 is not from its first slot on in the journal"):
        list(replay)
    replay.set_epoch(2)
    with pytest.raises(ConfigError, match=r"epoch 2 is not in the journal; it tells of \[4\]"):
        len(replay)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("observes", [True, False])
def test_an_epoch_that_was_left_early_is_replayed_to_where_it_was_left(
    wrap: Callable, workers: int, observes: bool
) -> None:
    train = wrap(toy_base(SIZE), mode="async", ratio=0.2, policy="uniform")
    train.warmup()
    shown = {}
    with train:
        for epoch, stop in ((0, 3), (1, 10), (2, 4)):
            train.set_epoch(epoch)
            shown[epoch] = []
            for images, labels, meta in itertools.islice(train.loader(batch_size=6, num_workers=workers), stop):
                if observes:
                    train.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
                shown[epoch].append(images)
    replay = train.replay(journal_of(train))
    lengths = []
    for epoch in replay.epochs:
        replay.set_epoch(epoch)
        loader = DataLoader(train, batch_size=6, sampler=replay, collate_fn=train.collate)
        batches = [images for images, _, _ in loader]
        lengths.append(len(replay))
        assert all(map(torch.equal, batches, shown[epoch]))
        assert len(batches) >= len(shown[epoch])
    if observes:
        assert lengths == [18, 60, 24]
    elif workers == 0:
        # What was drawn counts, as nobody says what was trained on.
        assert lengths == [18, 60, 24]
    else:
        assert lengths[1] == 60


@pytest.mark.parametrize(
    "save", [lambda train, folder: train.save(folder), lambda train, _: train.state_dict()], ids=["file", "state_dict"]
)
def test_what_was_drawn_before_a_save_is_in_the_journal_whatever_happens_then(
    wrap: Callable, tmp_path: Path, save: Callable
) -> None:
    train = wrap(toy_base(SIZE), mode="async", ratio=0.5, policy="uniform")
    train.warmup()
    with train:
        drawn = list(itertools.islice(train.sampler(), 20))
        save(train, tmp_path / "state")
        # As a SIGKILL now would leave it.
        assert list(ReplaySampler(read_journal(journal_of(train)))) == drawn

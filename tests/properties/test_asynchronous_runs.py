"""Asynchronous runs of any course: what a replay yields is what the training steps were shown."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.meta import SampleMeta
from genaug_data.sample import Token
from tests.toys import Noisy, toy_base

SIZE, BATCH = 26, 4
FACTS: dict[str, int] = {}


def rows(meta: SampleMeta) -> list[Token]:
    """Return the tokens that a batch is of: a variant that could not be read is its parent's real example."""
    keys = zip(meta.index.tolist(), meta.key, meta.synthetic.tolist(), strict=True)
    return [Token(index, key.tobytes() if made else None) for index, key, made in keys]


class Course:
    """A run that is left, saved and gone on with by chance, and what it showed: epoch by epoch, in the order of slots.

    Args:
        make: returns the wrapped dataset, anew for each process that the run would have.
        folder: of the saved state.
        chance: decides.
    """

    def __init__(self, make: Callable[[], GenerativeAugmentDataset], folder: Path, chance: random.Random) -> None:
        self.make = make
        self.folder = folder
        self.chance = chance
        self.train = make()
        self.shown: dict[int, list[Token]] = {}
        self.saved: dict[int, list[Token]] | None = None

    def run(self, parts: int) -> None:
        """Go through ``parts`` passes, most of them whole, each with its own number of DataLoader workers."""
        self.train.warmup(2)
        self.train.start()
        for _ in range(parts):
            self._pass(self.train.epoch, self.chance.choice([0, 0, 2]))
            if self.saved is not None and self.chance.random() < 0.4:
                self._resume()
            else:
                # Sometimes the same epoch once more; not one that a resumed run could go on with in its middle.
                again = self.train.epoch not in (self.saved or ()) and self.chance.random() < 0.3
                self.train.set_epoch(self.train.epoch + (not again))
        self.train.close()

    def _pass(self, epoch: int, workers: int) -> None:
        position = self.train.state_dict()["sampler"]["position"]
        seen = self.shown[epoch] = self.shown.get(epoch, [])[:position]
        leaves_after = self.chance.choice([1, 2, 4, 99, 99])
        for number, (images, labels, meta) in enumerate(self.train.loader(BATCH, num_workers=workers), start=1):
            self.train.observe(meta, torch.ones(len(images)), torch.rand(len(images), 3), labels)
            seen += rows(meta)
            if self.chance.random() < 0.3:
                self._evict()
            if self.chance.random() < 0.2:
                self.train.save(self.folder)
                self.saved = {known: list(tokens) for known, tokens in self.shown.items()}
            if number == leaves_after:
                FACTS["left early"] = FACTS.get("left early", 0) + (len(seen) < len(self.train.sampler()))
                break

    def _evict(self) -> None:
        # Those that the sampler is most likely to draw or has drawn, so that some are gone when they are read.
        with self.train._own().loop.books() as loop:
            keys = [key for key, _, _ in loop.refresher.catalogue.items()]
            loop.worker.evict(self.chance.sample(keys, len(keys) // 5))

    def _resume(self) -> None:
        self.train.close()
        self.train = self.make()
        self.train.load(self.folder)
        self.shown = {epoch: list(tokens) for epoch, tokens in self.saved.items()}
        self.train.wait_until_ready()
        FACTS["resumed"] = FACTS.get("resumed", 0) + 1


@pytest.fixture
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    return lambda: tmp_path_factory.mktemp("run")


# No shrinking: another course takes another time.
@settings(deadline=None, max_examples=8, phases=[Phase.generate], database=None)
@given(st.integers(0, 10**9), st.sampled_from([0.3, 0.5, 0.8]), st.sampled_from(["replace", "extend"]))
def check(folders: Callable[[], Path], seed: int, ratio: float, mixing: str) -> None:
    folder = folders()

    def make() -> GenerativeAugmentDataset:
        return GenerativeAugmentDataset(
            toy_base(SIZE), cache=folder / "cache", generator=Noisy(), gates=[], worker="inline", policy="uniform",
            ratio=ratio, mixing=mixing, progress=False, refresh_every=5,
        )  # fmt: skip

    course = Course(make, folder / "state", random.Random(seed))
    course.run(parts=6)
    journal = course.train._own().job.folder / "journals" / course.train.sampler().journal.name
    replay = course.train.replay(journal)
    FACTS["missed"] = FACTS.get("missed", 0) + sum(map(len, replay.journal.missed.values()))
    assert not replay.journal.damage
    for epoch, shown in course.shown.items():
        if not shown:
            continue
        replay.set_epoch(epoch)
        tokens = list(replay)
        # DataLoader workers draw ahead of what is shown, and real examples behind the last draw may not be told of.
        assert tokens[: len(shown)] == shown[: len(tokens)], (epoch, seed)
        assert all(token.key is None for token in shown[len(tokens) :])


def test_what_is_replayed_is_what_was_shown(folders: Callable[[], Path]) -> None:
    FACTS.clear()
    check(folders)
    # Each thing that may happen to a run has happened.
    assert min(FACTS.get(fact, 0) for fact in ("left early", "resumed", "missed")) > 2, FACTS

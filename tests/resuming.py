"""A training loop over a wrapped toy dataset that can be left after any step and gone on with."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.sample import Request, Sample
from tests.toys import Noisy

SIZE, BATCH, STEPS, EPOCHS = 48, 6, 8, 5


class Trainer:
    """A model, its optimiser, and a loop over a wrapped dataset that can be left and resumed after any step."""

    def __init__(self, train: GenerativeAugmentDataset, *, loader: Callable = DataLoader, **arguments: Any) -> None:
        self.train = train
        self.loader = loader(train, batch_size=BATCH, sampler=train.sampler(), collate_fn=train.collate, **arguments)
        self.model = torch.nn.Linear(64, 3)
        with torch.no_grad():
            self.model.weight.zero_()
            self.model.bias.zero_()
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.2, momentum=0.9)

    def steps(self) -> Iterator[tuple]:
        for epoch in range(self.train.epoch, EPOCHS):
            self.train.set_epoch(epoch)
            for images, labels, meta in self.loader:
                logits = self.model(images.flatten(1).float() / 255)
                loss = F.cross_entropy(logits, labels, reduction="none")
                self.train.observe(meta, loss, logits, labels)
                self.optimizer.zero_grad()
                loss.mean().backward()
                self.optimizer.step()
                yield images, labels.tolist(), meta.rows.tobytes()

    def state(self) -> dict:
        return copy.deepcopy({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()})

    def load(self, state: dict) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


def equal(one: list[tuple], other: list[tuple]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a[0], b[0]) and a[1:] == b[1:] for a, b in zip(one, other, strict=True)
    )


def cut_and_resumed(
    start: Callable[..., Trainer], folder: Path, stop: int, further: int, **settings: Any
) -> list[tuple]:
    """Return the batches of a run that is saved after ``stop`` steps, lost after ``further`` more, and gone on with."""
    first = start("cut", **settings)
    with first.train:
        running = first.steps()
        head = [next(running) for _ in range(stop)]
        first.train.save(folder)
        state = first.state()
        # What it does after that is lost, and must leave no trace.
        for _ in range(min(further, EPOCHS * STEPS - stop)):
            next(running)
    second = start("cut", **settings)
    second.train.load(folder)
    second.load(state)
    with second.train:
        return head + list(second.steps())


class Repeats(Noisy):
    """Makes few different variants of each example, so that the gates reject many as duplicates."""

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        few = [dataclasses.replace(request, seed=request.seed % 2) for request in requests]
        return super().generate(parents, few)

"""Training loops over wrapped toy datasets, as a user would write them."""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.meta import SampleMeta


class Learner:
    """A linear model that learns from the batches of a wrapped dataset of 8x8 images, and tells it of each.

    Args:
        train: the wrapped dataset.
    """

    def __init__(self, train: GenerativeAugmentDataset) -> None:
        self._train = train
        self._model = torch.nn.Linear(64, 3)
        torch.nn.init.zeros_(self._model.weight)
        torch.nn.init.zeros_(self._model.bias)
        self._optimizer = torch.optim.SGD(self._model.parameters(), 0.1)

    def step(self, images: torch.Tensor, labels: torch.Tensor, meta: SampleMeta) -> None:
        """Take one training step."""
        logits = self._model(images.flatten(1).float() / 255)
        loss = F.cross_entropy(logits, labels, reduction="none")
        self._train.observe(meta, loss, logits, labels)
        self._optimizer.zero_grad()
        (loss * meta.weight()).mean().backward()
        self._optimizer.step()


def train_for(train: GenerativeAugmentDataset, epochs: int, **loader_arguments: object) -> list[tuple]:
    """Run a real training loop; returns (images, labels, meta) of every batch."""
    learner = Learner(train)
    loader = train.loader(batch_size=8, **loader_arguments)
    batches = []
    with train:
        for epoch in range(epochs):
            train.set_epoch(epoch)
            for batch in loader:
                learner.step(*batch)
                batches.append(tuple(batch))
    return batches


def one_step(train: GenerativeAugmentDataset) -> SampleMeta:
    """Observe one batch of 8 in a run of its own, and return its meta."""
    with train:
        _, labels, meta = next(iter(train.loader(batch_size=8)))
        train.observe(meta, torch.rand(8), torch.rand(8, 3), labels)
    return meta


def train_until_accepted(train: GenerativeAugmentDataset) -> None:
    """Observe epochs until the first variant is accepted, for a minute at most."""
    end = time.monotonic() + 60
    while not train.stats().get("accepted"):
        assert time.monotonic() < end, train.stats()
        for images, labels, meta in train.loader(batch_size=8):
            train.observe(meta, torch.rand(len(images)), torch.rand(len(images), 3), labels)

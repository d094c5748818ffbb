"""Training loops over wrapped toy datasets, as a user would write them."""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.meta import SampleMeta


def train_for(train: GenerativeAugmentDataset, epochs: int, **loader_arguments: object) -> list[tuple]:
    """Run a real training loop; returns (images, labels, meta) of every batch."""
    model = torch.nn.Linear(64, 3)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    loader = train.loader(batch_size=8, **loader_arguments)
    batches = []
    with train:
        for epoch in range(epochs):
            train.set_epoch(epoch)
            for images, labels, meta in loader:
                logits = model(images.flatten(1).float() / 255)
                loss = F.cross_entropy(logits, labels, reduction="none")
                train.observe(meta, loss, logits, labels)
                optimizer.zero_grad()
                (loss * meta.weight()).mean().backward()
                optimizer.step()
                batches.append((images, labels, meta))
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

"""The training loop of the demo: what a user would write, and nothing else."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from genaug_data.classic import ClassicAugment
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.seeding import derive


def small_network(seed: int) -> nn.Module:
    """Return a convolutional network for 8x8 digits whose first weights are a function of ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "network"))
        return nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, 10),
        )


def train_network(train: GenerativeAugmentDataset, model: nn.Module, *, epochs: int, seed: int, classic: bool) -> None:
    """Train ``model``, where it is, for ``epochs`` passes."""
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-2)
    loader = train.loader(batch_size=64)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, epochs * len(loader))
    augment = ClassicAugment(train.task, seed=seed) if classic else None
    with train:
        for epoch in range(epochs):
            train.set_epoch(epoch)
            for images, labels, meta in loader:
                images, labels = images.to(device).float() / 255, labels.to(device)
                if augment is not None:
                    images, labels = augment(images, labels)
                logits = model(images)
                loss = F.cross_entropy(logits, labels, reduction="none")
                train.observe(meta, loss, logits, labels)
                optimizer.zero_grad()
                (loss * meta.weight(device)).mean().backward()
                optimizer.step()
                schedule.step()


@torch.no_grad()
def accuracy(model: nn.Module, test: Dataset) -> float:
    """Return the percentage of ``test`` that the network gets right."""
    device = next(model.parameters()).device
    model.eval()
    right = 0
    for images, labels in DataLoader(test, batch_size=500):
        right += int((model(images.to(device).float() / 255).argmax(1).cpu() == labels).sum())
    return 100 * right / len(test)  # type: ignore[arg-type]

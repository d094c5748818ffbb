"""A small residual network for 32x32 images, and the training loop that a user would write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from genaug_data.seeding import derive, numpy_generator

BATCH, RATE, DECAY, PAD, WIDTH, CLASSES = 128, 0.1, 5e-4, 4, 24, 10
_ABOUT = Path("/proc/cpuinfo")
# Half precision takes longer, not less, where the processor does not compute in it.
HALF = _ABOUT.exists() and "avx512_bf16" in _ABOUT.read_text()
Observe = Callable[[np.ndarray, torch.Tensor, torch.Tensor, torch.Tensor], None]


class Block(nn.Module):
    """Two convolutions beside a short cut (arXiv:1512.03385)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.short_cut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.short_cut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features, a stride smaller."""
        return F.relu(self.body(images) + self.short_cut(images))


def residual_network(seed: int) -> nn.Module:
    """Return three blocks of 24, 48 and 96 channels, whose first weights are a function of ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "network"))
        network = nn.Sequential(
            nn.Conv2d(3, WIDTH, 3, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(),
            Block(WIDTH, WIDTH, 1),
            Block(WIDTH, 2 * WIDTH, 2),
            Block(2 * WIDTH, 4 * WIDTH, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4 * WIDTH, CLASSES),
        )
    return network.to(memory_format=torch.channels_last)


def train_network(
    images: np.ndarray, labels: np.ndarray, epochs: int, seed: int, observe: Observe | None = None
) -> nn.Module:
    """Train with flips and crops, and tell ``observe`` the index, loss, logits and labels of every batch.

    Args:
        images: uint8 ``(N, 32, 32, 3)``.
        labels: ``(N,)``.
        epochs: passes; the learning rate rises for a fifth of them, then falls to 0.
        seed: of the weights, the order and the crops.
        observe: called before every step; None for nobody.
    """
    network, draw = residual_network(seed), numpy_generator(derive(seed, "order"))
    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=0.9, weight_decay=DECAY, nesterov=True)
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps + 1, pct_start=0.2)
    padded = np.pad(images, ((0, 0), (PAD, PAD), (PAD, PAD), (0, 0)), mode="reflect")
    targets = torch.from_numpy(labels.astype(np.int64))
    for _ in range(epochs):
        order = draw.permutation(len(images))
        # As drop_last does.
        for start in range(0, len(order) - BATCH + 1, BATCH):
            index = order[start : start + BATCH]
            with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
                logits = network(as_input(_augmented(padded, index, draw)))
            loss = F.cross_entropy(logits.float(), targets[index], reduction="none")
            if observe is not None:
                observe(index, loss, logits, targets[index])
            optimizer.zero_grad()
            loss.mean().backward()
            optimizer.step()
            schedule.step()
    return network


def as_input(images: np.ndarray) -> torch.Tensor:
    """Return what the network takes, from uint8 ``(B, 32, 32, 3)``."""
    return (torch.from_numpy(images).permute(0, 3, 1, 2).float() - 120) / 63


@torch.no_grad()
def predict(network: nn.Module, images: np.ndarray) -> np.ndarray:
    """Return the class that the network finds most probable, ``(N,)``."""
    network.eval()
    with torch.autocast("cpu", torch.bfloat16, enabled=HALF):
        parts = [network(as_input(part)).argmax(1) for part in np.array_split(images, -(-len(images) // 500))]
    return torch.cat(parts).numpy()


def _augmented(padded: np.ndarray, index: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Return each image moved by up to ``PAD`` pixels and mirrored half of the time."""
    side = padded.shape[1] - 2 * PAD
    across, down = draw.integers(0, 2 * PAD + 1, (2, len(index), 1))
    pixels = np.arange(side)
    columns = np.where(draw.random((len(index), 1)) < 0.5, pixels, pixels[::-1]) + across
    return padded[index[:, None, None], (pixels + down)[:, :, None], columns[:, None, :]]

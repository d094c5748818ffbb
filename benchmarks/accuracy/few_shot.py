"""One way to train on a few images: the same steps and draws for every arm, and the last step counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from genaug_data.generators.affine import random_affine
from genaug_data.hardness import HardnessTable, resolve_policy, row_statistics
from genaug_data.seeding import derive, permutation, torch_generator

_REFRESH = 10


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train.

    Args:
        name: as the table calls it.
        classic: whether every image, real or not, gets the strong affine augmentation.
        ratio: share of synthetic rows, exact in every batch.
        pool: name of the variants that these are drawn from.
        policy: who becomes a parent.
        begun: whether the network begins as the classifier of the source set, instead of from nothing.
    """

    name: str
    classic: bool = True
    ratio: float = 0.0
    pool: str = ""
    policy: str = "uniform"
    begun: bool = False


@dataclass(frozen=True, slots=True)
class FewShot:
    """A few labelled images to train on, and others to test on: uint8 ``(N, C, H, W)`` and int64 ``(N,)``."""

    images: torch.Tensor
    labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


@dataclass(frozen=True, slots=True)
class Pool:
    """Variants, uint8 ``(M, C, H, W)``, and of which training image each is one, int64 ``(M,)``."""

    images: torch.Tensor
    parents: torch.Tensor


def train_arm(
    arm: Arm,
    task: FewShot,
    pool: Pool | None,
    network: Callable[[], nn.Module],
    *,
    steps: int,
    batch_size: int = 128,
    seed: int = 0,
) -> float:
    """Train once and return the accuracy on the test images in percent.

    A synthetic row takes a parent by the policy's priority, then any variant of it.

    Args:
        arm: how to train.
        task: what to train and test on.
        pool: where synthetic rows come from; None for an arm without.
        network: makes one, as a function of nothing.
        steps: of the optimiser, the same for every arm.
        batch_size: rows a step, real and synthetic together.
        seed: of every draw.
    """
    model = network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    table, policy = HardnessTable(len(task.labels)), resolve_policy(arm.policy)
    variants = _by_parent(pool, len(task.labels)) if pool is not None and arm.ratio else []
    may_be_parent = torch.tensor([len(found) > 0 for found in variants], dtype=torch.float64)
    synthetic = round(batch_size * arm.ratio)
    real = _real_rows(len(task.labels), batch_size - synthetic, seed)
    priorities = torch.ones(len(task.labels), dtype=torch.float64)
    for step in range(steps):
        draw = torch_generator(derive(seed, "step", step))
        rows = next(real)
        images, labels = task.images[rows], task.labels[rows]
        if variants and pool is not None:
            if step % _REFRESH == 0:
                priorities = torch.from_numpy(policy.priorities(table)) * may_be_parent
            parents = torch.multinomial(priorities, synthetic, replacement=True, generator=draw)
            chosen = [
                variants[parent][int(torch.randint(len(variants[parent]), (), generator=draw))]
                for parent in parents.tolist()
            ]
            images, labels = torch.cat([images, pool.images[chosen]]), torch.cat([labels, task.labels[parents]])
        inputs = images.float() / 255
        if arm.classic:
            inputs = random_affine(inputs, draw)
        with torch.random.fork_rng(devices=[]):
            # For the network's dropout.
            torch.manual_seed(derive(seed, "dropout", step))
            logits = model(inputs.contiguous(memory_format=torch.channels_last))
        losses = F.cross_entropy(logits, labels, reduction="none")
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
        schedule.step()
        seen = row_statistics(losses.detach(), logits.detach(), labels)[:, : len(rows)]
        table.update(rows, seen, step)
    return _accuracy(model, task)


def _real_rows(size: int, count: int, seed: int):
    """Yield ``count`` indices at a time of one permutation after the other, so that all are seen equally often."""
    waiting, epoch = np.empty(0, dtype=np.int64), 0
    while True:
        while len(waiting) < count:
            waiting = np.concatenate([waiting, permutation(derive(seed, "epoch", epoch), size)])
            epoch += 1
        yield torch.from_numpy(waiting[:count])
        waiting = waiting[count:]


def _by_parent(pool: Pool, size: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(size)]
    for place, parent in enumerate(pool.parents.tolist()):
        found[parent].append(place)
    return found


@torch.no_grad()
def _accuracy(model: nn.Module, task: FewShot) -> float:
    model.eval()
    right = [
        model(images.float() / 255).argmax(1) == labels
        for images, labels in zip(task.test_images.split(256), task.test_labels.split(256), strict=True)
    ]
    return 100 * torch.cat(right).float().mean().item()

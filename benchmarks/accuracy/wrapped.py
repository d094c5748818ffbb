"""Arms that train with the wrapped dataset itself: selection, gates, cache and mixing are those of a user's run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import nn
from torch.utils.data import Dataset

from benchmarks.accuracy.doubt import Labelled
from genaug_data import Budget, GenerativeAugmentDataset, SampleGenerator
from genaug_data.demo.comparison import RECIPES, Copies
from genaug_data.demo.training import accuracy, train_network
from genaug_data.hardness.noise import NoisePolicy


@dataclass(frozen=True, slots=True)
class WrappedArm:
    """One way to train.

    Args:
        name: as the table calls it.
        classic: whether Kornia augments every batch.
        ratio: share of synthetic slots.
        policy: who becomes a parent.
        copies: whether a parent's variants are copies of it: a control that tells new images from more of the old ones.
        gate: whether examples whose label is in doubt have no variants.
        unlabelled: whether the generator is fitted on further images without labels, too.
        images: most images that may be made, as a share of those of the arm ``of``; None for no bound.
        of: name of an earlier arm.
    """

    name: str
    classic: bool = True
    ratio: float = 0.0
    policy: str = "uniform"
    copies: bool = False
    gate: bool = False
    unlabelled: bool = False
    images: float | None = None
    of: str = ""


class Outcome(NamedTuple):
    """Accuracy of the last epoch in percent, images made (variants and what gates rejected), and seconds for these."""

    accuracy: float
    images: int
    seconds: float


def train_wrapped(
    arm: WrappedArm,
    train: Labelled,
    test: Dataset,
    generator: SampleGenerator,
    folder: Path,
    *,
    network: Callable[[int], nn.Module],
    seed: int,
    epochs: int,
    noise: NoisePolicy | None = None,
    images: int | None = None,
    device: str = "cpu",
) -> Outcome:
    """Train once, in mode "sync", so that a run is a function of its seed.

    Args:
        arm: how to train.
        train: the real images.
        test: the others; protected, so that nothing like them can train.
        generator: fitted on ``train``, and at most on further images without labels.
        folder: empty, for this run's cache.
        network: a new one, as a function of the seed.
        seed: of the network, the order and every draw.
        epochs: passes over ``train``.
        noise: says whose label is in doubt.
        images: that may be made.
        device: where it is trained and generated.
    """
    wrapped = GenerativeAugmentDataset(
        train,
        cache=folder,
        ratio=arm.ratio,
        protected=[test],
        generator=Copies() if arm.copies else generator,
        gates=[] if arm.copies else None,
        policy=arm.policy,
        noise=noise,
        recipes=RECIPES,
        budget=Budget(images=images, device=device),
        mode="sync",
        worker="inline",
        parent_share=1.0 if arm.policy == "uniform" else 0.4,
        refresh_every=8,
        seed=seed,
        progress=False,
    )
    model = network(seed).to(device)
    train_network(wrapped, model, epochs=epochs, seed=seed, classic=arm.classic)
    made = wrapped.stats()
    return Outcome(accuracy(model, test), int(made["images made"]), float(made["seconds of generation"]))

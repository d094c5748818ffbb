"""What wrapping costs or saves: the wrapped loader against the plain one, on CIFAR-10 as an ImageFolder.

At ratio 0 both read and transform the same images. The wrapper is faster because it reads a batch before it transforms
it, where the plain dataset does one image after the other.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import torch
from torch.utils.data import DataLoader, RandomSampler, Subset
from torchvision.datasets import ImageFolder
from torchvision.transforms.functional import pil_to_tensor

from benchmarks.reporting import interleaved, report
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.demo.data import find_data
from genaug_data.errors import DataError
from genaug_data.sample import Request, Sample

BATCH = 64
GOALS = {"ratio0": 0.97, "ratio25": 1.05}


class Mirror:
    """A generator that costs nothing, so that the cache can be filled with one variant of every example."""

    fingerprint = "mirror"

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        """Return the parents, mirrored."""
        return [Sample(parent.image.flip(-1).contiguous(), parent.target) for parent in parents]


def to_float(image):
    """Turn a PIL image into float (3, 32, 32) in [0, 1]."""
    return pil_to_tensor(image).float() / 255


class Transformed(Subset):
    """The plain arm: the same images through the same transform."""

    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return to_float(image), label

    def __getitems__(self, indices):
        return [self[index] for index in indices]


def wrapped(base, folder: Path, ratio: float) -> GenerativeAugmentDataset:
    """Return ``base`` wrapped, every example with one variant in the cache."""
    train = GenerativeAugmentDataset(
        base,
        cache=folder,
        ratio=ratio,
        transform=to_float,
        generator=Mirror(),
        gates=[],
        policy="uniform",
        worker="inline",
        progress=False,
    )
    if ratio > 0:
        train.warmup()
    return train


def consume(loader: DataLoader) -> None:
    """Run through one epoch."""
    for _ in loader:
        pass


def measure(train: GenerativeAugmentDataset, plain: Transformed, workers: int, blocks: int) -> tuple[list, list]:
    """Return the seconds of interleaved epochs of the wrapped loader, and of the plain one."""
    shared = {"batch_size": BATCH, "num_workers": workers, "persistent_workers": workers > 0}
    sampler = RandomSampler(plain, generator=torch.Generator().manual_seed(0))
    ours, theirs = train.loader(**shared), DataLoader(plain, sampler=sampler, **shared)
    return interleaved(lambda: consume(ours), lambda: consume(theirs), blocks=blocks)


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks loader", description=__doc__)
    parser.add_argument("--data", default=None, help="folder with cifar10/train, or with its archive")
    parser.add_argument("--quick", action="store_true", help="fewer images and passes: within 60 s")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        folder = ImageFolder(find_data("cifar10", chosen.data) / "train")
    except DataError as error:
        print(f"skipped: {error}")
        return
    count, blocks = (2_560, 3) if chosen.quick else (10_240, 8)
    places = torch.randperm(len(folder), generator=torch.Generator().manual_seed(0))[:count].tolist()
    figures: dict[str, float] = {}
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, ratio in (("ratio0", 0.0), ("ratio25", 0.25)):
            train = wrapped(Subset(folder, places), Path(scratch) / name, ratio)
            for workers in (0, 2):
                ours, plain = measure(train, Transformed(folder, places), workers, blocks)
                speed = statistics.median(b / a for a, b in zip(ours, plain, strict=True))
                rates = [f"{count / statistics.median(times):,.0f}" for times in (ours, plain)]
                rows.append((name, workers, *rates, f"{speed:.3f}", GOALS[name]))
                figures[f"{name}_workers{workers}"] = speed
            figures[name] = min(figures[f"{name}_workers{workers}"] for workers in (0, 2))
            if ratio and train.stats()["shortfall"]:
                raise SystemExit(f"{train.stats()['shortfall']} synthetic slots found no variant: no cache hit each")
            train.close()
    report("loader", figures, ("figure", "workers", "ours/s", "plain/s", "ratio", "goal"), rows)

"""Small datasets and generators, sound and faulty, that tests of several parts share."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.data import Dataset

from genaug_data.sample import Request, Sample
from genaug_data.seeding import torch_generator


def toy_base(count: int = 12, size: int = 8, channels: int = 1) -> list[tuple[torch.Tensor, int]]:
    """Return (image, label) pairs whose images are all different."""
    random = torch_generator(7)
    shape = (channels, size, size)
    return [(torch.randint(0, 200, shape, dtype=torch.uint8, generator=random), index % 3) for index in range(count)]


def toy_samples(count: int = 12) -> list[Sample]:
    """Return the same as samples."""
    return [Sample(image, label) for image, label in toy_base(count)]


def noisy(parent: Sample, request: Request) -> Sample:
    """Return the parent with noise that only the request's seed decides."""
    noise = torch.randint(10, 50, parent.image.shape, dtype=torch.uint8, generator=torch_generator(request.seed))
    return Sample(parent.image + noise, parent.target)


@dataclass
class Noisy:
    """A sound generator that takes no time."""

    fingerprint: str = "noisy"

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        return [noisy(parent, request) for parent, request in zip(parents, requests, strict=True)]


@dataclass
class Raises(Noisy):
    """Cannot make variants of one parent."""

    parent: int = 0

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        if any(request.parent == self.parent for request in requests):
            raise ValueError(f"no variant of {self.parent}")
        return super().generate(parents, requests)


@dataclass
class RunsOutOfMemory(Noisy):
    """Cannot make more than so many at once."""

    most: int = 2

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        if len(parents) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        return super().generate(parents, requests)


@dataclass
class Dies(Noisy):
    """Is killed by SIGKILL while it makes a variant of one parent, so many times (counted in a folder)."""

    parent: int = 0
    times: int = 1
    folder: str = ""

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        if any(request.parent == self.parent for request in requests):
            deaths = len(list(Path(self.folder).iterdir()))
            if deaths < self.times:
                (Path(self.folder) / str(deaths)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().generate(parents, requests)


@dataclass
class HangsOnce(Noisy):
    """Sleeps for ever the first time."""

    mark: str = ""

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        if not Path(self.mark).exists():
            Path(self.mark).touch()
            time.sleep(10_000)
        return super().generate(parents, requests)


@dataclass
class Shrinks(Noisy):
    """Returns variants of the wrong size."""

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        return [Sample(parent.image[:, 1:], parent.target) for parent in parents]


@dataclass
class Slow(Noisy):
    """Takes a while for each call."""

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        time.sleep(0.3)
        return super().generate(parents, requests)


@dataclass
class WaitsFor(Noisy):
    """Makes nothing before a file is there."""

    mark: str = ""

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        while not Path(self.mark).exists():
            time.sleep(0.01)
        return super().generate(parents, requests)


@dataclass
class Steps(Noisy):
    """Makes each batch in many short steps, and counts them in a file, a byte each."""

    count: int = 10
    seconds: float = 0.0
    file: str = ""
    between_steps: Callable[[], None] = lambda: None

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        for _ in range(self.count):
            time.sleep(self.seconds)
            with open(self.file, "ab") as file:
                file.write(b".")
            self.between_steps()
        return super().generate(parents, requests)

    @property
    def taken(self) -> int:
        """Steps that were taken, in whatever process."""
        return Path(self.file).stat().st_size if Path(self.file).exists() else 0


class ToyDataset(Dataset):
    """:func:`toy_base` as a class, for configuration files.

    Args:
        count: number of examples.
    """

    def __init__(self, count: int = 12) -> None:
        self.items = toy_base(count)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.items[index]

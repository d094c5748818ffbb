"""The contract of a worker: orders go in, events come out, nothing waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from genaug_data.gates import Gate
from genaug_data.generators import SampleGenerator
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.tasks import Task, Without


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs; pickled with cloudpickle where it runs in another process.

    Args:
        samples: the training set as samples, read by the worker itself, so that no image crosses the queue.
        held_out: which of them the generator must not be fitted on, sorted int64.
        generator: makes the variants.
        gates: judge them, cheapest first.
        folder: of the cache.
        identity: of generator and training set before any fit; a cache folder belongs to one.
        max_bytes: bound of the cache.
        task: checks the annotations that a generator made itself; None for no check.
        batch_size: variants a call of the generator, at most.
        device: where the generator runs.
        progress: whether long steps show a bar.
        recipe: one like those to come, which a generator tries before the first is asked for; None for no trial.
    """

    samples: Sequence[Sample]
    generator: SampleGenerator
    gates: Sequence[Gate]
    folder: Path
    identity: str
    max_bytes: int
    task: Task | None = None
    batch_size: int = 32
    device: str = "auto"
    progress: bool = True
    held_out: tuple[int, ...] = ()
    recipe: Recipe | None = None

    @property
    def lessons(self) -> Sequence[Sample]:
        """What the generator is fitted on."""
        return Without(self.samples, self.held_out) if self.held_out else self.samples


@dataclass(frozen=True, slots=True)
class Ready:
    """The generator is fitted, the gates are prepared, the cache is open for writing; ``remark`` is for the user."""

    fingerprint: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """These requests are being worked on; if the process dies now, one of them may be why."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The variant is in the cache; ``made`` is False if it was there already."""

    request: Request
    key: bytes
    made: bool = True


@dataclass(frozen=True, slots=True)
class Rejected:
    """A gate kept the variant out; ``made`` is False if that is remembered from before, with the gate "known".

    ``tried`` is False where the generator refused the parent itself: no run makes anything for such a request.
    """

    request: Request
    gate: str
    reason: str
    made: bool = True
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Failed:
    """The request failed with an exception; ``final`` once it will not be tried again."""

    request: Request
    reason: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The request was taken back before anything was made for it."""

    request: Request


@dataclass(frozen=True, slots=True)
class Evicted:
    """These variants are no longer in the cache."""

    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a batch took: seconds in which the generator and the gates were busy."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Full:
    """There was no room for a batch on the file system; its variants are lost, what was cached is not."""

    reason: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that went on, but that the user should read once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The worker gave up; training goes on.

    Args:
        reason: one sentence.
        readable: whether the cache may be read as it is, because the same gates judged all that is in it.
    """

    reason: str
    readable: bool = False


Answer: TypeAlias = Accepted | Rejected | Failed | Withdrawn
"""Each request that a worker took gets one of these in the end, unless the worker breaks or is closed."""

Event: TypeAlias = Answer | Ready | Started | Evicted | Cost | Full | Warned | Broken


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """What a worker has done so far.

    Args:
        state: "idle" before the first order, "starting", "ready", "broken" or "closed".
        outstanding: requests taken and not yet answered.
        images: variants made, and in a run that counts them also those that were found.
        seconds: that generator and gates took.
        restarts: of the process.
        evicting: variants whose eviction is not confirmed.
    """

    state: str
    outstanding: int
    images: int
    seconds: float
    restarts: int = 0
    evicting: int = 0


class Worker(Protocol):
    """Runs generator, gates and the cache's only writer; every call returns at once, ``close`` within seconds."""

    def start(self) -> None:
        """Begin to set up: idempotent."""

    def submit(self, requests: Sequence[Request]) -> int:
        """Take as many of ``requests``, from the first, as there is room and budget for, and return how many."""

    def withdraw(self, requests: Sequence[Request]) -> None:
        """Take requests back; a ``Withdrawn`` confirms each that nothing had been made for yet."""

    def evict(self, keys: Sequence[bytes]) -> None:
        """Remove variants from the cache; an ``Evicted`` confirms it."""

    def poll(self) -> list[Event]:
        """Return what has happened since the last call."""

    def stats(self) -> WorkerStats:
        """Return counts and state."""

    def account_for(self, images: int, seconds: float) -> None:
        """Let this be what was made and spent so far: by an earlier part of the run."""

    def set_duty(self, duty: float) -> None:
        """Let the generator be busy for this share of the time from now on, in [0, 1]; 0 is a pause. Never waits."""

    def learn(self, snapshot: Path) -> None:
        """Let gates judge by the snapshot of the model under training in this file from now on; from any thread."""

    def busy_seconds(self) -> float | None:
        """Return for how many seconds the generator was busy up to this moment; None while it is not set up."""

    def close(self) -> None:
        """Stop and release everything, within one step of the generator where that says when it steps: idempotent."""

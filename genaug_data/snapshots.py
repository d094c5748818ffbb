"""The model under training goes to the gates: by way of a file beside the cache, while training goes on."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from genaug_data.errors import brief
from genaug_data.gates.snapshot import Snapshot
from genaug_data.sayings import Sayings
from genaug_data.workers import Worker

_KEPT = 3
_NAME = re.compile("[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    weights: Mapping[str, torch.Tensor]
    step: int
    copied: torch.cuda.Event | None


class Snapshots:
    """Writes the weights of the model under training to a folder, and tells the worker which file is the newest.

    In mode "async" the training thread copies the weights where they are, and a thread of its own does the rest; of
    several that come in meanwhile only the newest is written. In mode "sync" it is done at once, so that whatever is
    ordered later is judged by it. The 3 newest files are kept, so that a resumed run finds the one of its state.

    Args:
        folder: of the files; made with the first.
        worker: whose gates judge by them.
        sayings: what the user should read.
        at_once: whether the caller waits.

    Attributes:
        current: name of the newest snapshot that the worker was told of, None before the first.
    """

    def __init__(self, folder: Path, worker: Worker, sayings: Sayings, *, at_once: bool) -> None:
        self.current: str | None = None
        self._folder = folder
        self._worker = worker
        self._sayings = sayings
        self._at_once = at_once
        self._waiting: _Taken | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, weights: Mapping[str, torch.Tensor], step: int) -> None:
        """Take the weights of a model after ``step`` steps; they may change as soon as this returns."""
        # Some modules keep more than tensors there, which no file of tensors can hold.
        weights = {name: value for name, value in weights.items() if isinstance(value, torch.Tensor)}
        if self._at_once:
            self._hand_over(_Taken(weights, step, None))
            return
        copies = {name: value.detach().clone() for name, value in weights.items()}
        device = next((value.device for value in copies.values() if value.is_cuda), None)
        copied = None
        if device is not None:
            copied = torch.cuda.Event()
            copied.record(torch.cuda.current_stream(device))
        with self._lock:
            self._waiting = _Taken(copies, step, copied)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="genaug-snapshot", daemon=True)
                self._thread.start()

    def go_on_from(self, name: str) -> None:
        """Let the worker judge by an earlier snapshot: that of a loaded state."""
        path = self._folder / f"{name}.safetensors"
        if _NAME.fullmatch(name) and path.is_file():
            self._tell(name, path)
        else:
            self._sayings.add(
                "the snapshot of the model under training by which gates judged when the state was saved is gone, so "
                "that this run differs from the one that was saved; until train.snapshot(model) is called they let "
                "everything pass"
            )

    def join(self, seconds: float) -> None:
        """Wait until everything that was put is written, ``seconds`` at most."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._lock:
                taken, self._waiting = self._waiting, None
                if taken is None:
                    self._thread = None
                    return
            self._hand_over(taken)

    def _hand_over(self, taken: _Taken) -> None:
        try:
            if taken.copied is not None:
                taken.copied.synchronize()
            snapshot = Snapshot.of(taken.weights, taken.step)
            path = snapshot.write(self._folder)
        except (RuntimeError, MemoryError) as error:
            self._sayings.add(
                f"a snapshot of the model was not handed over, and gates go on with the one before: {brief(error)}"
            )
            return
        self._tell(snapshot.name, path)
        self._prune(path)

    def _tell(self, name: str, path: Path) -> None:
        self._worker.learn(path)
        self.current = name

    def _prune(self, newest: Path) -> None:
        with suppress(OSError):
            files = [path for path in self._folder.glob("*.safetensors") if _NAME.fullmatch(path.stem)]
            files.sort(key=lambda path: (path == newest, path.stat().st_mtime_ns))
            for old in files[:-_KEPT]:
                old.unlink()

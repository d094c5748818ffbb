"""One life of the trainer: it goes on from the last saved state until it is told to stop, or killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
import torch.nn.functional as F

from benchmarks.soak.variants import CLASSES, RECIPE, SIDE, Brightens, Examples, is_right
from genaug_data import Budget, GenerativeAugmentDataset, RecipePolicy
from genaug_data.workers.base import Accepted, Event, Evicted

BATCH, SAVE_EVERY, LOOK_EVERY = 64, 100, 50
MAX_BYTES = 12 << 20


class Log:
    """Lines that survive a SIGKILL: each is one write to a file of its own."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def __call__(self, kind: str, **values: object) -> None:
        """Write one line."""
        os.write(self._descriptor, (json.dumps({"kind": kind, **values}) + "\n").encode())


def main(folder: Path) -> None:
    """Train in ``folder`` until a SIGTERM."""
    torch.set_num_threads(1)
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    log = Log(folder / "log.jsonl")
    train = GenerativeAugmentDataset(
        Examples(),
        cache=folder / "cache",
        ratio=0.5,
        generator=Brightens(),
        recipes=RecipePolicy(strength=(RECIPE.strength, RECIPE.strength)),
        max_bytes=MAX_BYTES,
        refresh_every=20,
        # As many variants as can be made: what is tried here is the machinery, not the step's length.
        budget=Budget(slowdown=None),
        progress=False,
    )
    _watch(train, log)
    state = folder / "state"
    if state.exists():
        train.load(state)
    model = torch.nn.Linear(3 * SIDE * SIDE, CLASSES)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    loader = train.loader(batch_size=BATCH, num_workers=2, persistent_workers=True, drop_last=True)
    log("born", pid=os.getpid(), steps=train.state_dict()["steps"], journal=train.sampler().journal.name)
    step, longest, last = 0, 0.0, time.monotonic()
    with train:
        for epoch in range(train.epoch, 1 << 30):
            train.set_epoch(epoch)
            for images, labels, meta in loader:
                wrong = _wrong(images, labels, meta)
                if wrong or len(images) != BATCH:
                    log("bad", wrong=wrong, rows=len(images))
                logits = model(images.flatten(1).float() / 255)
                loss = F.cross_entropy(logits, labels, reduction="none")
                train.observe(meta, loss, logits, labels)
                optimizer.zero_grad()
                loss.mean().backward()
                optimizer.step()
                step, now = step + 1, time.monotonic()
                # The first waits for the DataLoader's workers to start.
                longest, last = max(longest, now - last if step > 1 else 0.0), now
                if step % LOOK_EVERY == 0:
                    log("look", step=step, longest=longest, **_taken(folder), **_told(train))
                if step % SAVE_EVERY == 0:
                    train.save(state)
                if stopping:
                    return


def _watch(train: GenerativeAugmentDataset, log: Log) -> None:
    """Let the log hear of everything that comes into the cache and everything that is meant to leave."""
    loop = train._own().loop
    note, evict = loop.refresher.intake.note, loop.worker.evict

    def noted(event: Event) -> None:
        if isinstance(event, Accepted):
            log("accepted", keys=[event.key.hex()])
        elif isinstance(event, Evicted):
            log("evicted", keys=[key.hex() for key in event.keys])
        note(event)

    def evicted(keys: Sequence[bytes]) -> None:
        log("evicted", keys=[key.hex() for key in keys])
        evict(keys)

    loop.refresher.intake.note, loop.worker.evict = noted, evicted


def _wrong(images: torch.Tensor, labels: torch.Tensor, meta: object) -> int:
    rows = zip(images, labels.tolist(), meta.index.tolist(), meta.synthetic.tolist(), meta.key, strict=True)
    return sum(
        not is_right(image, label, index, key.tobytes() if synthetic else None)
        for image, label, index, synthetic, key in rows
    )


def _taken(folder: Path) -> dict[str, int]:
    # Memory of its own: pages of the cache's file that happen to be mapped are the system's to take back.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    anonymous = int(status["RssAnon"].split()[0])
    disk, journals = (_bytes(folder / "cache" / part) for part in ("variants", "journals"))
    descriptors = len(os.listdir("/proc/self/fd"))
    return {"memory": anonymous * 1024, "descriptors": descriptors, "disk": disk, "journals": journals}


def _bytes(folder: Path) -> int:
    found = 0
    for path in folder.glob("*"):
        # A draft may be gone by now.
        with suppress(FileNotFoundError):
            found += path.stat().st_blocks * 512
    return found


def _told(train: GenerativeAugmentDataset) -> dict[str, object]:
    stats = train.stats()
    return {name: stats.get(name, 0) for name in ("synthetic", "shortfall", "real", "restarts", "unreadable")} | {
        "generator": train._own().worker.process_id,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Starts the trainer, kills what it consists of, lets it resume, and counts what was lost."""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from benchmarks.reporting import report
from benchmarks.soak.trainer import BATCH
from genaug_data.cache import CacheReader, verify

KILL_EVERY = 20.0
_SETTLED = 12
FAULTS = ("generation process", "trainer", "DataLoader worker")
GOALS = {
    "samples_lost": 0,
    "wrong_pixels": 0,
    "short_batches": 0,
    "damaged_records": 0,
    "left_behind": 0,
    "unexpected_ends": 0,
}


class Soak:
    """A trainer that is started as often as it dies.

    Args:
        folder: of cache, state and log.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.injected: dict[str, int] = dict.fromkeys(FAULTS, 0)
        self.resumes = 0
        self.damaged = 0
        self.left_behind = 0
        self._process: subprocess.Popen | None = None
        self._errors = (folder / "errors.txt").open("ab")

    def live(self) -> None:
        """Start the trainer if it is not alive, after a look at what the last one left."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._look_at_remains()
            self.resumes += 1
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.soak.trainer", str(self.folder)],
            stderr=self._errors,
            start_new_session=True,
        )

    def kill(self, fault: str) -> bool:
        """Kill one of its processes with SIGKILL; False where there is none yet."""
        assert self._process is not None
        lives = [line for line in self.log() if line["kind"] in ("born", "look")]
        if not lives or self._process.poll() is not None:
            return False
        generator = next((line["generator"] for line in reversed(lives) if "generator" in line), None)
        children = [pid for pid in _children(self._process.pid) if pid != generator]
        victim = {"trainer": self._process.pid, "generation process": generator}.get(fault, min(children, default=None))
        if victim is None or not Path(f"/proc/{victim}").exists():
            return False
        os.kill(victim, signal.SIGKILL)
        self.injected[fault] += 1
        return True

    def end(self) -> None:
        """Ask the trainer to stop, and look at what is left."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(60)
        finally:
            self._process.kill()
        self._look_at_remains()

    def log(self) -> list[dict]:
        """Return what the trainers wrote, each line that is whole."""
        path = self.folder / "log.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def lost(self) -> int:
        """Return how many variants were accepted, not meant to leave, and are not there."""
        accepted: dict[str, None] = {}
        for line in self.log():
            if line["kind"] == "accepted":
                accepted.update(dict.fromkeys(line["keys"]))
            elif line["kind"] == "evicted":
                for key in line["keys"]:
                    accepted.pop(key, None)
        with CacheReader(self.folder / "cache") as reader:
            present = {entry.key.hex() for entry in reader.entries()}
        # A writer that makes room by itself drops the oldest; its word may not have reached a trainer that was killed.
        oldest = next((place for place, key in enumerate(accepted) if key in present), len(accepted))
        return sum(key not in present for key in itertools.islice(accepted, oldest, None))

    def _look_at_remains(self) -> None:
        assert self._process is not None
        end = time.monotonic() + 10
        while (alive := _session(self._process.pid)) and time.monotonic() < end:
            time.sleep(0.2)
        self.left_behind += len(alive)
        self.damaged += len(verify(self.folder / "cache", progress=False).damaged)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _session(leader: int) -> list[int]:
    """Return the living processes of a session."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(path.name))
    return found


def _lives(lines: Iterable[dict]) -> list[list[dict]]:
    lives: list[list[dict]] = []
    for line in lines:
        if line["kind"] == "born":
            lives.append([])
        elif line["kind"] == "look":
            lives[-1].append(line)
    return lives


def _growth(lives: list[list[dict]], name: str) -> float:
    """Return the growth per 1,000 steps after a first third in which all is set up.

    The allocator takes and gives back megabytes at a time, so that it is the median over all pairs of looks in all
    lives (Theil and Sen).
    """
    slopes = []
    for life in lives:
        # Of a short life nothing is settled.
        settled = life[len(life) // 3 :] if len(life) >= _SETTLED else []
        for one, other in itertools.combinations(settled, 2):
            slopes.append(1000 * (other[name] - one[name]) / (other["step"] - one["step"]))
    return float(statistics.median(slopes)) if slopes else float("nan")


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long; fractions are allowed")
    parser.add_argument("--quick", action="store_true", help="one minute")
    parser.add_argument("--no-progress", action="store_true", help="show no bar")
    chosen = parser.parse_args(arguments)
    if not chosen.minutes > 0:
        parser.error(f"--minutes must be above 0, got {chosen.minutes:g}; fractions are allowed")
    seconds = 60.0 if chosen.quick else 60 * chosen.minutes
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder))
        _run(soak, seconds, progress=not chosen.no_progress)
        _report(soak)


def _run(soak: Soak, seconds: float, *, progress: bool) -> None:
    started, faults = time.monotonic(), itertools.cycle(FAULTS)
    # Of a short soak, too, the faults are shared out.
    pause = min(KILL_EVERY, seconds / 4)
    due, fault = started + pause, next(faults)
    with tqdm(total=round(seconds), desc="soak", unit="s", disable=not progress) as bar:
        while (now := time.monotonic()) < started + seconds:
            soak.live()
            if now >= due and soak.kill(fault):
                due, fault = now + pause, next(faults)
            bar.update(round(now - started) - bar.n)
            time.sleep(0.1)
    soak.live()
    soak.end()


def _report(soak: Soak) -> None:
    lines = soak.log()
    lives = _lives(lines)
    looks = [life[-1] for life in lives if life]
    steps = sum(look["step"] for look in looks)
    bad = [line for line in lines if line["kind"] == "bad"]
    figures: dict[str, float] = {
        "steps": steps,
        "faults": sum(soak.injected.values()),
        "resumes": soak.resumes,
        "samples_lost": soak.lost(),
        "wrong_pixels": sum(line["wrong"] for line in bad),
        "short_batches": sum(line["rows"] != BATCH for line in bad),
        "damaged_records": soak.damaged,
        "left_behind": soak.left_behind,
        "unexpected_ends": soak.resumes - soak.injected["trainer"] - soak.injected["DataLoader worker"],
        "longest_step_s": max((look["longest"] for look in looks), default=0.0),
        "variants_made": sum(len(line["keys"]) for line in lines if line["kind"] == "accepted"),
        "variants_evicted": sum(len(line["keys"]) for line in lines if line["kind"] == "evicted"),
        "memory_kb_per_1000_steps": _growth(lives, "memory") / 1024,
        "descriptors_per_1000_steps": _growth(lives, "descriptors"),
        "disk_kb_per_1000_steps": _growth(lives, "disk") / 1024,
        "journal_kb_per_1000_samples": _growth(lives, "journals") / 1024 / BATCH,
    }
    # Too short a soak has no growth to speak of.
    figures = {name: value for name, value in figures.items() if not math.isnan(value)}
    rows = [(name, f"{value:,.6g}", str(GOALS.get(name, ""))) for name, value in figures.items()]
    rows += [(f"killed: {fault}", str(count), "") for fault, count in soak.injected.items()]
    report("soak", figures, ("figure", "measured", "goal"), rows)
    if any(figures[name] > goal for name, goal in GOALS.items()):
        errors = (soak.folder / "errors.txt").read_text(errors="replace")
        sys.exit(f"the soak found something; the trainers' last words were:\n{errors[-4000:]}")

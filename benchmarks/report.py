"""How long the report of a run with 10,000 variants takes and how large it is, and what a run pays to record for it."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import Dataset

from benchmarks.hardness_table import observed_table
from benchmarks.reporting import report
from genaug_data.cache import CacheWriter
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.history import FOLDER, HistoryWriter
from genaug_data.report import write_report
from genaug_data.sample import Provenance, Recipe, Sample, Verdict
from genaug_data.testing.parts import Speckled

GOALS = {"report_s": 20.0, "report_mb": 15.0, "note_ms": 10.0, "summary_s": 1.0, "pictures_us": 500.0}
CLASSES, SIDE, AT_ONCE, REFRESHES, IMAGENET = 100, 64, 32, 1000, 1_281_167
GATES = ("validity", "no_op", "duplicate", "leak")
REASON = "the image is too near to protected[0][7]: perceptual distance 0.0123, more than 0.0301 is needed"


class Blank(Dataset):
    """As many examples as ImageNet has, of which nobody reads more than a few."""

    classes = tuple(f"class {label}" for label in range(1000))

    def __len__(self) -> int:
        return IMAGENET

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.full((1, 8, 8), index % 251, dtype=torch.uint8), index % 1000


def pictures(count: int, random: np.random.Generator) -> list[Sample]:
    """Return images about as smooth as photographs, with some noise."""
    rough = torch.from_numpy(random.random((count, 3, 8, 8), dtype=np.float32))
    smooth = functional.interpolate(rough, (SIDE, SIDE), mode="bicubic")
    noise = torch.from_numpy(random.normal(0, 8, (count, 3, SIDE, SIDE)).astype(np.float32))
    noisy = (255 * smooth + noise).clamp(0, 255)
    return [Sample(image, int(random.integers(CLASSES))) for image in noisy.byte()]


def provenance(number: int, parent: int, rejected_by: int | None) -> Provenance:
    """Return what would be stored with a variant."""
    gates = GATES if rejected_by is None else GATES[: rejected_by + 1]
    verdicts = [Verdict(gate, (number * 37 % 100) / 100, True) for gate in gates]
    if rejected_by is not None:
        verdicts[-1] = Verdict(gates[-1], 0.01, False, REASON)
    recipe, versions = Recipe(strength=0.3 + (number % 50) / 100), {"genaug_data": "0", "torch": "2", "diffusers": "0"}
    return Provenance(
        parent, "00" * 16, number, "benchmark", recipe, number, tuple(verdicts), 1 / (1 + parent), versions,
        1.7e9 + number / 5, f"a photo of class {parent % CLASSES}", {"model": "benchmark"}, "cpu", 0.2,
    )  # fmt: skip


def fill(folder: Path, variants: int, keeps_pictures: bool = True) -> float:
    """Write variants as a worker does, a fifth of them rejected; returns the writer's seconds for each."""
    random, seconds = np.random.default_rng(0), 0.0
    bound = 2 * variants * 3 * SIDE * SIDE + (1 << 24)
    with CacheWriter(folder, fingerprint="benchmark", identity="benchmark", max_bytes=bound) as writer:
        for start in range(0, variants, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, variants))
            parents, children = pictures(len(numbers), random), pictures(len(numbers), random)
            kept, refused = [], []
            for number, parent, child in zip(numbers, parents, children, strict=True):
                kept.append((number.to_bytes(16, "big"), child, provenance(number, number // 4, None), parent))
                if number % 4 == 0:
                    made = provenance(variants + number, number // 4, number // 4 % len(GATES))
                    refused.append(((variants + number).to_bytes(16, "big"), made, parent, child))
            shown = {made.parent: parent for _, _, made, parent in kept} if keeps_pictures else None
            rejected = [(made, parent, child) for _, made, parent, child in refused] if keeps_pictures else ()
            started = time.perf_counter()
            writer.put([(key, child, made) for key, child, made, _ in kept], shown)
            writer.reject([(key, made) for key, made, _, _ in refused], rejected)
            seconds += time.perf_counter() - started
    return seconds / (1.25 * variants)


def record(folder: Path) -> None:
    """Write the history of a long run."""
    writer = HistoryWriter(folder / FOLDER, {"ratio": 0.25, "size": 50_000, "classes": [], "policy": "latecomer"})
    for step in range(50, 50 * (REFRESHES + 1), 50):
        loss = 5 * 0.999 ** (step / 50)
        writer.note(
            {"step": step, "ratio asked": 0.25, "rows shown": 64 * step, "synthetic rows shown": 15.9 * step,
             "loss, easiest tenth": loss / 9, "loss, median": loss / 2, "loss, hardest tenth": loss,
             "loss of parents": loss * 0.8, "entropy": 0.5, "classified rightly": 1 - loss / 6}
        )  # fmt: skip
    hardest = [{"index": index, "priority": 1e-4, "label": index % CLASSES, "loss": 3.0} for index in range(48)]
    suspects = [{"index": index, "label": 1, "suggested": 2, "score": 0.9} for index in range(48)]
    counts = [500] * CLASSES
    writer.summarise({"hardest": hardest, "suspects": suspects, "real per class": counts, "stats": {}, "said": []})
    writer.close()


def recording(folder: Path, repeats: int) -> tuple[float, float]:
    """Return milliseconds of the note of a refresh and seconds of a summary, at ImageNet's size."""
    train = GenerativeAugmentDataset(
        Blank(), cache=folder, generator=Speckled(), gates=[], worker="inline", progress=False
    )
    loop = train._own().loop
    loop.feedback.table.load_state_dict(observed_table(IMAGENET).state_dict())
    loop.refresher.choice = loop.refresher.targeting.choose(loop.feedback.table)
    started = time.perf_counter()
    loop.recording.note(loop)
    summary, notes = time.perf_counter() - started, []
    for step in range(repeats):
        loop.steps = step + 1
        started = time.perf_counter()
        loop.recording.note(loop)
        notes.append(time.perf_counter() - started)
    if loop.sayings.sentences:
        raise SystemExit(f"nothing was recorded: {loop.sayings.last()}")
    train.close()
    return 1e3 * statistics.median(notes), summary


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 variants: within 60 s")
    parser.add_argument("--out", type=Path, default=None, help="file for the page; left out, it is thrown away")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    variants = 2_000 if chosen.quick else 10_000
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        with_pictures, without = (
            statistics.median(fill(root / f"{kept}{again}", 1_000, kept) for again in range(3))
            for kept in (True, False)
        )
        fill(root / "run", variants)
        record(root / "run")
        started = time.perf_counter()
        path = write_report(root / "run", chosen.out)
        seconds, size = time.perf_counter() - started, path.stat().st_size / 1e6
        note, summary = recording(root / "imagenet", 50)
    figures = {
        "report_s": seconds,
        "report_mb": size,
        "note_ms": note,
        "summary_s": summary,
        "pictures_us": 1e6 * (with_pictures - without),
    }
    rows = [(name, f"{value:,.2f}", f"{GOALS[name]:g}") for name, value in figures.items()]
    rows.append(("variants", f"{variants:,}", ""))
    report("report", figures, ("figure", "measured", "goal"), rows)

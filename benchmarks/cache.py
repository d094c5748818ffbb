"""How fast a cache is read: against a gather from an array in memory, and against a plain copy."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.reporting import interleaved, report
from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.sample import Provenance, Recipe, Sample

GOALS = {"gather_64": 0.45, "memcpy_512": 0.9}
BATCH = 64


def fill(folder: str, images: np.ndarray) -> list[bytes]:
    """Write all images and return their keys."""
    keys = [place.to_bytes(16, "big") for place in range(len(images))]
    bound = int(images.nbytes * 1.5) + (1 << 24)
    with CacheWriter(folder, fingerprint="benchmark", identity="benchmark", max_bytes=bound, codec="raw") as writer:
        for start in range(0, len(keys), 256):
            writer.put(
                [
                    (
                        keys[place],
                        Sample(torch.from_numpy(images[place]), place % 10),
                        Provenance(place, "00" * 16, 0, "benchmark", Recipe(), place, (), 0.5, {"torch": "2"}, 0.0),
                    )
                    for place in range(start, min(start + 256, len(keys)))
                ]
            )
    return keys


def compare(images: np.ndarray, batch: int, batches: int, blocks: int, copy: Callable) -> tuple[float, float, float]:
    """Return images read per second by us, by ``copy``, and the median ratio of both, interleaved."""
    random = np.random.default_rng(0)
    places = [random.integers(0, len(images), batch) for _ in range(batches)]
    with tempfile.TemporaryDirectory() as folder:
        keys = fill(folder, images)
        wanted = [[keys[place] for place in part] for part in places]
        with CacheReader(folder) as reader:
            found = reader.gather(wanted[0])
            if any(
                not np.array_equal(child.image.numpy(), images[p]) for child, p in zip(found, places[0], strict=True)
            ):
                raise SystemExit("an image was read wrong: the figures would mean nothing")

            def ours() -> None:
                for part in wanted:
                    reader.gather(part)

            def theirs() -> None:
                for part in places:
                    copy(images, part)

            seconds = interleaved(ours, theirs, blocks)
    ratio = statistics.median(b / a for a, b in zip(*seconds, strict=True))
    rates = [batch * batches / statistics.median(times) for times in seconds]
    return rates[0], rates[1], ratio


def gather(images: np.ndarray, places: np.ndarray) -> torch.Tensor:
    """Gather a batch from an array in memory, into a fresh tensor as the reader does."""
    out = torch.empty((len(places), *images.shape[1:]), dtype=torch.uint8)
    np.take(images, places, axis=0, out=out.numpy(), mode="clip")
    return out


def copy_rows(images: np.ndarray, places: np.ndarray) -> torch.Tensor:
    """Copy images one by one into a fresh tensor: a plain copy of the same size."""
    out = torch.empty((len(places), *images.shape[1:]), dtype=torch.uint8)
    for row, place in zip(out.numpy(), places, strict=True):
        np.copyto(row, images[place])
    return out


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks cache", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer images: within 60 s")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    random = np.random.default_rng(1)
    small = random.integers(0, 256, (8_000 if chosen.quick else 20_000, 3, 64, 64), dtype=np.uint8)
    blocks = 5 if chosen.quick else 10
    ours, theirs, gather_64 = compare(small, BATCH, 200, blocks, gather)
    rows = [("gather_64", f"{ours:,.0f} images/s", f"{theirs:,.0f} images/s", f"{gather_64:.3f}", GOALS["gather_64"])]
    del small
    large = random.integers(0, 256, (200 if chosen.quick else 600, 3, 512, 512), dtype=np.uint8)
    ours, theirs, memcpy_512 = compare(large, 8, 50, blocks, copy_rows)
    size = large[0].nbytes / 1e9
    rates = [f"{rate * size:.2f} GB/s" for rate in (ours, theirs)]
    rows.append(("memcpy_512", *rates, f"{memcpy_512:.3f}", GOALS["memcpy_512"]))
    report(
        "cache",
        {"gather_64": gather_64, "memcpy_512": memcpy_512},
        ("figure", "cache", "memory", "ratio", "goal"),
        rows,
    )

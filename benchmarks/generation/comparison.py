"""How fast variants get from a request to the cache, against a plain loop, a hand-tuned one, and the limit.

The networks have random weights, built from a configuration. On a CPU they are tiny, and what is measured is what lies
around them; on a GPU they have the size of Stable Diffusion 1.5 (10 steps) and of SD-Turbo (1 step).
"""

from __future__ import annotations

import argparse
import copy
import itertools
import pickle
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.generation.limit import matrix_rate, operations, synchronise
from benchmarks.generation.loops import CLASSES, Ours, encoded, load, naive, tuned
from benchmarks.generation.networks import Setting, stable_diffusion_15, tiny, turbo
from benchmarks.reporting import interleaved, report
from genaug_data.generators import ParentBatch
from genaug_data.generators.pretrained import ClassPrompt, ImageToImage
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator

_GOALS = {
    "cpu": {"vs_naive": 1.2, "vs_tuned": 0.95, "alone_or_not": 1e-4},
    "cuda": {"vs_naive": 4.0, "vs_tuned": 0.95, "of_limit": 0.45},
}


def some_parents(size: int, count: int) -> list[Sample]:
    """Return images of noise."""
    draw = torch_generator(0)
    return [
        Sample(torch.randint(0, 256, (3, size, size), dtype=torch.uint8, generator=draw), number % len(CLASSES))
        for number in range(count)
    ]


def slices(parents: Sequence[Sample], count: int) -> Iterator[Sequence[Sample]]:
    """Yield the next ``count`` parents for ever, so that no call sees those of the one before."""
    return (parents[start : start + count] for start in itertools.cycle(range(0, len(parents), count)))


def alone_or_not(setting: Setting, device: torch.device) -> float:
    """Return the largest difference between images made alone and in a batch, in float, values in [0, 1]."""
    generator = ImageToImage(setting.model, prompts=ClassPrompt(CLASSES), batch_size=setting.batch, device=device)
    parents = some_parents(setting.size, setting.batch)
    images = torch.stack([parent.image for parent in parents]).to(device).float().div(127.5).sub(1)

    def made(places: Sequence[int]) -> torch.Tensor:
        # Nothing that an earlier call has encoded may be found again.
        fresh = copy.copy(generator)
        fresh._pipeline = pickle.loads(pickle.dumps(generator._pipeline))
        chosen = [parents[place] for place in places]
        batch = ParentBatch(
            images[list(places)], [parent.target for parent in chosen], setting.recipe, list(places), chosen
        )
        with torch.no_grad():
            return torch.stack([image for image in fresh.make(batch) if isinstance(image, torch.Tensor)])

    together = made(range(setting.batch))
    alone = torch.cat([made([place]) for place in range(setting.batch)])
    return float((together - alone).abs().max()) / 2


def measured(setting: Setting, count: int, blocks: int, scratch: Path, device: torch.device) -> dict[str, float]:
    """Return the figures of one model.

    Args:
        setting: what is timed.
        count: variants a call.
        blocks: of four calls.
        scratch: for the cache.
        device: where.
    """
    parents = some_parents(setting.size, 2 * count)
    ours = Ours(setting, parents, count, scratch / f"{setting.name} cache", device)
    plain, fast = load(setting, device, fast=False), load(setting, device, fast=True)
    words = encoded(fast)
    loops: dict[str, Callable[[Sequence[Sample]], object]] = {
        "naive": lambda part: naive(plain, setting, part),
        "tuned": lambda part: tuned(fast, setting, words, part),
    }
    figures: dict[str, float] = {}
    for name, loop in loops.items():
        others = slices(parents, count)

        def theirs(loop: Callable = loop, others: Iterator = others) -> None:
            loop(next(others))
            synchronise(device)

        mine, other = interleaved(ours, theirs, blocks)
        figures[f"vs_{name}"] = statistics.median(b / a for a, b in zip(mine, other, strict=True))
        figures[f"{name}_images_per_s"] = count / statistics.median(other)
    figures["images_per_s"] = count / statistics.median(mine)
    each = operations(lambda: tuned(fast, setting, words, parents[: setting.batch]), setting.batch)
    rate = matrix_rate(device, setting.dtype)
    figures |= {"gflop_per_image": each / 1e9, "gflop_per_s": rate / 1e9}
    figures["of_limit"] = figures["images_per_s"] * each / rate
    figures["alone_or_not"] = alone_or_not(setting, device)
    made, calls = ours.close(), 2 * (4 * blocks // 2 + 1)
    if made != calls * count:
        raise SystemExit(f"{made} variants are in the cache, {calls * count} were ordered; see its counts")
    return figures


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks generation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer images, and tiny networks on a GPU as well")
    parser.add_argument("--size", type=int, default=32, help="sides of the images of the tiny networks")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    figures: dict[str, float] = {}
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        large = device.type == "cuda" and not chosen.quick
        models: Sequence[Callable[[], Setting]] = [lambda: tiny(place, chosen.size)]
        if large:
            models = [lambda: stable_diffusion_15(place), lambda: turbo(place)]
        for make in models:
            setting = make()
            count, blocks = (2 * setting.batch, 2) if chosen.quick or large else (4 * setting.batch, 4)
            found = measured(setting, count, blocks, place, device)
            for name, value in found.items():
                # The limit is that of the one-step model, in which the least can be hidden behind arithmetic.
                goal = _GOALS[device.type].get(name, "") if name != "of_limit" or setting.name == "turbo" else ""
                rows.append((setting.name, name, f"{value:.3g}", goal))
                figures[f"{setting.name}.{name}"] = value
    where = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    report("generation", figures, ("networks", f"figure on {where}", "measured", "goal"), rows)

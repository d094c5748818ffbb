"""``genaug demo``: the main job on real digits, then an honest comparison."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from jsonargparse import ArgumentParser, Namespace

from genaug_data.cli.parsing import at_least_one, new_parser, parse
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.demo.comparison import RECIPES, compare, table
from genaug_data.demo.digits import Digits, load_digits_split
from genaug_data.demo.training import accuracy, small_network, train_network
from genaug_data.generators import InDomainDiffusion
from genaug_data.report import draw_families
from genaug_data.tasks import SampleView, detect_task
from genaug_data.workers import Budget


def _parser() -> ArgumentParser:
    parser = new_parser("demo", __doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder for the cache and the picture")
    parser.add_argument("--shots", type=int, default=10, help="real training images of each digit")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each arm of the comparison")
    parser.add_argument("--epochs", type=int, default=100, help="passes over the training images")
    parser.add_argument("--fit-steps", type=int, default=300, help="steps of the generator's fit, at most")
    parser.add_argument("--small", action="store_true", help="one seed, few steps: only whether it runs")
    parser.add_argument("--progress", type=bool, default=True, help="show bars")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Run the demo; everything is written below ``--out``.

    Args:
        arguments: of the command line, after ``genaug demo``.
    """
    chosen = parse(_parser(), arguments)
    at_least_one(chosen, "shots", "seeds", "epochs", "fit_steps")
    if chosen.small:
        chosen.seeds, chosen.epochs, chosen.fit_steps = 1, 12, 10
    started = time.monotonic()
    # Networks for 8x8 images are too small for two threads: they would wait for each other most of the time.
    torch.set_num_threads(1)
    train, test = load_digits_split(chosen.shots)
    print(f"{len(train)} real digits to train on; {len(test)} to test on, which are protected.")
    generator = InDomainDiffusion(max_steps=chosen.fit_steps)
    cache = chosen.out / f"cache-{chosen.shots}-shots-{chosen.fit_steps}-steps"
    _main_job(train, test, generator, cache, chosen)
    # The background process has fitted it and left the weights in the cache's folder; here they are only read.
    generator.fit(SampleView(train, detect_task(train[0])), cache / "generator", progress=False)
    with tempfile.TemporaryDirectory() as scratch:
        results = compare(
            train, test, generator, Path(scratch), seeds=chosen.seeds, epochs=chosen.epochs, progress=chosen.progress
        )
    print(
        f"\nSame seeds, steps and order of the real images; last epoch; seeds: {chosen.seeds}. Accuracy: mean +-\n"
        "standard deviation. Gain over classic only with the same seed: mean and 95 % interval.\n"
    )
    print(table(results))
    print(f"\n{time.monotonic() - started:.0f} s in all.")
    return 0


def _main_job(train: Digits, test: Digits, generator: InDomainDiffusion, cache: Path, chosen: Namespace) -> None:
    wrapped = GenerativeAugmentDataset(
        train,
        cache=cache,
        protected=[test],
        generator=generator,
        recipes=RECIPES,
        refresh_every=8,
        # A training of seconds is over before it could be slowed much.
        budget=Budget(slowdown=None),
        progress=chosen.progress,
    )
    wrapped.wait_until_ready()
    network = small_network(seed=0)
    train_network(wrapped, network, epochs=4 * chosen.epochs, seed=0, classic=True)
    print("\nTrained with a background process that made variants of hard examples meanwhile:\n")
    for name, value in wrapped.stats().items():
        print(f"  {name:24} {value}")
    right = accuracy(network, test)
    print(f"\nThis network, trained for longer than those below, gets {right:.1f} % of the others right.")
    families = wrapped.families(10)
    if families:
        print(f"\nHard parents and their variants: {draw_families(families, chosen.out / 'families.png')}")

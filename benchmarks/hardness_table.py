"""What selection costs: on the training thread, off it, and in the sampler; at ImageNet's size."""

from __future__ import annotations

import argparse
import itertools
import resource
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.reporting import report
from genaug_data.catalogue import Catalogue
from genaug_data.feedback import Feedback
from genaug_data.hardness import (
    POLICIES,
    ClassBalanced,
    Combination,
    EnsembleDisagreement,
    FeatureNeighbours,
    HardnessPolicy,
    HardnessTable,
    ReducibleLoss,
    TrialLedger,
    resolve_policy,
)
from genaug_data.in_flight import InFlight
from genaug_data.meta import SampleMeta
from genaug_data.planner import Planner
from genaug_data.recipes import RecipePolicy
from genaug_data.sample import Token
from genaug_data.sampler import HardExampleSampler
from genaug_data.sayings import Sayings
from genaug_data.showing import Showing

SIZE, CLASSES, BATCH, CHUNK = 1_281_167, 1_000, 256, 1_000_000
GOALS = {"observe_us": 200.0, "refresh_ms": 250.0, "tokens_per_s": 300_000.0}
POLICY_GOAL, MOST_BYTES = 1_000.0, 130


def observed_table(size: int) -> HardnessTable:
    """Return a table in which every example was seen five times."""
    random, table = np.random.default_rng(0), HardnessTable(size)
    for start in range(0, size, CHUNK):
        indices = np.arange(start, min(start + CHUNK, size))
        for step in range(5):
            statistics_ = random.random((9, len(indices)), dtype=np.float32)
            statistics_[6] = indices % CLASSES
            table.update(indices, statistics_, step)
    return table


def observe_us(table: HardnessTable, repeats: int) -> float:
    """Return microseconds of one observe on the training thread, right after the forward pass that made its logits."""
    feedback, random = Feedback(table, TrialLedger()), torch.Generator().manual_seed(0)
    in_flight = InFlight()
    showing = Showing(Catalogue(), in_flight, None, Sayings(), steps_ahead=0, allot=lambda: None)
    indices = [np.random.default_rng(i).integers(0, SIZE, BATCH) for i in range(repeats + 8)]
    features, weight = torch.randn(BATCH, 64, generator=random), torch.randn(64, CLASSES, generator=random)
    target = torch.randint(0, CLASSES, (BATCH,), generator=random)
    # Eight batches ahead, as DataLoader workers are.
    ahead = [[Token(index) for index in batch.tolist()] for batch in indices]
    for token in itertools.chain(*ahead[:8]):
        in_flight.add(token)
    taken = []
    for repeat in range(repeats):
        for token in ahead[repeat + 8]:
            in_flight.add(token)
        meta = SampleMeta.pack(indices[repeat], [None] * BATCH)
        logits = features @ weight
        loss = torch.nn.functional.cross_entropy(logits, target, reduction="none")
        started = time.perf_counter()
        feedback.put(meta, loss, logits, target)
        showing.note(meta)
        taken.append(time.perf_counter() - started)
        feedback.apply()
    return 1e6 * statistics.median(taken)


def refresh_ms(table: HardnessTable, repeats: int) -> float:
    """Return milliseconds from the table to the next requests."""
    policy, planner = resolve_policy("latecomer"), Planner(SIZE, RecipePolicy(), max_children=5, seed=0)
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        priorities = policy.priorities(table)
        planner.plan(priorities, 256, table.observations >= policy.min_observations)
        taken.append(time.perf_counter() - started)
    return 1e3 * statistics.median(taken)


def every_policy(size: int) -> dict[str, HardnessPolicy]:
    """Return one policy of each kind, each knowing something of every example."""
    random = np.random.default_rng(1)
    ensemble, neighbours = EnsembleDisagreement(size), FeatureNeighbours()
    for start in range(0, size, CHUNK):
        rows = np.arange(start, min(start + CHUNK, size))
        first = random.random((2, len(rows), 1), dtype=np.float32)
        ensemble.update(np.concatenate([first, 1 - first], axis=2), rows)
    # What an update, of N^2 distances, would leave behind.
    neighbours._score = random.random(size, dtype=np.float32)
    return {name: policy() for name, policy in POLICIES.items()} | {
        "reducible_loss": ReducibleLoss(random.random(size)),
        "ensemble": ensemble,
        "feature_neighbours": neighbours,
        "class_balanced": ClassBalanced(resolve_policy("ambiguity")),
        "combination": Combination([(resolve_policy("ambiguity"), 1.0), (resolve_policy("loss_ema"), 1.0)]),
    }


def policy_ms(policy: HardnessPolicy, table: HardnessTable, repeats: int) -> float:
    """Return milliseconds from the table to the priorities."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        policy.priorities(table)
        taken.append(time.perf_counter() - started)
    return 1e3 * statistics.median(taken)


def tokens_per_s(repeats: int) -> float:
    """Return tokens a second of the sampler alone, a quarter of them variants of 20,000 parents."""
    catalogue = Catalogue()
    for parent in range(20_000):
        for child in range(3):
            catalogue.add(parent, parent.to_bytes(8, "big") + child.to_bytes(8, "big"))
    catalogue.publish(np.random.default_rng(0).random(SIZE))
    sampler = HardExampleSampler(SIZE, catalogue, ratio=0.25)
    rates = []
    for _ in range(repeats):
        started, count = time.perf_counter(), 0
        for _token in sampler:
            count += 1
        rates.append(count / (time.perf_counter() - started))
    return statistics.median(rates)


def simulate(size: int) -> None:
    """Report what the default policy takes at any size: seconds, and bytes an example at most.

    Raises:
        SystemExit: less memory is available than that.
    """
    fields = Path("/proc/meminfo").read_text().split()
    available, before = 1024 * int(fields[fields.index("MemAvailable:") + 1]), _most_memory()
    if MOST_BYTES * size > available:
        raise SystemExit(
            f"{size:,} examples take {MOST_BYTES * size / 1e9:.1f} GB, {available / 1e9:.1f} are available"
        )
    table = observed_table(size)
    seconds = policy_ms(resolve_policy("latecomer"), table, repeats=1) / 1e3
    figures = {
        "examples": float(size),
        "refresh_s": seconds,
        "table_bytes_per_example": float(table.bytes_per_example),
        "most_bytes_per_example": (_most_memory() - before) / size,
    }
    rows = [(name, f"{value:,.1f}") for name, value in figures.items()]
    report("hardness_table", figures, ("default policy", "measured"), rows)


def _most_memory() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks hardness_table", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats: within 60 s")
    parser.add_argument("--size", type=int, help="only memory and time of the default policy, at so many examples")
    chosen = parser.parse_args(arguments)
    if chosen.size:
        simulate(chosen.size)
        return
    repeats = 1 if chosen.quick else 3
    table = observed_table(SIZE)
    figures = {
        "observe_us": observe_us(table, 100 * repeats),
        "refresh_ms": refresh_ms(table, 5 * repeats),
        "tokens_per_s": tokens_per_s(repeats),
    }
    policies = {
        f"refresh_ms.{name}": policy_ms(policy, table, 2 * repeats + 1) for name, policy in every_policy(SIZE).items()
    }
    rows = [(name, f"{value:,.0f}", f"{GOALS[name]:,.0f}") for name, value in figures.items()]
    rows += [(name, f"{value:,.0f}", f"{POLICY_GOAL:,.0f}") for name, value in policies.items()]
    rows.append(("bytes per example", table.bytes_per_example, ""))
    report("hardness_table", figures | policies, ("figure", "measured", "goal"), rows)

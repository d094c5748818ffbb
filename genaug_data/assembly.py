"""How the parts of a run are put together and checked against each other."""

from __future__ import annotations

import copy
import re
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from tqdm import tqdm

from genaug_data.arguments import check_protected
from genaug_data.auto_off import AutoOff
from genaug_data.cache import CacheReader, check_folder, read_tombstones
from genaug_data.catalogue import Catalogue
from genaug_data.errors import ConfigError, WorkerError
from genaug_data.feedback import Feedback
from genaug_data.figures import stats_of
from genaug_data.gates import Gate, Leak, check_disjoint, default_gates
from genaug_data.gates.quality.under_training import plain
from genaug_data.generators import SampleGenerator, identity_of, resolve_generator
from genaug_data.hardness import HardnessPolicy, HardnessTable, TrialLedger, resolve_policy
from genaug_data.hardness.noise import NoisePolicy
from genaug_data.journal import JournalWriter
from genaug_data.loop import AugmentationLoop
from genaug_data.pacing import Pacing
from genaug_data.planner import Planner
from genaug_data.ratio import Ratio
from genaug_data.recipes import RecipePolicy
from genaug_data.recording import Recording, names_of
from genaug_data.refresher import Refresher
from genaug_data.remake import Remade, remake
from genaug_data.report import Family
from genaug_data.sampler import HardExampleSampler
from genaug_data.sayings import Sayings
from genaug_data.snapshots import Snapshots
from genaug_data.targeting import Targeting
from genaug_data.tasks import SampleView, Task, check_base, dataset_probe, resolve_task
from genaug_data.usefulness import UsefulnessMeter
from genaug_data.workers import Budget, InlineWorker, Job, ProcessWorker, Worker


@dataclass(frozen=True, eq=False)
class Parts:
    """What a wrapped dataset consists of in the training process."""

    task: Task
    samples: SampleView
    catalogue: Catalogue
    reader: CacheReader
    loop: AugmentationLoop
    sampler: HardExampleSampler
    worker: Worker
    job: Job
    snapshots: Snapshots

    def stats(self) -> dict[str, float | str]:
        """Return counts of the loop, the feedback, the worker and the cache."""
        return stats_of(self.loop, self.sampler, self.reader)

    def snapshot(self, model: torch.nn.Module) -> None:
        """Hand the weights of the model under training to the gates."""
        if not isinstance(model, torch.nn.Module):
            raise ConfigError(f"a snapshot is taken of a torch.nn.Module, got {type(model).__name__}; pass the model")
        if not any(gate.heeds_snapshots for gate in self.job.gates):
            self.loop.sayings.add(
                "no gate judges by the model under training, and its snapshots are not kept; pass "
                "gates=[*default_gates(), Agreement(UnderTraining(model))], or leave train.snapshot() out"
            )
        elif self.sampler.ratio.largest > 0:
            self.snapshots.put(plain(model).state_dict(), self.loop.steps)

    def families(self, count: int) -> list[Family]:
        """Return the hardest parents that have variants, with these."""
        children: dict[int, list[bytes]] = {}
        for key, parent, _ in self.catalogue.items():
            children.setdefault(parent, []).append(key)
        priorities = self.loop.refresher.priorities
        hardness = {parent: 0.0 if priorities is None else float(priorities[parent]) for parent in children}
        hardest = sorted(children, key=lambda parent: (-hardness[parent], parent))[:count]
        return [
            Family(
                parent,
                hardness[parent],
                self.samples[parent],
                tuple(child for child in self.reader.gather(children[parent]) if child is not None),
            )
            for parent in hardest
        ]

    def remake(self, key: bytes | str) -> Remade:
        """Make one variant again; the generator stays as it is in what the worker is given."""
        if isinstance(key, str):
            if not re.fullmatch("[0-9a-fA-F]{32}", key):
                raise ConfigError(f"a key has 32 hexadecimal digits, got {key!r}; genaug cache list FOLDER names them")
            key = bytes.fromhex(key)
        generator = copy.deepcopy(self.job.generator)
        job = self.job
        return remake(key, job.samples, generator, job.folder, lessons=job.lessons, progress=job.progress)

    def warm_up(self, variants: int) -> dict[str, int]:
        """Order ``variants`` of every example and wait for them with a progress bar."""
        loop = self.loop
        if variants < 1:
            raise ConfigError(f"variants must be at least 1, got {variants}; 1 makes one of every example")
        loop.wait_until_ready()
        waiting = list(loop.refresher.planner.everyone(variants, loop.refresher.targeting.wanted(loop.feedback.table)))
        loop.pacing.warm_up()
        total, before = len(waiting), _answers(loop)
        with tqdm(total=total, desc="warm-up", unit="variant", disable=not self.job.progress) as bar:
            while waiting or self.worker.stats().outstanding:
                was_busy = self.worker.stats().outstanding > 0
                taken = loop.order_in_turn(waiting)
                del waiting[:taken]
                loop.collect()
                time.sleep(0.001)
                if answered := _answers(loop) - before - bar.n:
                    bar.update(answered)
                state = self.worker.stats()
                if state.state == "broken":
                    raise WorkerError(f"the warm-up ended after {bar.n} of {total} variants: {loop.sayings.last()}")
                if not taken and waiting and not was_busy:
                    break
        loop.refresher.showing.publish(loop.refresher.priorities)
        loop.sayings.speak()
        return dict(loop.refresher.intake.counts)


def assemble(
    base: Any,
    *,
    folder: Path,
    protected: Sequence[Any],
    task: str | Task,
    generator: Literal["auto"] | SampleGenerator,
    gates: Sequence[Gate] | None,
    policy: str | HardnessPolicy | Callable,
    recipes: RecipePolicy,
    mode: Literal["async", "sync"],
    worker: Literal["process", "inline"],
    budget: Budget,
    max_bytes: int,
    max_children: int,
    noise: NoisePolicy | None,
    parent_share: float,
    auto_off: AutoOff | None,
    refresh_every: int,
    seed: int,
    progress: bool,
    ratio: float | Ratio,
    mixing: Literal["replace", "extend"],
) -> Parts:
    """Check the arguments of a wrapped dataset against the data and each other, and build its parts.

    Raises:
        GenaugError: as :class:`~genaug_data.dataset.GenerativeAugmentDataset` says.
    """
    resolved = resolve_task(task, base)
    check_base(base, resolved)
    samples = SampleView(base, resolved)
    guarded = [SampleView(dataset, resolved) for dataset in protected]
    check_protected(guarded)
    check_disjoint(base, protected, samples, guarded, progress=progress)
    maker = resolve_generator(generator, resolved)
    catalogue = Catalogue()
    sampler = HardExampleSampler(len(base), catalogue, ratio=ratio, mixing=mixing, seed=seed)
    share = -(-len(base) // sampler.num_replicas)
    meter = None if auto_off is None else UsefulnessMeter(auto_off, len(base), seed, refresh_every, share)
    held_out = () if meter is None else tuple(np.flatnonzero(meter.held_out).tolist())
    identity = identity_of(maker, dataset_probe(samples))
    if held_out:
        identity += f" without {len(held_out)} that seed {seed} holds out"
    check_folder(folder, identity)
    job = Job(
        samples=samples,
        generator=maker,
        gates=_gates(gates, guarded),
        folder=folder,
        identity=identity,
        max_bytes=max_bytes,
        task=resolved,
        device=budget.device,
        progress=progress,
        held_out=held_out,
        recipe=recipes.recipe(1.0, seed, 0, 0),
    )
    reader, sayings = CacheReader(folder), Sayings()
    generate = sampler.ratio.largest > 0
    if mode == "async" and generate:
        sampler.journal = JournalWriter(folder / "journals", sampler.settings, sayings.add)
    runner = InlineWorker if worker == "inline" else ProcessWorker
    hand: Worker = runner(job, budget, counts_found=mode == "sync")
    feedback = Feedback(
        HardnessTable(len(base)),
        TrialLedger(),
        getattr(resolved, "ignore_index", None),
        meter,
        getattr(resolved, "soft_labels", False),
    )
    refresher = Refresher(
        feedback=feedback,
        targeting=Targeting(resolve_policy(policy), noise, parent_share, meter),
        planner=Planner(len(base), recipes, max_children, seed),
        catalogue=catalogue,
        worker=hand,
        reader=reader,
        in_flight=sampler.in_flight,
        journal=sampler.journal,
        sayings=sayings,
        max_bytes=max_bytes,
        mode=mode,
        refresh_every=refresh_every,
        generate=generate,
    )
    loop = AugmentationLoop(
        refresher,
        feedback=feedback,
        worker=hand,
        reader=reader,
        in_flight=sampler.in_flight,
        journal=sampler.journal,
        sayings=sayings,
        # In mode "sync" variants are made while training waits for them: there is nothing to slow down.
        pacing=Pacing(hand, budget if mode == "async" else replace(budget, slowdown=None)),
        mode=mode,
        refresh_every=refresh_every,
        generate=generate,
        forgotten=lambda: frozenset(index for index in read_tombstones(folder).indices if index < len(base)),
    )
    if generate:
        told = {**sampler.settings, "max_bytes": max_bytes, "protected": [len(dataset) for dataset in guarded]}
        loop.recording = Recording(folder, sampler, reader, {**told, "classes": names_of(base)})
    sampler.on_start = loop.start_unless_closed
    snapshots = Snapshots(folder / "snapshots", hand, sayings, at_once=mode == "sync")
    parts = Parts(resolved, samples, catalogue, reader, loop, sampler, hand, job, snapshots)
    weakref.finalize(parts, loop.close)
    return parts


def _answers(loop: AugmentationLoop) -> int:
    return sum(
        count
        for name, count in loop.refresher.intake.counts.items()
        if name.startswith(("accepted", "found", "rejected", "failed"))
    )


def _gates(gates: Sequence[Gate] | None, guarded: Sequence[SampleView]) -> list[Gate]:
    """Return the gates of a run: whoever names protected sets is guarded against copies of them."""
    if gates is None:
        return default_gates(guarded)
    chosen = list(gates)
    if guarded and not any(isinstance(gate, Leak) for gate in chosen):
        chosen.append(Leak(guarded))
    return chosen

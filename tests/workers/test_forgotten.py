"""A forgotten example has no more children, whoever asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from genaug_data.cache import CacheReader, CacheWriter, Tombstones, forget
from genaug_data.errors import GenaugWarning
from genaug_data.sample import Request, Sample, content_hash
from genaug_data.workers import Budget, Job
from genaug_data.workers.base import Accepted, Broken, Rejected
from genaug_data.workers.production import Production
from tests.resuming import EPOCHS, STEPS, Trainer
from tests.toys import Noisy
from tests.workers.orders import KINDS, SAMPLES, drain, requests_for


def parents_in(folder: Path) -> set[int]:
    with CacheReader(folder) as reader:
        return {entry.parent for entry in reader.entries()}


@KINDS
def test_requests_for_it_are_rejected_and_not_made(kind: type, job: Callable[..., Job]) -> None:
    made: list[bool] = []
    for forgotten in ((), (1,)):
        if forgotten:
            forget(job().folder, forgotten, progress=False)
        worker = kind(job(), Budget())
        worker.submit(requests_for(0, 1, 2))
        news = drain(worker)
        worker.close()
        rejected = [event for event in news if isinstance(event, Rejected)]
        assert [(event.request.parent, event.gate, event.made) for event in rejected] == [
            (parent, "forgotten", False) for parent in forgotten
        ]
        made += [event.made for event in news if isinstance(event, Accepted)]
    assert made == [True, True, True, False, False]
    assert parents_in(job().folder) == {0, 2}


def test_variants_that_come_back_some_other_way_are_dropped(job: Callable[..., Job]) -> None:
    wanted = job()
    production = Production(wanted)
    production.setup()
    list(production.run(requests_for(0, 1, 2)))
    production.close()
    with CacheReader(wanted.folder) as reader:
        kept = [
            (entry.key, sample, reader.provenance(entry.key))
            for entry, sample in zip(
                reader.entries(), reader.gather([entry.key for entry in reader.entries()]), strict=True
            )
        ]
    forget(wanted.folder, [1], progress=False)
    with CacheWriter(wanted.folder, fingerprint="noisy", identity="toy", max_bytes=1 << 24) as writer:
        writer.put(kept)
    assert parents_in(wanted.folder) == {0, 1, 2}
    production = Production(wanted)
    production.setup()
    production.close()
    assert parents_in(wanted.folder) == {0, 2}


def test_a_generator_that_mixes_it_in_is_heard(job: Callable[..., Job]) -> None:
    class Mixes(Noisy):
        def origin(self, parent: Sample, request: Request) -> Mapping[str, str]:
            return {"parents": f"{request.parent},{request.parent + 1}"}

    wanted = job(Mixes())
    production = Production(wanted)
    production.setup()
    list(production.run(requests_for(0)))
    production.close()
    assert forget(wanted.folder, [1], progress=False).records == 1
    production = Production(wanted)
    production.setup()
    news = list(production.run(requests_for(0, 2)))
    production.close()
    assert [event.request.parent for event in news if isinstance(event, Rejected)] == [0]
    assert parents_in(wanted.folder) == {2}


def test_tombstones_that_cannot_be_read_stop_the_worker(job: Callable[..., Job]) -> None:
    wanted = job()
    production = Production(wanted)
    production.setup()
    production.close()
    (wanted.folder / "forgotten.json").write_text("{")
    production = Production(wanted)
    answer = production.setup()
    production.close()
    assert isinstance(answer, Broken)
    assert "nothing is made without knowing who is forgotten" in answer.reason


def test_a_resumed_run_goes_on_without_its_children(
    start: Callable[..., Trainer],
    tmp_path: Path,
) -> None:
    first = start("cut")
    with first.train:
        running = first.steps()
        for _ in range(2 * STEPS):
            next(running)
        first.train.save(tmp_path)
        state = first.state()
        running.close()
    folder = next(path.parent for path in tmp_path.rglob("genaug.json"))
    gone = max(parents_in(folder))
    assert forget(folder, [gone], progress=False).records > 0
    second = start("cut")
    second.train.load(tmp_path)
    second.load(state)
    with second.train, pytest.warns(GenaugWarning, match="were forgotten since are left out"):
        assert len(list(second.steps())) == (EPOCHS - 2) * STEPS
    assert gone not in parents_in(folder)


def test_the_content_counts_wherever_it_is() -> None:
    held = content_hash(SAMPLES[3]).hex()
    assert Tombstones().added({3: [held]}).cover(9, held)

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image

from genaug_data.cache import CacheReader
from genaug_data.errors import DataError, GenaugWarning, WorkerError
from genaug_data.gates import NoOp
from genaug_data.sample import Request, Sample
from tests.loops import one_step, train_for, train_until_accepted
from tests.toys import Noisy, Slow, toy_base


class CopiesOf(Noisy):
    """Returns one image for every parent."""

    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self.image = image

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        return [Sample(self.image.clone(), parent.target) for parent in parents]


def test_a_cache_of_a_run_without_protected_sets_cannot_leak_into_one_with(wrap: Callable) -> None:
    val = toy_base(48)[24:]
    generator = CopiesOf(val[3][0])
    first = wrap(generator=generator)
    assert first.warmup()["accepted"] == 24
    first.close()
    second = wrap(generator=generator, protected=[val], gates=None, ratio=0.5, policy="uniform")
    gone = pytest.warns(GenaugWarning, match="24 of 24 variants in the cache did not pass the gates .* 1 by leak")
    with gone, second:
        for images, _, meta in second.loader(batch_size=8):
            assert not meta.synthetic.any()
            assert not any(torch.equal(image, val[3][0]) for image in images)
    assert second.stats()["cached"] == 0


def test_a_corrected_label_takes_its_old_variants_along(wrap: Callable) -> None:
    base = toy_base(200)
    first = wrap(base)
    first.warmup()
    first.close()
    base[5] = (base[5][0], 2 - base[5][1])
    second = wrap(base, ratio=0.5, policy="uniform")
    with second:
        for _, labels, meta in second.loader(batch_size=20):
            assert labels.tolist() == [base[index][1] for index in meta.index]
    assert second.stats()["cached"] == 199


def test_a_warm_up_of_a_running_dataset_is_counted_once(wrap: Callable) -> None:
    train = wrap(mode="async", worker="process")
    poll, inside, overlaps = train._own().worker.poll, threading.Lock(), []

    def watched() -> list:
        if not inside.acquire(blocking=False):
            overlaps.append(threading.current_thread().name)
            return []
        time.sleep(0.002)
        found = poll()
        inside.release()
        return found

    train._own().worker.poll = watched
    with train:
        train.wait_until_ready()
        assert train.warmup(4)["accepted"] == 96
    # Two threads that read one connection at once would tear its messages apart, now and then.
    assert overlaps == []
    stats = train.stats()
    assert stats["cached"] == len(train._own().catalogue) == 96
    assert stats["restarts"] == 0


@pytest.mark.parametrize("worker", ["inline", "process"])
def test_it_can_be_started_again_after_its_end(wrap: Callable, worker: str) -> None:
    train = wrap(worker=worker, policy="uniform", ratio=0.5)
    with train:
        assert train.warmup()["accepted"] == 24
    assert next(iter(train.loader(batch_size=8)))[-1].synthetic.sum() == 4
    assert train.stats()["worker"] == "closed"
    with train:
        assert train.warmup(2)["accepted"] == 48
    assert len(train._own().catalogue) == 48


def test_an_asynchronous_run_orders_by_itself_after_a_new_start(wrap: Callable) -> None:
    train = wrap(mode="async", policy="uniform")
    with train:
        train.wait_until_ready()
    assert train.stats()["worker"] == "closed"
    with train:
        train.wait_until_ready()
        before = train.stats().get("accepted", 0)
        end = time.monotonic() + 60
        while train.stats().get("accepted", 0) == before:
            assert time.monotonic() < end, train.stats()
            for images, labels, meta in train.loader(batch_size=8):
                train.observe(meta, torch.rand(len(images)), torch.rand(len(images), 3), labels)


def test_a_warm_up_is_drawn_from_at_once(wrap: Callable) -> None:
    train = wrap(policy="uniform", ratio=0.5)
    train.start()
    train.warmup()
    assert next(iter(train.loader(batch_size=8)))[-1].synthetic.sum() == 4


@dataclass
class FailsToFit(Noisy):
    """Cannot be fitted."""

    def fit(self, samples: object, folder: Path, **arguments: object) -> None:
        raise ZeroDivisionError("no data")


@pytest.mark.parametrize(("mode", "worker"), [("sync", "inline"), ("async", "inline"), ("async", "process")])
def test_a_generator_that_cannot_be_fitted_ends_generation_and_nothing_else(
    wrap: Callable, mode: str, worker: str
) -> None:
    train = wrap(generator=FailsToFit(), mode=mode, worker=worker)
    with pytest.raises(WorkerError, match=r"real samples alone: it could not be set up: ZeroDivisionError: no data"):
        train.wait_until_ready()
    assert len(train_for(train, epochs=2)) == 6
    assert train.stats()["worker"] == "closed"


def test_a_second_run_reads_what_the_same_gates_judged(wrap: Callable) -> None:
    first = wrap()
    first.warmup()
    second = wrap(ratio=0.5, policy="uniform")
    third = wrap(ratio=0.5, policy="uniform", gates=[NoOp()])
    for train, shown, rest in ((second, 4, "real and cached samples"), (third, 0, "real samples alone")):
        with pytest.warns(GenaugWarning, match=f"training goes on with {rest}: .* is being written by process"):
            assert one_step(train).synthetic.sum() == shown


def test_a_policy_that_raises_does_not_stop_a_sync_run(wrap: Callable) -> None:
    train = wrap(policy=lambda table: 1 / 0)
    with pytest.warns(GenaugWarning, match="ZeroDivisionError: division by zero"):
        assert len(train_for(train, epochs=2)) == 6


def test_a_truncated_cache_is_no_end_of_training(wrap: Callable, tmp_path: Path) -> None:
    first = wrap()
    first.warmup(3)
    first.close()
    path = tmp_path / "cache" / "variants" / "data.mdb"
    with path.open("r+b") as file:
        file.truncate(8192)
    second = wrap(ratio=0.5, policy="uniform")
    with pytest.warns(GenaugWarning, match=r"is shorter than it was"):
        assert len(train_for(second, epochs=2)) == 6


def test_a_cache_truncated_in_the_middle_of_a_run_is_read_as_empty(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(ratio=0.5, policy="uniform")
    with train:
        train.warmup(3)
        path = tmp_path / "cache" / "variants" / "data.mdb"
        assert next(iter(train.loader(batch_size=8)))[-1].synthetic.sum() == 4
        content = path.read_bytes()
        os.truncate(path, 16384)
        with pytest.warns(GenaugWarning, match="cannot read the cache in .* is shorter than it was"):
            assert next(iter(train.loader(batch_size=8)))[-1].synthetic.sum() == 0
        path.write_bytes(content)


def test_feedback_under_inference_mode_is_taken(wrap: Callable) -> None:
    train = wrap(ratio=0)
    for _ in range(2):
        for number, (_, labels, meta) in enumerate(train.loader(batch_size=8)):
            with torch.inference_mode(number % 2 == 0):
                train.observe(meta, torch.ones(8) * 2, torch.zeros(8, 3) + 1, labels)
    assert train.stats()["feedback rows"] == 48


def test_a_forked_copy_that_is_dropped_leaves_generation_alone(wrap: Callable) -> None:
    train = wrap(mode="async", worker="process")
    with train:
        train.wait_until_ready()
        child = os.fork()
        if child == 0:
            train.close()
            del train
            gc.collect()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert train.warmup()["accepted"] == 24
    assert train.stats()["restarts"] == 0


def test_every_request_has_an_outcome(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(mode="async", worker="process", policy="uniform", generator=Slow())
    with train:
        train.wait_until_ready()
        train_until_accepted(train)
    stats = train.stats()
    outcomes = ("accepted", "found", "failed", "withdrawn", "unanswered")
    assert stats["requested"] == sum(stats.get(name, 0) for name in outcomes)
    assert stats["accepted"] == stats["cached"]


def test_a_run_that_ends_before_its_generator_is_ready_says_so(wrap: Callable, tmp_path: Path) -> None:
    train = wrap(mode="async", worker="process")
    with pytest.warns(GenaugWarning, match="before the generator was ready, and has shown no new variant"):
        one_step(train)


def test_an_annotation_out_of_range_is_refused(wrap: Callable) -> None:
    class Wrong(Noisy):
        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            return [Sample(parent.image + 9, 10**6) for parent in parents]

    class Named(list):
        classes = ("a", "b", "c")

    train = wrap(Named(toy_base(6)), generator=Wrong())
    with pytest.warns(GenaugWarning, match="below the number of classes, 3, found 1000000"):
        assert train.warmup()["failed"] == 6


def test_slices_and_negative_indices_are_real_examples(wrap: Callable) -> None:
    base = toy_base(24)
    train = wrap(base, transform=lambda image: image.float())
    assert [label for _, label in train[2:8:3]] == [base[2][1], base[5][1]]
    assert torch.equal(train[-1][0], base[-1][0].float())
    assert train.__getitems__([-1, 3]).meta.index.tolist() == [23, 3]


def test_pil_images_without_a_transform_are_refused_in_a_sentence(wrap: Callable) -> None:
    train = wrap([(Image.fromarray(image[0].numpy()), label) for image, label in toy_base()])
    with pytest.raises(DataError, match="turn them into tensors in transform="):
        next(iter(train.loader(batch_size=4)))


def test_an_idle_worker_gets_its_first_orders_before_the_first_refresh(wrap: Callable) -> None:
    train = wrap(mode="async", refresh_every=10**6)
    with train:
        train.wait_until_ready()
        train_until_accepted(train)


def test_a_state_that_is_saved_in_the_folder_of_the_cache_is_no_stranger_there(wrap: Callable, tmp_path: Path) -> None:
    first = wrap()
    first.save(tmp_path / "cache" / "state")
    assert first.warmup()["accepted"] == 24
    first.save(tmp_path / "cache")
    first.close()
    second = wrap()
    second.load(tmp_path / "cache" / "state")
    with second:
        assert one_step(second) is not None


def test_a_fork_while_the_cache_is_being_opened_leaves_it_readable_in_the_child(wrap: Callable, tmp_path: Path) -> None:
    """A thread opens and closes the cache all the time, as the loop's does; forked processes must be able to read."""
    train = wrap()
    train.warmup()
    keys = [key for key, _, _ in train._own().catalogue.items()]
    train.close()
    stop = threading.Event()

    def open_and_close() -> None:
        while not stop.is_set():
            with CacheReader(tmp_path / "cache") as reader:
                reader.stats()

    def reads_in_a_thread() -> bool:
        # Any thread of the child must be able to, not only the one that forked.
        found: list[object] = [None]
        with CacheReader(tmp_path / "cache") as reader:
            reading = threading.Thread(target=lambda: found.__setitem__(slice(None), reader.gather(keys)), daemon=True)
            reading.start()
            reading.join(20)
        return None not in found

    thread = threading.Thread(target=open_and_close)
    thread.start()
    try:
        for _ in range(60):
            child = os.fork()
            if child == 0:
                os._exit(int(not reads_in_a_thread()))
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()

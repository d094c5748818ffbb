"""Loading what is damaged, foreign or of another run changes nothing and says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from genaug_data.auto_off import AutoOff
from genaug_data.checkpoint import FORMAT, digest
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import ConfigError, DataError, GenaugError, GenaugWarning, SaveError
from genaug_data.gates import Gate
from genaug_data.sample import Sample, Verdict
from genaug_data.seeding import numpy_generator
from genaug_data.tensor_file import read_tensors, write_tensors
from tests.loops import one_step, train_for, train_until_accepted
from tests.toys import toy_base


class RefusesAll(Gate):
    """Lets nothing train."""

    name, cost = "refuses_all", 1.0

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        return [self.verdict(0.0, "no") for _ in children]


@pytest.fixture
def saved(wrap: Callable, tmp_path: Path) -> Path:
    train = wrap(ratio=0.5)
    train_for(train, epochs=3)
    assert train.stats()["synthetic"] > 0
    return train.save(tmp_path / "state")


def standing(train: GenerativeAugmentDataset) -> tuple:
    """All that a load could change."""
    loop = train._own().loop
    table = {name: column.tobytes() for name, column in loop.feedback.table.state_dict().items()}
    return (
        train.state_dict(),
        table,
        loop.refresher.catalogue.items(),
        dict(loop.refresher.intake.counts),
        loop.refresher.planner.state_dict().keys(),
    )


def test_a_loaded_run_saves_the_same(wrap: Callable, saved: Path, tmp_path: Path) -> None:
    train = wrap(ratio=0.5)
    train.load(saved.parent)
    again = train.save(tmp_path / "again")
    (tensors, description), (tensors_again, description_again) = read_tensors(saved), read_tensors(again)
    # The end of an epoch is the beginning of the next.
    ends = [
        (found["sampler"].pop("epoch"), found["sampler"].pop("position")) for found in (description, description_again)
    ]
    assert ends == [(2, 24), (3, 0)]
    assert description.pop("digest") != description_again.pop("digest")
    assert description == description_again
    assert sorted(tensors) == sorted(tensors_again)
    for name, tensor in tensors.items():
        assert tensor.numpy().tobytes() == tensors_again[name].numpy().tobytes(), name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"seed": 1}, "the state is of a run with seed=0, this one has 1; use the same"),
        ({"ratio": 0.25}, "the state is of a run with ratio=0.5, this one has 0.25; use the same"),
        ({"mixing": "extend"}, "the state is of a run with mixing='replace', this one has 'extend'; use the same"),
        ({"base": toy_base(23)}, "the state is of a run with size=24, this one has 23; use the same"),
    ],
)
def test_a_state_of_another_run_is_refused(
    wrap: Callable, saved: Path, tmp_path: Path, arguments: dict, sentence: str
) -> None:
    train = wrap(**{"ratio": 0.5, "cache": tmp_path / "other"} | arguments)
    before = standing(train)
    with pytest.raises(ConfigError, match=sentence):
        train.load(saved.parent)
    assert standing(train) == before


@pytest.mark.parametrize(
    ("theirs", "ours", "sentence"),
    [
        (AutoOff(0.25), AutoOff(0.5), "holds 6 examples out, this one 12"),
        (None, AutoOff(0.25), "holds 0 examples out, this one 6"),
    ],
)
def test_a_state_of_another_slice_is_refused(
    wrap: Callable, tmp_path: Path, theirs: AutoOff | None, ours: AutoOff, sentence: str
) -> None:
    first = wrap(ratio=0.5, auto_off=theirs)
    train_for(first, epochs=2)
    path = first.save(tmp_path / "state")
    train = wrap(ratio=0.5, auto_off=ours, cache=tmp_path / "other")
    before = standing(train)
    with pytest.raises(ConfigError, match=sentence):
        train.load(path.parent)
    assert standing(train) == before


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        ({"policy": "entropy"}, "policy='latecomer', this one has 'entropy'"),
        ({"max_children": 3}, "max_children=5, this one has 3"),
        ({"refresh_every": 7}, "refresh_every=2, this one has 7"),
        ({"mode": "async"}, "mode='sync', this one has 'async'"),
    ],
)
def test_a_state_of_a_run_that_took_another_course_is_loaded_and_said(
    wrap: Callable, saved: Path, arguments: dict, difference: str
) -> None:
    train = wrap(ratio=0.5, **arguments)
    train.load(saved.parent)
    with pytest.warns(GenaugWarning, match=f"the state is of a run with {difference} and goes on in another way"):
        train.start()


def test_a_state_cannot_be_loaded_into_a_run_that_has_begun(wrap: Callable, saved: Path) -> None:
    train = wrap(ratio=0.5)
    with train, pytest.raises(ConfigError, match=r"this run has begun, .*; load it before the first batch"):
        train.load(saved.parent)


def test_no_state_is_said(wrap: Callable, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no saved state in"):
        wrap().load(tmp_path / "nowhere")
    now = {"format": FORMAT}
    for foreign in ({}, {"format": FORMAT + 1}, now | {"sampler": 3}, now | {"sampler": {}}, [], None, "x"):
        with pytest.raises(DataError, match="this is no state of genaug_data, or of another version"):
            wrap().load_state_dict(foreign)
    state = wrap().state_dict()
    for wrong in (None, "3", float("nan"), float("inf"), 1e300, -1):
        for name in ("steps", "images"):
            with pytest.raises(DataError, match="a number of the state is missing or out of range"):
                wrap().load_state_dict(state | {name: wrong})
        with pytest.raises(DataError, match="a number of the state is missing or out of range"):
            wrap().load_state_dict(state | {"sampler": state["sampler"] | {"position": wrong}})


def test_a_damaged_file_is_refused_or_read_and_changes_nothing(wrap: Callable, saved: Path) -> None:
    content, random, refused = saved.read_bytes(), numpy_generator(5), 0
    train = wrap(ratio=0.5)
    before = standing(train)
    for _ in range(200):
        broken = bytearray(content)
        for place in random.integers(0, len(content), 1 + random.integers(3)):
            broken[place] ^= 1 << random.integers(8)
        saved.write_bytes(broken[: random.integers(len(broken))] if random.random() < 0.2 else broken)
        with pytest.raises(GenaugError):
            train.load(saved.parent)
        refused += 1
        assert standing(train) == before
    assert refused == 200


def forge(path: Path, tensors: dict, description: dict) -> None:
    """Write what a stranger would: damage with a sound digest."""
    description = {name: value for name, value in description.items() if name != "digest"}
    write_tensors(path, tensors, description | {"digest": digest(tensors, description)})


def test_forged_columns_are_refused(wrap: Callable, saved: Path) -> None:
    tensors, description = read_tensors(saved)
    train = wrap(ratio=0.5)
    before = standing(train)
    forged = {
        "children.parent": tensors["children.parent"] + 24,
        "children.key": tensors["children.key"][:, :8],
        "lineup0.children": tensors["lineup0.children"] + 10_000,
        "lineup0.sizes": tensors["lineup0.sizes"] * 0 - 1,
        "planner.children": tensors["planner.children"].long(),
        "table.loss_ema": tensors["table.loss_ema"][:5],
        "ledger.uses": tensors["ledger.uses"][:-1],
        "priorities": tensors["priorities"].float(),
        "requests.recipe": tensors["requests.recipe"] + 99,
        "requests.seed": tensors["requests.seed"].double(),
        "requests.place": tensors["requests.place"] + 24,
        "planner.next_variant": tensors["planner.next_variant"] - 100,
        "planner.refusals": tensors["planner.refusals"] + 40_000,
        "lineup0.cumulative": -tensors["lineup0.cumulative"],
    }
    for value in (-1.0, float("nan"), float("inf")):
        forged |= {
            f"priorities {value}": torch.full_like(tensors["priorities"], value),
            f"lineup0.cumulative {value}": torch.full_like(tensors["lineup0.cumulative"], value),
        }
    for name, column in ((name.split()[0], column) for name, column in forged.items()):
        forge(saved, tensors | {name: column}, description)
        with pytest.raises(DataError, match=r"the state in .* is damaged"):
            train.load(saved.parent)
    for change in (
        {"recipes": ["{}", "[]"]},
        {"recipes": ['{"strength": "x"}']},
        {"lineup": []},
        {"lineup": [3, 3]},
        {"present": "many"},
        {"counts": 3},
        {"feedback": {"rows": 1, "others": 2}},
    ):
        forge(saved, tensors, description | change)
        with pytest.raises(DataError, match=r"the state in .* is damaged"):
            train.load(saved.parent)
    assert standing(train) == before


def test_a_state_that_cannot_be_written_leaves_the_last_one(wrap: Callable, saved: Path) -> None:
    import resource

    train, before = wrap(ratio=0.5), saved.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        with pytest.raises(SaveError, match="make room there or choose another folder"):
            train.save(saved.parent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saved.read_bytes() == before
    assert len(list(saved.parent.iterdir())) == 1


def test_an_asynchronous_run_goes_on_with_what_it_knew_and_what_the_cache_has_gained(
    wrap: Callable, tmp_path: Path
) -> None:
    arguments = {"mode": "async", "worker": "process", "ratio": 0.5}
    first = wrap(**arguments)
    with first:
        first.wait_until_ready()
        train_until_accepted(first)
        first.save(tmp_path / "state")
        lost = read_tensors(tmp_path / "state" / "genaug.safetensors")[0]["children.key"][0].numpy().tobytes()
        first._own().worker.evict([lost])
        first.warmup(4)
    gained = {entry.key for entry in first._own().reader.entries()}
    second = wrap(**arguments)
    second.load(tmp_path / "state")
    known = {key for key, _, _ in second._own().catalogue.items()}
    assert lost in known
    assert second.stats()["accepted"] == len(known)
    assert second.state_dict()["images"] == len(known)
    with second:
        second.wait_until_ready()
        one_step(second)
    assert {key for key, _, _ in second._own().catalogue.items()} >= gained
    children = np.bincount([parent for _, parent, _ in second._own().catalogue.items()], minlength=24)
    assert second._own().loop.refresher.planner.state_dict()["children"].tolist() == children.tolist()


def test_what_a_state_knows_and_cannot_be_made_again_is_said(wrap: Callable, saved: Path) -> None:
    train = wrap(ratio=0.5, gates=[RefusesAll()])
    train.load(saved.parent)
    train.start()
    gone = pytest.warns(GenaugWarning, match=r"28 of 28 variants in the cache did not pass the gates of this run")
    with gone, pytest.warns(GenaugWarning, match=r"\d+ variants that the loaded state knows could not be made again"):
        one_step(train)
    assert len(train._own().catalogue) == 0


def test_the_description_is_json_and_the_state_is_small(saved: Path) -> None:
    tensors, description = read_tensors(saved)
    assert json.loads(json.dumps(description)) == description
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())

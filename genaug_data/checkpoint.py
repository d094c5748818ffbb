"""A run on disk: tables, ledger, catalogue and budget, from which it goes on as if it had not stopped."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genaug_data.assembly import Parts
from genaug_data.errors import ConfigError, DataError
from genaug_data.restoration import Restoration
from genaug_data.sample import KEY_BYTES
from genaug_data.tensor_file import DamagedFile, digest_of, read_tensors, write_tensors

FORMAT = 3
_ARGUMENTS = ("size", "ratio", "mixing", "num_replicas")
_MOST_EPOCHS = 1 << 31


def state_of(parts: Parts) -> dict[str, Any]:
    """Return where a run stands, without its tables: plain values, less than 1 KB as JSON."""
    loop, sampler, worker = parts.loop, parts.sampler, parts.worker.stats()
    if loop.journal is not None:
        # So that what a resumed run goes on from is in it.
        loop.journal.flush()
    return {
        "format": FORMAT,
        **{name: sampler.settings[name] for name in _ARGUMENTS},
        "sampler": sampler.observed_state_dict(),
        "steps": loop.steps,
        "largest_batch": loop.refresher.showing.largest_batch,
        "feedback_step": loop.feedback.step,
        "images": worker.images,
        "seconds": worker.seconds,
        "journal": None if loop.journal is None else loop.journal.name,
        "snapshot": parts.snapshots.current,
        "course": loop.course,
    }


def restore_state(parts: Parts, state: Mapping[str, Any]) -> None:
    """Set a run to what :func:`state_of` returned.

    Raises:
        ConfigError: the state is of a run with other arguments; nothing was changed.
        DataError: it is no state.
    """
    _check_state(parts, state)
    loop = parts.loop
    parts.sampler.load_state_dict(dict(state["sampler"]))
    loop.steps, loop.refresher.showing.largest_batch = int(state["steps"]), int(state["largest_batch"])
    loop.feedback.step = int(state["feedback_step"])
    parts.worker.account_for(int(state["images"]), float(state["seconds"]))
    if loop.journal is not None and isinstance(state["journal"], str):
        loop.journal.go_on(state["journal"])
    if isinstance(state.get("snapshot"), str):
        parts.snapshots.go_on_from(state["snapshot"])
    for name, value in loop.course.items():
        if state["course"].get(name) != value:
            loop.sayings.add(
                f"the state is of a run with {name}={state['course'].get(name)!r}, this one has {value!r} and goes on "
                "in another way than that one would have; pass the same to repeat it"
            )


def save(parts: Parts, folder: Path) -> Path:
    """Write all of a run's state to one file in ``folder``, atomically, and return its path.

    Raises:
        SaveError: it cannot be written.
    """
    if parts.loop.journal is not None:
        parts.loop.journal.reach(parts.loop.in_flight.reached)
    with parts.loop.books() as loop:
        tensors = {
            f"{part}.{name}": column
            for part, state in (
                ("table", loop.feedback.table.state_dict()),
                ("ledger", loop.feedback.ledger.state_dict()),
                ("planner", loop.refresher.planner.state_dict(list(loop.refresher.intake.on_order.values()))),
                ("auto_off", {} if loop.feedback.meter is None else loop.feedback.meter.state_dict()),
            )
            for name, column in state.items()
        }
        if loop.refresher.priorities is not None:
            tensors["priorities"] = loop.refresher.priorities
        children, lineup = _children(parts, tensors)
        description = {
            **state_of(parts),
            **children,
            "lineup": lineup,
            "withheld": [snapshot.withheld for _, snapshot in parts.catalogue.lineup.entries],
            "counts": dict(loop.refresher.intake.counts),
            "feedback": asdict(loop.feedback.counts),
        }
    path = _file_of(parts, folder)
    columns = {name: torch.from_numpy(np.ascontiguousarray(column)) for name, column in tensors.items()}
    write_tensors(path, columns, description | {"digest": digest(columns, description)})
    return path


def load(parts: Parts, folder: Path) -> None:
    """Set a run to what :func:`save` wrote; the cache follows when the run starts.

    Raises:
        ConfigError: as :func:`restore_state`, or this run has begun.
        DataError: there is no state in ``folder``, or it is damaged; nothing was changed.
    """
    path = _file_of(parts, folder)
    if parts.loop.is_started:
        raise ConfigError(
            "this run has begun, and a state can only be loaded before that; load it before the first batch"
        )
    try:
        found = read_tensors(path)
        if found is None:
            raise DataError(f"there is no saved state in {folder}; pass the folder that was given to save()")
        tensors, description = {name: tensor.numpy() for name, tensor in found[0].items()}, found[1]
        if description.pop("digest") != digest(found[0], description):
            raise ValueError("its digest is wrong")
        _check_state(parts, description)
        books = Restoration(parts, tensors, description)
    except (DamagedFile, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, (ConfigError, DataError)):
            raise
        raise DataError(f"the state in {path} is damaged ({error!r}); load an earlier one") from error
    restore_state(parts, description)
    books.enter()


def _file_of(parts: Parts, folder: Path) -> Path:
    # Each rank of a distributed run has a table, a cache and a place of its own.
    rank = parts.sampler.rank
    return folder / (f"genaug-rank{rank}.safetensors" if rank else "genaug.safetensors")


def digest(columns: Mapping[str, torch.Tensor], description: Mapping[str, Any]) -> str:
    """Return what tells whether a file is as it was written."""
    text = json.dumps(description, sort_keys=True)
    return hashlib.blake2b(f"{digest_of(columns)} {text}".encode(), digest_size=16).hexdigest()


def _check_state(parts: Parts, state: Mapping[str, Any]) -> None:
    parts_of_it = (state.get("sampler"), state.get("course")) if isinstance(state, Mapping) else (None,)
    if not all(isinstance(part, Mapping) for part in parts_of_it) or state.get("format") != FORMAT:
        raise DataError("this is no state of genaug_data, or of another version; pass what state_dict() returned")
    numbers = [state.get(name) for name in ("steps", "largest_batch", "feedback_step", "images", "seconds")]
    numbers += [state["sampler"].get(name) for name in ("epoch", "position", "real", "synthetic", "shortfall")]
    bounds = [2**63] * 5 + [_MOST_EPOCHS] + [2**63] * 4
    fits = [
        isinstance(number, (int, float)) and 0 <= number < bound for number, bound in zip(numbers, bounds, strict=True)
    ]
    if not all(fits):
        raise DataError(f"a number of the state is missing or out of range in {numbers}; load an earlier one")
    ours = {name: parts.sampler.settings[name] for name in (*_ARGUMENTS, "seed")}
    theirs = {name: state.get(name) for name in _ARGUMENTS} | {"seed": state["sampler"].get("seed")}
    for name, value in ours.items():
        if theirs[name] != value:
            raise ConfigError(
                f"the state is of a run with {name}={theirs[name]!r}, this one has {value!r}; use the same"
            )


def _children(parts: Parts, tensors: dict[str, np.ndarray]) -> tuple[dict[str, Any], list[int]]:
    """Add the columns of the variants and of what may be drawn to ``tensors``; return recipes and slots."""
    loop, lineup = parts.loop, parts.catalogue.lineup
    lineup.forget_before(loop.in_flight.observed)
    present = parts.catalogue.children()
    rows: dict[int, int] = {id(child): row for row, child in enumerate(present)}
    children = list(present)
    for _, snapshot in lineup.entries:
        for family in snapshot.children:
            for child in family:
                if id(child) not in rows:
                    rows[id(child)] = len(children)
                    children.append(child)
    ahead = Counter(token.key for token in loop.in_flight.tokens if token.key is not None)
    known = list(dict.fromkeys([*(child.key for child in children), *loop.refresher.intake.leaving]))
    requests = [(key, request) for key in known if (request := loop.refresher.intake.request_of(key)) is not None]
    recipes = list(dict.fromkeys(request.recipe for _, request in requests))
    place = {recipe: number for number, recipe in enumerate(recipes)}
    tensors |= {
        "children.key": _keys(child.key for child in children),
        "children.parent": np.array([child.parent for child in children], dtype=np.int64),
        "children.drawn": np.array([child.drawn - ahead[child.key] for child in children], dtype=np.int64),
        "children.shown": np.array([child.shown for child in children], dtype=np.int64),
        "leaving.key": _keys(loop.refresher.intake.leaving),
        "requests.key": _keys(key for key, _ in requests),
        "requests.place": np.array([request.place for _, request in requests], dtype=np.int64).reshape(-1, 2),
        "requests.recipe": np.array([place[request.recipe] for _, request in requests], dtype=np.int64),
        "requests.seed": np.array([request.seed for _, request in requests], dtype=np.int64),
        "requests.priority": np.array([request.priority for _, request in requests], dtype=np.float64),
    }
    for number, (_, snapshot) in enumerate(lineup.entries):
        tensors |= {
            f"lineup{number}.parents": np.array(snapshot.parents, dtype=np.int64),
            f"lineup{number}.cumulative": np.array(snapshot.cumulative, dtype=np.float64),
            f"lineup{number}.sizes": np.array([len(family) for family in snapshot.children], dtype=np.int64),
            f"lineup{number}.children": np.array(
                [rows[id(child)] for family in snapshot.children for child in family], dtype=np.int64
            ),
        }
    described = {"recipes": [recipe.to_json() for recipe in recipes], "present": len(present)}
    return described, [slot for slot, _ in lineup.entries]


def _keys(keys: Iterable[bytes]) -> np.ndarray:
    return np.frombuffer(bytearray(b"".join(keys)), dtype=np.uint8).reshape(-1, KEY_BYTES)

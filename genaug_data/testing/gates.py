"""What every gate must keep, so that a verdict can be stored and a cache judged again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cloudpickle
import torch

from genaug_data.errors import ConfigError
from genaug_data.gates import Gate
from genaug_data.sample import Sample, Verdict, content_hash
from genaug_data.seeding import torch_generator
from genaug_data.testing.rules import Violation, global_seed, require, unchanged, unshared_randomness


def check_gate(
    make: Callable[[], Gate],
    samples: Sequence[Sample],
    *,
    children: Sequence[Sample] | None = None,
    within_batch: bool = False,
) -> None:
    """Check that a gate keeps the contract of :class:`~genaug_data.gates.Gate`.

    Args:
        make: returns a new gate; it is prepared on ``samples`` first.
        samples: the training set, and the parents; at least 3.
        children: one per sample; None takes copies, blank and noisy images of them in turn.
        within_batch: whether its verdicts may depend on the rest of the batch, as those on duplicates do.

    Raises:
        Violation: a rule is broken; the sentence says which.

    Example:
        >>> from genaug_data.gates import NoOp
        >>> from genaug_data.testing.parts import some_samples
        >>> check_gate(NoOp, some_samples())
    """
    parents = list(samples)
    require(len(parents) >= 3, f"check_gate got {len(parents)} samples; pass at least 3")
    young = list(children) if children is not None else [_child(place, one) for place, one in enumerate(parents)]
    gate = _prepared(make(), parents)
    _check_names(gate)
    verdicts = _check_verdicts(gate, parents, young)
    _check_purity(gate, parents, young, verdicts, within_batch)
    _check_copies(gate, make, parents, young, verdicts)
    _check_memory(gate, young, verdicts)


def _child(place: int, parent: Sample) -> Sample:
    image = parent.image.clone()
    if place % 3 == 1:
        image.zero_()
    if place % 3 == 2:
        noise = torch.randint(0, 256, image.shape, dtype=torch.uint8, generator=torch_generator(place))
        image = image // 2 + noise // 2
    return Sample(image, parent.target)


def _prepared(gate: Gate, parents: list[Sample]) -> Gate:
    with unchanged(parents, "prepare"), unshared_randomness("prepare"):
        gate.prepare(parents, progress=False, beat=lambda: None)
    return gate


def _check_names(gate: Gate) -> None:
    require(isinstance(gate.name, str) and gate.name != "", f"the name is {gate.name!r}; give the gate a text as name")
    cost = getattr(gate, "cost", None)
    require(
        isinstance(cost, (int, float)) and math.isfinite(cost),
        f"the cost of the gate {gate.name!r} is {cost!r}; give a number, as the cheapest gate judges first",
    )


def _judged(gate: Gate, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
    try:
        return gate.judge(list(parents), list(children))
    except ConfigError as error:
        raise Violation(str(error)) from error


def _check_verdicts(gate: Gate, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
    name = gate.fingerprint
    with unchanged([*parents, *children], "judge"), unshared_randomness("judge"):
        verdicts = _judged(gate, parents, children)
    require(
        len(verdicts) == len(children),
        f"the gate {gate.name!r} returned {len(verdicts)} verdicts for {len(children)} children; return one for each",
    )
    for verdict in verdicts:
        require(
            verdict.gate == gate.name,
            f"a verdict of the gate {gate.name!r} names {verdict.gate!r}; make verdicts with self.verdict",
        )
        require(
            math.isfinite(verdict.score) and 0 <= verdict.score <= 1,
            f"the gate {gate.name!r} returned the score {verdict.score}; a score must lie in [0, 1]",
        )
        needed = verdict.threshold
        require(
            needed is None or (math.isfinite(needed) and 0 <= needed <= 1),
            f"the gate {gate.name!r} returned the threshold {needed}; a threshold must lie in [0, 1], as scores do",
        )
        require(
            all(isinstance(value, (bool, int, float, str)) for value in verdict.details.values()),
            f"the gate {gate.name!r} returned the details {dict(verdict.details)}; give plain values, which are stored",
        )
        require(
            verdict.accepted != bool(verdict.reason),
            f"the gate {gate.name!r} returned accepted={verdict.accepted} with the reason {verdict.reason!r}; "
            "give a reason exactly when rejecting",
        )
    require(
        isinstance(name, str) and gate.fingerprint == name,
        f"judging changed the fingerprint of the gate {gate.name!r} from {name!r} to {gate.fingerprint!r}; "
        "let settings alone decide it, or every run judges the cache anew",
    )
    empty = _judged(gate, [], [])
    require(empty == [], f"the gate {gate.name!r} returned {empty!r} for no children; return an empty list")
    return verdicts


def _check_purity(
    gate: Gate, parents: list[Sample], children: list[Sample], verdicts: list[Verdict], within_batch: bool
) -> None:
    for seed in (1, 2):
        with global_seed(seed):
            _require_alike(gate, _judged(gate, parents, children), verdicts, "judging the same again")
    if within_batch:
        return
    backwards = _judged(gate, parents[::-1], children[::-1])[::-1]
    _require_alike(gate, backwards, verdicts, "the reversed order")
    alone = [_judged(gate, [one], [child])[0] for one, child in zip(parents, children, strict=True)]
    _require_alike(gate, alone, verdicts, "judging each alone")


def _check_copies(
    gate: Gate, make: Callable[[], Gate], parents: list[Sample], children: list[Sample], verdicts: list[Verdict]
) -> None:
    try:
        copies = {
            "pickled": cloudpickle.loads(cloudpickle.dumps(gate)),
            "pickled before prepare": _prepared(cloudpickle.loads(cloudpickle.dumps(make())), parents),
        }
    except Exception as error:
        raise Violation(
            f"the gate {gate.name!r} cannot be pickled ({error}); the generation process needs a copy of it"
        ) from error
    for what, copy in copies.items():
        require(
            copy.fingerprint == gate.fingerprint,
            f"the gate {gate.name!r}, {what}, has the fingerprint {copy.fingerprint!r} instead of "
            f"{gate.fingerprint!r}; let settings and what prepare found decide it",
        )
        _require_alike(gate, _judged(copy, parents, children), verdicts, f"a copy, {what},")


def _check_memory(gate: Gate, children: list[Sample], verdicts: list[Verdict]) -> None:
    name = gate.fingerprint
    accepted = [child for child, verdict in zip(children, verdicts, strict=True) if verdict.accepted]
    with unchanged(children, "remember"), unshared_randomness("remember"):
        keys = [number.to_bytes(16, "big") for number in range(len(accepted))]
        gate.remember([], [])
        gate.remember(keys, accepted)
        gate.forget([b"never remembered"])
        gate.forget(keys)
    require(
        gate.fingerprint == name,
        f"remembering changed the fingerprint of the gate {gate.name!r} to {gate.fingerprint!r}; "
        "what was accepted is no setting",
    )


def _amended_alike(one: Verdict, other: Verdict) -> bool:
    if one.amended is None or other.amended is None:
        return one.amended is other.amended
    return content_hash(one.amended) == content_hash(other.amended)


def _require_alike(gate: Gate, found: list[Verdict], verdicts: list[Verdict], what: str) -> None:
    for place, (one, other) in enumerate(zip(found, verdicts, strict=True)):
        require(
            one.accepted == other.accepted and abs(one.score - other.score) < 1e-4 and _amended_alike(one, other),
            f"{what} changed verdict {place} of the gate {gate.name!r} from {other.accepted} ({other.score:.4f}) to "
            f"{one.accepted} ({one.score:.4f}); let the parent and the child alone decide until remember is called",
        )

"""The contract of a gate, with all the checking, and the order in which gates judge."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.gates.snapshot import Snapshot
from genaug_data.sample import Sample, Verdict


class Gate(ABC):
    """Decides which variants may train; a member writes :meth:`assess`.

    Attributes:
        name: of this gate, stored with every verdict.
        cost: what judging one child costs, relative to the other gates; the cheapest judges first.

    Example:
        >>> class Bright(Gate):
        ...     name, cost = "bright", 1.0
        ...
        ...     def assess(self, parents, children):
        ...         means = [float(child.image.float().mean()) / 255 for child in children]
        ...         return [self.verdict(mean, "" if mean > 0.2 else f"the mean is {mean:.2f}") for mean in means]
        >>> black = Sample(torch.zeros(1, 2, 2, dtype=torch.uint8), 0)
        >>> Bright().judge([black], [black])
        [Verdict(gate='bright', score=0.0, accepted=False, reason='the mean is 0.00', threshold=None, details={})]
    """

    name: str
    cost: float

    @property
    def heeds_snapshots(self) -> bool:
        """Whether :meth:`learn` changes what it judges by."""
        return False

    @property
    def fingerprint(self) -> str:
        """What decides its verdicts, known after :meth:`prepare`: its type and settings, unless a member adds to it.

        A cache that other gates judged is judged anew.
        """
        settings = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        plain = {name: value for name, value in settings.items() if isinstance(value, (bool, int, float, str, tuple))}
        return f"{type(self).__module__}.{type(self).__qualname__}({sorted(plain.items())})"

    @abstractmethod
    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Return one verdict per child, in order, each made by :meth:`verdict`; the inputs are checked already."""

    def prepare(
        self, train: Sequence[Sample], *, progress: bool = True, beat: Callable[[], None] | None = None
    ) -> None:
        """Learn what is needed from the training set, once, before the first child is judged.

        Args:
            train: the training set.
            progress: whether long work shows a bar.
            beat: called often, so that a watchdog knows that this lives.
        """
        return

    def remember(self, keys: Sequence[bytes], children: Sequence[Sample]) -> None:
        """Take note of children that every gate accepted, and that are in the cache under ``keys``."""
        return

    def forget(self, keys: Sequence[bytes]) -> None:
        """Take note that the children of ``keys`` have left the cache, whether they were known or not.

        Verdicts must follow from what is in the cache, so that a run that is resumed comes to the same ones.
        """
        return

    def learn(self, snapshot: Snapshot) -> None:
        """Take note of a newer state of the model under training, by which the children that follow are judged."""
        return

    def judge(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Return one verdict per child.

        Args:
            parents: the real examples, images uint8 ``(C, H, W)``.
            children: as many variants, each of the shape of its parent.

        Raises:
            DataError: parents and children differ in number or shape, or an image is not uint8 ``(C, H, W)``.
            ConfigError: the gate returned something other than one sound verdict per child.
        """
        _check_pairs(parents, children)
        if not children:
            return []
        verdicts = self.assess(parents, children)
        self._check_verdicts(verdicts, children)
        return verdicts

    def verdict(
        self,
        score: float,
        problem: str = "",
        *,
        threshold: float | None = None,
        details: Mapping[str, int | float | str] | None = None,
        amended: Sample | None = None,
    ) -> Verdict:
        """Return a verdict of this gate: rejected iff there is a ``problem``, which becomes its reason.

        Args:
            score: in [0, 1].
            problem: one sentence; empty to accept.
            threshold: the score that was needed.
            details: what else is to be known of the verdict, plain values.
            amended: the child with another annotation, where that is what may train; its image is the child's own.
        """
        return Verdict(self.name, float(score), not problem, problem, threshold, details or {}, amended)

    def _check_verdicts(self, verdicts: Sequence[Verdict], children: Sequence[Sample]) -> None:
        if len(verdicts) != len(children):
            raise ConfigError(
                f"the gate {self.name!r} returned {len(verdicts)} verdicts for {len(children)} children; "
                "assess must return one for each, in order"
            )
        for verdict, child in zip(verdicts, children, strict=True):
            for name, value in (("score", verdict.score), ("threshold", verdict.threshold)):
                if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
                    raise ConfigError(
                        f"the gate {self.name!r} returned the {name} {value}; a {name} must lie in [0, 1]"
                    )
            if verdict.amended is not None and not torch.equal(verdict.amended.image, child.image):
                raise ConfigError(
                    f"the gate {self.name!r} changed the image of a child; a gate may amend the annotation alone"
                )
            if verdict.accepted == bool(verdict.reason):
                raise ConfigError(
                    f"the gate {self.name!r} returned accepted={verdict.accepted} with the reason "
                    f"{verdict.reason!r}; give a reason exactly when rejecting"
                )


def amended(child: Sample, verdicts: Sequence[Verdict]) -> Sample:
    """Return what may train of a child: as the last of ``verdicts`` that amended it has it, or the child as it was."""
    return next((verdict.amended for verdict in reversed(verdicts) if verdict.amended is not None), child)


def fingerprint_of(gates: Sequence[Gate]) -> str:
    """Return 32 hexadecimal digits that stand for what decides the verdicts of ``gates``, in any order.

    Example:
        >>> from genaug_data.gates import NoOp, Validity
        >>> fingerprint_of([NoOp(), Validity()]) == fingerprint_of([Validity(), NoOp()])
        True
        >>> fingerprint_of([NoOp()]) == fingerprint_of([NoOp(tolerance=0.02)])
        False
    """
    names = "\n".join(sorted(gate.fingerprint for gate in gates))
    return hashlib.blake2b(names.encode(), digest_size=16).hexdigest()


def judge_all(gates: Sequence[Gate], parents: Sequence[Sample], children: Sequence[Sample]) -> list[list[Verdict]]:
    """Let every gate judge, the cheapest first; a child's first rejection ends its trial.

    A gate sees a child as the gates before it have amended it.

    Returns:
        For each child the verdicts in the order they were given; it is accepted iff all of them are, and what may
        train of it is what :func:`amended` returns.

    Raises:
        DataError: parents and children differ in number or shape.

    Example:
        >>> from genaug_data.gates import NoOp, Validity
        >>> ramp = Sample(torch.arange(16, dtype=torch.uint8).reshape(1, 4, 4) * 16, 0)
        >>> [[verdict.gate for verdict in verdicts] for verdicts in judge_all([NoOp(), Validity()], [ramp], [ramp])]
        [['validity', 'no_op']]
    """
    _check_pairs(parents, children)
    verdicts: list[list[Verdict]] = [[] for _ in children]
    alive = list(range(len(children)))
    for gate in sorted(gates, key=lambda gate: gate.cost):
        judged = gate.judge([parents[i] for i in alive], [amended(children[i], verdicts[i]) for i in alive])
        for i, verdict in zip(alive, judged, strict=True):
            verdicts[i].append(verdict)
        alive = [i for i, verdict in zip(alive, judged, strict=True) if verdict.accepted]
    return verdicts


def _check_pairs(parents: Sequence[Sample], children: Sequence[Sample]) -> None:
    if len(parents) != len(children):
        raise DataError(f"{len(parents)} parents came with {len(children)} children; pass one parent for each child")
    for i, (parent, child) in enumerate(zip(parents, children, strict=True)):
        for sample, role in ((parent, "parent"), (child, "child")):
            if sample.image.dtype != torch.uint8 or sample.image.dim() != 3:
                raise DataError(
                    f"the image of {role} {i} is {sample.image.dtype} of shape {tuple(sample.image.shape)}; "
                    "gates need uint8 (C, H, W)"
                )
        if parent.image.shape != child.image.shape:
            raise DataError(
                f"child {i} has shape {tuple(child.image.shape)} and its parent {tuple(parent.image.shape)}; "
                "a variant must have the shape of its parent"
            )

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

import pytest
import torch

from genaug_data.gates import Duplicate, FeatureSimilarity, Gate, Leak, NoOp, Validity
from genaug_data.sample import Sample, Verdict
from genaug_data.seeding import torch_generator
from genaug_data.testing import Violation, check_gate
from genaug_data.testing.parts import Speckled, some_samples

CALLS = count()


def leak() -> Leak:
    return Leak([some_samples(20)[12:]])


class Flat(torch.nn.Module):
    """Features that are five fixed sums of the pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(64, 5, generator=torch_generator(0)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (images.flatten(1).float() - 100) @ self.weight


def nearest() -> FeatureSimilarity:
    return FeatureSimilarity(Flat(), Speckled(), keep=0.5, trials=120)


def ahead() -> FeatureSimilarity:
    return FeatureSimilarity(Flat(), Speckled(), score="margin", trials=30)


@pytest.mark.parametrize("make", [Validity, NoOp, leak, nearest, ahead])
def test_ours_pass(make: Callable[[], Gate]) -> None:
    check_gate(make, some_samples())


def test_the_gate_on_duplicates_passes_as_one_whose_verdicts_depend_on_the_batch() -> None:
    check_gate(Duplicate, some_samples(), within_batch=True)
    copies = [Sample(some_samples(1)[0].image.clone(), 0) for _ in range(4)]
    check_gate(Duplicate, some_samples(4), children=copies, within_batch=True)
    with pytest.raises(Violation, match="the reversed order changed verdict 0 of the gate 'duplicate' from True"):
        check_gate(Duplicate, some_samples(4), children=copies)


class Bright(Gate):
    """A sound gate; those below break one rule each."""

    name, cost = "bright", 1.0

    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        means = [float(child.image.float().mean()) / 255 for child in children]
        return [self.verdict(mean, "" if mean > 0.2 else "it is dark") for mean in means]


class Nameless(Bright):
    name = ""


class Costless(Bright):
    cost = float("nan")


class Short(Bright):
    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return super().assess(parents, children)[1:]


class Scores(Bright):
    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return [self.verdict(1.5) for _ in children]


class Silent(Bright):
    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return [Verdict(self.name, 0.5, False) for _ in children]


class ByItself(Bright):
    """Judges without the template, which would refuse its verdicts."""

    def judge(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return self.said(len(children))

    def said(self, number: int) -> list[Verdict]:
        return [self.verdict(1.0)] * number


class SaysFewer(ByItself):
    def said(self, number: int) -> list[Verdict]:
        return [self.verdict(1.0)] * (number - 1)


class SaysMore(ByItself):
    def said(self, number: int) -> list[Verdict]:
        return [self.verdict(1.0)] * max(number, 1)


class SaysScores(ByItself):
    def said(self, number: int) -> list[Verdict]:
        return [self.verdict(float("nan"))] * number


class SaysReasons(ByItself):
    def said(self, number: int) -> list[Verdict]:
        return [Verdict(self.name, 0.5, True, "it is bright")] * number


class SaysThresholds(ByItself):
    def said(self, number: int) -> list[Verdict]:
        return [self.verdict(1.0, threshold=2.0)] * number


class SaysObjects(ByItself):
    def said(self, number: int) -> list[Verdict]:
        return [self.verdict(1.0, details={"image": torch.zeros(1)})] * number


class AmendsByCall(Bright):
    """Amends every annotation with another number at each call."""

    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return [self.verdict(1.0, amended=Sample(child.image, next(CALLS))) for child in children]


class Impostor(Bright):
    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return [Verdict("leak", 0.5, True) for _ in children]


class Edits(Bright):
    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        children[0].image.add_(1)
        return super().assess(parents, children)


class Draws(Bright):
    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return [self.verdict(float(torch.rand(()))) for _ in children]


class ReadsGlobal(Bright):
    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return [self.verdict(int(torch.get_rng_state().sum()) % 97 / 97) for _ in children]


class RemembersAtOnce(Bright):
    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        verdicts = [self.verdict(1.0, "seen" if c.image.numpy().tobytes() in self._seen else "") for c in children]
        self._seen |= {child.image.numpy().tobytes() for child in children}
        return verdicts


class ByPlace(Bright):
    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return [self.verdict(place / len(children)) for place in range(len(children))]


class ByNumber(Bright):
    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return [self.verdict(1 / len(children)) for _ in children]


class Counts(Bright):
    def __init__(self) -> None:
        self.judged = 0

    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        self.judged += len(children)
        return super().assess(parents, children)


class CountsAccepted(Bright):
    def __init__(self) -> None:
        self.accepted = 0

    def remember(self, keys: list[bytes], children: list[Sample]) -> None:
        self.accepted += len(children)


class Locked(Bright):
    def __init__(self) -> None:
        self._lock = threading.Lock()


class Renamed(Bright):
    def __init__(self) -> None:
        self.number = next(CALLS)


class Forgets(Bright):
    def __init__(self) -> None:
        self._limit = 0.2

    def assess(self, parents: list[Sample], children: list[Sample]) -> list[Verdict]:
        return [self.verdict(self._limit) for _ in children]

    def __getstate__(self) -> dict:
        return {"_limit": 0.9}


class PrepareEdits(Bright):
    def prepare(self, train: list[Sample], **_: object) -> None:
        train[2].image.zero_()


class RememberDraws(Bright):
    def remember(self, keys: list[bytes], children: list[Sample]) -> None:
        torch.rand(1)


FAULTY = {
    Nameless: "the name is ''; give the gate a text",
    Costless: "the cost of the gate 'bright' is nan",
    Short: "returned 11 verdicts for 12 children",
    Scores: r"returned the score 1.5; a score must lie in \[0, 1\]",
    Silent: "returned accepted=False with the reason ''",
    SaysFewer: "returned 11 verdicts for 12 children; return one for each",
    SaysMore: r"returned \[Verdict.* for no children; return an empty list",
    SaysScores: "returned the score nan",
    SaysReasons: "returned accepted=True with the reason 'it is bright'",
    SaysThresholds: "returned the threshold 2.0",
    SaysObjects: "give plain values, which are stored",
    AmendsByCall: "judging the same again changed verdict 0",
    Impostor: "a verdict of the gate 'bright' names 'leak'",
    Edits: r"judge changed the sample at place \[12\] that it was handed",
    Draws: "judge changed the state of the global generator of torch",
    ReadsGlobal: "judging the same again changed verdict 0",
    RemembersAtOnce: "judging the same again changed verdict 0 of the gate 'bright' from True",
    ByPlace: "the reversed order changed verdict 0",
    ByNumber: "judging each alone changed verdict 0",
    Counts: "judging changed the fingerprint of the gate 'bright' from",
    CountsAccepted: "remembering changed the fingerprint of the gate 'bright'",
    Locked: "the gate 'bright' cannot be pickled",
    Renamed: "the gate 'bright', pickled before prepare, has the fingerprint",
    Forgets: "a copy, pickled, changed verdict 0",
    PrepareEdits: r"prepare changed the sample at place \[2\]",
    RememberDraws: "remember changed the state of the global generator of torch",
}


def test_the_sound_one_passes() -> None:
    check_gate(Bright, some_samples())


@pytest.mark.parametrize("make", FAULTY)
def test_a_violator_is_caught(make: type[Gate]) -> None:
    with pytest.raises(Violation, match=FAULTY[make]):
        check_gate(make, some_samples())

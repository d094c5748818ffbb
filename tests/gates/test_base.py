import pytest
import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.gates import Duplicate, Gate, Leak, NoOp, Validity, default_gates, judge_all
from genaug_data.sample import Sample, Verdict
from genaug_data.seeding import torch_generator


def noise(count, seed=0, shape=(3, 12, 12)):
    images = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch_generator(seed))
    return [Sample(image, i) for i, image in enumerate(images)]


class Fixed(Gate):
    name, cost = "fixed", 1.0

    def __init__(self, verdicts, name="fixed", cost=1.0):
        self.verdicts, self.name, self.cost = verdicts, name, cost
        self.seen = []

    def assess(self, parents, children):
        self.seen.append([child.target for child in children])
        return [self.verdicts[child.target] for child in children][: len(self.verdicts)]


def test_judge_returns_what_assess_returned_and_verdict_rejects_iff_there_is_a_problem():
    gate = Fixed([])
    good, bad = gate.verdict(0.75), gate.verdict(0.25, "too dull")
    assert good == Verdict("fixed", 0.75, True, "")
    assert bad == Verdict("fixed", 0.25, False, "too dull")
    samples = noise(2)
    assert Fixed([good, bad]).judge(samples, samples) == [good, bad]


def test_no_children_need_no_assessment():
    gate = Fixed([])
    assert gate.judge([], []) == []
    assert gate.seen == []


def test_a_gate_with_the_wrong_number_of_verdicts_is_refused():
    class Forgetful(Gate):
        name, cost = "forgetful", 1.0

        def assess(self, parents, children):
            return [self.verdict(1.0)]

    samples = noise(2)
    with pytest.raises(ConfigError, match="'forgetful' returned 1 verdicts for 2 children; assess must return one"):
        Forgetful().judge(samples, samples)


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_score_outside_of_0_to_1_is_refused(score):
    samples = noise(1)
    with pytest.raises(ConfigError, match=r"'fixed' returned the score .*; a score must lie in \[0, 1\]"):
        Fixed([Verdict("fixed", score, True)]).judge(samples, samples)


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan")])
def test_a_threshold_outside_of_0_to_1_is_refused(threshold):
    samples = noise(1)
    with pytest.raises(ConfigError, match=r"'fixed' returned the threshold .*; a threshold must lie in \[0, 1\]"):
        Fixed([Verdict("fixed", 0.5, True, threshold=threshold)]).judge(samples, samples)


@pytest.mark.parametrize("gate", [Validity(), NoOp(), Duplicate()])
def test_verdicts_carry_the_score_that_was_needed(gate):
    ramp = Sample(torch.arange(64, dtype=torch.uint8).reshape(1, 8, 8) * 4, 0)
    blank, other = Sample(torch.zeros_like(ramp.image), 0), Sample(ramp.image.flip(1), 0)
    verdicts = gate.judge([ramp] * 4, [other, blank, ramp, other])
    assert {verdict.accepted for verdict in verdicts} == {True, False}
    for verdict in verdicts:
        enough = verdict.score >= verdict.threshold if gate.name == "validity" else verdict.score > verdict.threshold
        assert verdict.accepted == enough


@pytest.mark.parametrize(("accepted", "reason"), [(True, "why"), (False, "")])
def test_a_reason_must_be_given_exactly_when_rejecting(accepted, reason):
    samples = noise(1)
    with pytest.raises(ConfigError, match=f"accepted={accepted} with the reason '{reason}'; give a reason exactly"):
        Fixed([Verdict("fixed", 0.5, accepted, reason)]).judge(samples, samples)


@pytest.mark.parametrize("judge", [NoOp().judge, lambda parents, children: judge_all([NoOp()], parents, children)])
def test_bad_pairs_are_refused(judge):
    samples = noise(2)
    with pytest.raises(DataError, match="2 parents came with 1 children; pass one parent for each child"):
        judge(samples, samples[:1])
    smaller = Sample(samples[1].image[:, :6], 0)
    with pytest.raises(DataError, match=r"child 1 has shape \(3, 6, 12\) and its parent \(3, 12, 12\)"):
        judge(samples, [samples[0], smaller])
    with pytest.raises(DataError, match=r"child 0 is torch.float32 of shape \(3, 12, 12\); gates need uint8"):
        judge(samples[:1], [Sample(samples[0].image.float(), 0)])
    with pytest.raises(DataError, match=r"parent 0 is torch.uint8 of shape \(12, 12\); gates need uint8"):
        judge([Sample(samples[0].image[0], 0)], samples[:1])


def test_judge_all_asks_the_cheapest_first_and_only_about_children_still_accepted():
    yes, no = Verdict("cheap", 1.0, True), Verdict("cheap", 0.0, False, "no")
    cheap = Fixed([yes, no, yes], "cheap", cost=1.0)
    late = Verdict("dear", 0.1, False, "late")
    dear = Fixed([late, yes, yes], "dear", cost=2.0)
    samples = noise(3)
    assert judge_all([dear, cheap], samples, samples) == [[yes, late], [no], [yes, yes]]
    assert cheap.seen == [[0, 1, 2]]
    assert dear.seen == [[0, 2]]


def test_judge_all_without_gates_or_survivors():
    samples = noise(2)
    assert judge_all([], samples, samples) == [[], []]
    assert judge_all([NoOp()], [], []) == []
    no = Verdict("cheap", 0.0, False, "no")
    second = Fixed([], "second", cost=2.0)
    assert judge_all([Fixed([no, no]), second], samples, samples) == [[no], [no]]
    assert second.seen == []


def test_gates_need_no_preparation_unless_they_say_so():
    gate = NoOp()
    gate.prepare(noise(1), progress=False, beat=None)
    gate.remember([b"k" * 16], noise(1))
    gate.forget([b"k" * 16])
    assert gate.judge(noise(1), noise(1, seed=1))[0].accepted


def test_default_gates_hold_the_leak_gate_only_with_protected_sets():
    assert [type(gate) for gate in default_gates()] == [Validity, NoOp, Duplicate]
    gates = default_gates([noise(3)])
    assert [type(gate) for gate in gates] == [Validity, NoOp, Duplicate, Leak]
    assert [gate.cost for gate in gates] == sorted(gate.cost for gate in gates)

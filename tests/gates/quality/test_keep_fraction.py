from __future__ import annotations

import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.gates import NoOp
from genaug_data.gates.quality import Agreement, KeepFraction, Share, UnderTraining
from genaug_data.sample import Sample
from genaug_data.testing.parts import Speckled, some_requests, some_samples


def brightness(parent: Sample, child: Sample) -> float:
    return float(child.image.float().mean()) / 255


def test_the_best_share_by_a_callable_is_kept() -> None:
    train = [Sample(torch.full((1, 2, 2), 10 * place, dtype=torch.uint8), 0) for place in range(20)]
    gate = KeepFraction(brightness, Share(0.25))
    gate.prepare(train, progress=False)
    verdicts = gate.judge(train, train)
    assert [verdict.accepted for verdict in verdicts] == [place >= 15 for place in range(20)]
    assert verdicts[3].threshold == pytest.approx(150 / 255)
    assert verdicts[3].reason == "the score is 0.1176, at least 0.5882 is needed"


def test_half_of_the_trial_children_pass_by_the_score_of_another_gate() -> None:
    parents = some_samples(60)
    gate = KeepFraction(NoOp(), Share(0.5, Speckled()))
    assert (gate.name, gate.cost) == ("keep_fraction_of_no_op", NoOp.cost)
    gate.prepare(parents, progress=False)
    children = Speckled().generate(parents, some_requests(*range(60), seed=500))
    verdicts = gate.judge(parents, children)
    inner = NoOp().judge(parents, children)
    assert [verdict.score for verdict in verdicts] == [verdict.score for verdict in inner]
    assert all(verdict.accepted == (verdict.score >= verdict.threshold) for verdict in verdicts)
    assert 20 <= sum(verdict.accepted for verdict in verdicts) <= 40


def test_the_other_gate_takes_note_as_well() -> None:
    noted = []

    class Notes(NoOp):
        def remember(self, keys: list[bytes], children: list[Sample]) -> None:
            noted.append(("remember", keys))

        def forget(self, keys: list[bytes]) -> None:
            noted.append(("forget", keys))

    gate = KeepFraction(Notes())
    gate.remember([b"a"], some_samples(1))
    gate.forget([b"a"])
    assert noted == [("remember", [b"a"]), ("forget", [b"a"])]


def test_what_has_no_threshold_is_refused() -> None:
    with pytest.raises(ConfigError, match="'agreement' judges by the model under training"):
        KeepFraction(Agreement(UnderTraining(torch.nn.Linear(2, 2))))
    assert KeepFraction(Agreement(lambda images: images)).name == "keep_fraction_of_agreement"
    one = some_samples(1)
    with pytest.raises(ConfigError, match="'keep_fraction' is not prepared"):
        KeepFraction(brightness).judge(one, one)
    with pytest.raises(ConfigError, match=r"a score must lie in \[0, 1\], got 2.0; scale what"):
        KeepFraction(lambda parent, child: 2).prepare(one, progress=False)

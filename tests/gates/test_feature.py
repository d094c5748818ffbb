import math
import warnings

import pytest
import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.gates import FeatureSimilarity
from genaug_data.gates.feature import _kept_from
from genaug_data.gates.likeness import Margin, OwnSimilarity
from genaug_data.sample import Recipe, Request, Sample, content_hash
from genaug_data.seeding import derive, torch_generator

RECIPE = Recipe(strength=1.0, guidance_scale=1.0, steps=12)


def flat(images):
    return images.flatten(1).float() - 60


def parents(count=6):
    return [
        Sample(torch.randint(0, 120, (1, 4, 4), dtype=torch.uint8, generator=torch_generator(number)), number % 3)
        for number in range(count)
    ]


class Blurs:
    """Children between their parent and noise; how near decides the seed, and the parent how far they go at all."""

    fingerprint = "blurs"

    def __init__(self):
        self.asked = []

    def generate(self, parents, requests):
        self.asked += requests
        made = []
        for parent, request in zip(parents, requests, strict=True):
            draw = torch_generator(request.seed)
            share = 0.2 + 0.8 * torch.rand((), generator=draw) * (1 + int(parent.image[0, 0, 0]) % 3) / 3
            noise = torch.randint(0, 120, parent.image.shape, generator=draw)
            image = parent.image * (1 - share) + noise * share
            made.append(Sample(image.round().to(torch.uint8), parent.target))
        return made


def prepared(train, **arguments):
    gate = FeatureSimilarity(flat, Blurs(), **arguments)
    gate.prepare(train, progress=False)
    return gate


def children_of(parent, count, first=10_000):
    return Blurs().generate([parent] * count, [Request(0, n, RECIPE, first + n) for n in range(count)])


@pytest.mark.parametrize("score", ["own", "margin"])
@pytest.mark.parametrize("keep", [0.25, 0.6])
def test_the_share_is_kept_of_every_parent(keep, score):
    train = parents()
    gate = prepared(train, keep=keep, score=score, trials=600)
    for parent in train:
        children = children_of(parent, 400)
        accepted = sum(verdict.accepted for verdict in gate.judge([parent] * 400, children))
        # 100 trials a parent: the share that passes is a beta variable; four of its deviations to each side.
        assert abs(accepted / 400 - keep) < 4 * math.sqrt(keep * (1 - keep) * (1 / 100 + 1 / 400))


def test_thresholds_are_those_of_slow_loops():
    train = parents()
    gate = prepared(train, trials=63)
    for parent in train:
        requests = [Request(0, n, RECIPE, derive(0, "trial", content_hash(parent), n)) for n in range(10)]
        scores = sorted(OwnSimilarity(flat)(parent, child) for child in Blurs().generate([parent] * 10, requests))
        assert gate.threshold(parent) == pytest.approx(scores[-2])
    limits = sorted(gate.threshold(parent) for parent in train)
    stranger = Sample(torch.zeros(1, 4, 4, dtype=torch.uint8), 0)
    assert gate.threshold(stranger) == pytest.approx((limits[2] + limits[3]) / 2)


def test_one_threshold_serves_all_where_trials_are_few():
    train = parents(40)
    gate = prepared(train, trials=30, keep=0.5)
    assert len(gate._generator.asked) == 30
    [limit] = {gate.threshold(parent) for parent in train}
    scores = []
    for place in [place * 40 // 30 for place in range(30)]:
        request = Request(place, 0, RECIPE, derive(0, "trial", content_hash(train[place]), 0))
        scores.append(OwnSimilarity(flat)(train[place], *Blurs().generate([train[place]], [request])))
    assert limit == pytest.approx(sorted(scores)[15])


def test_eight_trials_of_each_are_enough_for_a_threshold_of_its_own():
    train = parents()
    for trials, thresholds in ((48, 6), (47, 1)):
        gate = prepared(train, trials=trials)
        assert len({gate.threshold(parent) for parent in train}) == thresholds


@pytest.mark.parametrize(("keep", "trials", "accepted"), [(0.25, 8, 2), (1.0, 8, 8), (1.0, 1, 1)])
def test_of_the_trial_children_themselves_the_share_passes_exactly(keep, trials, accepted):
    [parent] = train = parents(1)
    gate = prepared(train, keep=keep, trials=trials)
    children = Blurs().generate([parent] * trials, gate._generator.asked)
    assert len(children) == trials
    # The threshold is the score of one of them, which reaches it.
    assert sum(verdict.accepted for verdict in gate.judge([parent] * trials, children)) == accepted


def test_a_child_passes_iff_it_reaches_the_threshold():
    train = parents()
    for score, likeness in (("own", OwnSimilarity(flat)), ("margin", Margin(flat, train))):
        gate = prepared(train, score=score, trials=120)
        for parent in train:
            for child in children_of(parent, 10):
                found, [verdict] = likeness(parent, child), gate.judge([parent], [child])
                assert verdict.accepted == (found >= gate.threshold(parent))
                low, high = (-1, 1) if score == "own" else (-2, 2)
                assert verdict.score == pytest.approx((found - low) / (high - low))
                if not verdict.accepted:
                    assert f"{found:.4f}, at least {gate.threshold(parent):.4f} is needed" in verdict.reason


def test_the_fingerprint_covers_what_decides():
    train = parents()
    gates = [
        prepared(train, trials=60),
        prepared(train, trials=60, keep=0.5),
        prepared(train, trials=60, score="margin"),
        prepared(train, trials=60, recipe=Recipe(1.0, 2.0, 12)),
        prepared(train, trials=66),
        prepared(parents(5), trials=60),
        FeatureSimilarity(lambda images: flat(images), Blurs(), trials=60),
    ]
    assert len({gate.fingerprint for gate in gates}) == len(gates)
    assert prepared(train, trials=60).fingerprint == gates[0].fingerprint


def test_what_is_kept_is_the_best_share():
    assert _kept_from([5.0, 1.0, 4.0, 2.0, 3.0, 0.0, 6.0, 7.0], 0.25) == 6.0
    assert _kept_from([5.0, 1.0, 4.0], 0.01) == 5.0
    assert _kept_from([5.0, 1.0, 4.0], 1.0) == 1.0


def test_what_cannot_work_is_refused():
    with pytest.raises(ConfigError, match=r"keep must lie in \(0, 1\], got 0"):
        FeatureSimilarity(flat, Blurs(), keep=0)
    with pytest.raises(ConfigError, match='score must be "own" or "margin", got \'both\''):
        FeatureSimilarity(flat, Blurs(), score="both")
    with pytest.raises(ConfigError, match="trials must be at least 1, got 0"):
        FeatureSimilarity(flat, Blurs(), trials=0)
    with pytest.raises(DataError, match="the training set is empty"):
        prepared([])
    with pytest.raises(ConfigError, match="the feature gate is not prepared"):
        FeatureSimilarity(flat, Blurs()).judge(parents(1), parents(1))


def test_progress_and_beats(capsys):
    beats = []
    FeatureSimilarity(flat, Blurs(), trials=200).prepare(parents(), progress=False, beat=lambda: beats.append(1))
    assert len(beats) == 4
    assert capsys.readouterr().err == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FeatureSimilarity(flat, Blurs(), trials=20).prepare(parents(), progress=True)
    assert "trying variants" in capsys.readouterr().err

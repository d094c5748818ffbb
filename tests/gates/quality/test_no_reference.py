from __future__ import annotations

import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.gates.quality import NoReferenceQuality
from genaug_data.sample import Sample
from tests.gates.quality.nets import mean_of


def plain(value: int) -> Sample:
    return Sample(torch.full((3, 2, 2), value, dtype=torch.uint8), 0)


@pytest.mark.parametrize(
    ("worst", "best", "scores"),
    [(0, 255, [0, 102 / 255, 1]), (255, 0, [1, 153 / 255, 0]), (51, 102, [0, 1, 1]), (200, 100, [1, 0.98, 0])],
)
def test_quality_is_scaled_from_worst_to_best(worst: float, best: float, scores: list[float]) -> None:
    gate = NoReferenceQuality(mean_of, 0.5, worst=worst, best=best)
    children = [plain(value) for value in (0, 102, 255)]
    verdicts = gate.judge(children, children)
    assert [verdict.score for verdict in verdicts] == pytest.approx(scores)
    assert [verdict.accepted for verdict in verdicts] == [score >= 0.5 for score in scores]


def test_by_default_the_lowest_tenth_of_real_images_sets_the_threshold() -> None:
    train = [plain(value) for value in range(0, 100, 5)]
    gate = NoReferenceQuality(mean_of, best=255)
    gate.prepare(train, progress=False)
    assert [verdict.accepted for verdict in gate.judge(train, train)] == [False] * 2 + [True] * 18


def test_what_is_no_quality_is_refused() -> None:
    with pytest.raises(ConfigError, match="worst and best must be two different numbers, got 1 and 1"):
        NoReferenceQuality(mean_of, worst=1, best=1)
    with pytest.raises(ConfigError, match=r"must lie in \[0, 1\], got 40; pass a score, or Share"):
        NoReferenceQuality(mean_of, 40)
    for strange in (torch.zeros(2), torch.tensor(float("nan"))):
        with pytest.raises(ConfigError, match="a quality must be one finite number an image"):
            NoReferenceQuality(lambda images, value=strange: value, 0.5).judge([plain(0)], [plain(0)])

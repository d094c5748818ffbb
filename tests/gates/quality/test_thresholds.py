from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.gates import NoOp
from genaug_data.gates.quality import (
    Agreement,
    ClipScore,
    CropClipScore,
    EnsembleDisagreement,
    KeepFraction,
    NoReferenceQuality,
    PixelLoss,
    RegionConsistency,
    Share,
    UnderTraining,
)
from tests.gates.quality.nets import as_logits, dark_or_bright, mean_of

ROWS = {
    line.split("`")[1]: line
    for line in (Path(__file__).parents[3] / "docs" / "gates.md").read_text().splitlines()
    if line.startswith("| `")
}
MADE = {
    "ClipScore": ClipScore("some/clip", ["cat", "dog"]).threshold,
    "CropClipScore": CropClipScore("some/clip", ["cat", "dog"]).threshold,
    "RegionConsistency": RegionConsistency(dark_or_bright).threshold,
    "EnsembleDisagreement": EnsembleDisagreement([as_logits] * 2).threshold,
    "NoReferenceQuality": NoReferenceQuality(mean_of).threshold,
    "KeepFraction": KeepFraction(NoOp()).threshold,
    "PixelLoss": PixelLoss(dark_or_bright).factor,
}


@pytest.mark.parametrize("name", MADE)
def test_the_documented_default_is_the_one_in_force(name: str) -> None:
    default = ROWS[name].split("|")[4]
    found = MADE[name]
    assert ("best" in default) == isinstance(found, Share)
    assert re.findall(r"[\d.]+", default) == [str(found.keep if isinstance(found, Share) else found)]


def test_the_documented_band_of_agreement_is_the_one_in_force() -> None:
    gate = Agreement(as_logits)
    assert ROWS["Agreement"].split("|")[4].strip() == f"at least {gate.least}, at most {gate.most}"
    assert ROWS.keys() == MADE.keys() | {"Agreement"}


@pytest.mark.parametrize("make", [RegionConsistency, PixelLoss, lambda judge: EnsembleDisagreement([as_logits, judge])])
def test_gates_of_trained_networks_refuse_the_model_under_training(make: Callable) -> None:
    with pytest.raises(ConfigError, match="judges by a trained network, got the model under training"):
        make(UnderTraining(torch.nn.Linear(2, 2)))

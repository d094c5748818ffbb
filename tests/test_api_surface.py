from __future__ import annotations

import subprocess
import sys

import pytest

import genaug_data

PUBLIC = [
    "AutoOff",
    "Budget",
    "ClassicAugment",
    "ClassificationTask",
    "GenaugError",
    "GenaugWarning",
    "GenerativeAugmentDataset",
    "InDomainDiffusion",
    "PerSampleLoss",
    "Ratio",
    "Recipe",
    "RecipePolicy",
    "Request",
    "Sample",
    "SampleGenerator",
    "SampleMeta",
    "SegmentationTask",
    "SiblingDiffusion",
]


def test_the_public_names_are_these_sorted_and_importable() -> None:
    assert genaug_data.__all__ == PUBLIC == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(genaug_data, name).__doc__
        assert name in dir(genaug_data)
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        genaug_data.Nothing


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import genaug_data", ["torch", "diffusers", "transformers", "kornia", "accelerate", "torchvision"]),
        (
            "from genaug_data import GenerativeAugmentDataset, ClassicAugment, SegmentationTask",
            ["diffusers", "transformers", "kornia", "accelerate", "sklearn"],
        ),
        (
            "import genaug_data.metrics",
            ["torchmetrics", "torchvision", "diffusers", "transformers", "sklearn", "scipy"],
        ),
    ],
)
def test_importing_loads_nothing_heavy(statement: str, absent: list[str]) -> None:
    program = f"{statement}; import sys; print([name for name in {absent} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"

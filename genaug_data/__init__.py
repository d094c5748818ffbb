"""Generative data augmentation that can be trusted inside a PyTorch training loop."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genaug_data.auto_off import AutoOff
    from genaug_data.classic import ClassicAugment
    from genaug_data.dataset import GenerativeAugmentDataset
    from genaug_data.errors import GenaugError, GenaugWarning
    from genaug_data.generators import InDomainDiffusion, SampleGenerator, SiblingDiffusion
    from genaug_data.meta import SampleMeta
    from genaug_data.per_sample_loss import PerSampleLoss
    from genaug_data.ratio import Ratio
    from genaug_data.recipes import RecipePolicy
    from genaug_data.sample import Recipe, Request, Sample
    from genaug_data.tasks import ClassificationTask, SegmentationTask
    from genaug_data.workers import Budget

_HOMES = {
    "AutoOff": "auto_off",
    "Budget": "workers",
    "ClassicAugment": "classic",
    "ClassificationTask": "tasks",
    "GenaugError": "errors",
    "GenaugWarning": "errors",
    "GenerativeAugmentDataset": "dataset",
    "InDomainDiffusion": "generators",
    "PerSampleLoss": "per_sample_loss",
    "Ratio": "ratio",
    "Recipe": "sample",
    "RecipePolicy": "recipes",
    "Request": "sample",
    "Sample": "sample",
    "SampleGenerator": "generators",
    "SampleMeta": "meta",
    "SegmentationTask": "tasks",
    "SiblingDiffusion": "generators",
}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from genaug_data.generators.pretrained import DiffusersModel
from genaug_data.generators.pretrained.pipeline import Pipeline


@pytest.fixture
def load(model: Path) -> Callable[[], Any]:
    """What an adapter is handed to load the tiny model; it counts its calls."""

    def loaded() -> Any:
        loaded.calls += 1
        return Pipeline(DiffusersModel(str(model)), "AutoPipelineForImage2Image").load(torch.float32, 0)

    loaded.calls = 0
    return loaded

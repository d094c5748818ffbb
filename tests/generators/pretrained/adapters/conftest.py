from __future__ import annotations

from pathlib import Path

import pytest

from tests.generators.pretrained.adapters.training_set import Loading


@pytest.fixture
def load(model: Path) -> Loading:
    """What an adapter is handed to load the tiny model."""
    return Loading(model)

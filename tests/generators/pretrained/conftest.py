from __future__ import annotations

from pathlib import Path

import pytest

from genaug_data.testing.tiny_models import save_stable_diffusion


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Stable Diffusion on disk, which no test writes to."""
    return save_stable_diffusion(tmp_path_factory.mktemp("model"))

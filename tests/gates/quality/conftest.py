"""A tiny CLIP on disk, and networks whose answers can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genaug_data.testing.tiny_models import save_clip

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip"))

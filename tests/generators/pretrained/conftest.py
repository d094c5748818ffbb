from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from genaug_data.generators.pretrained.base import PretrainedGenerator
from tests.generators.pretrained.families import FAMILIES, opened


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns the folder of a family's tiny model on disk, which no test writes to."""
    return cache(lambda family: FAMILIES[family](tmp_path_factory.mktemp(family)))


@pytest.fixture(scope="session")
def model(folder_of: Callable[[str], Path]) -> Path:
    """A tiny Stable Diffusion on disk, which no test writes to."""
    return folder_of("stable_diffusion")


@pytest.fixture(scope="session")
def member_of(folder_of: Callable[[str], Path]) -> Callable[[str, str], PretrainedGenerator]:
    """Returns a member with the model of a family in memory, which no test changes."""
    return cache(lambda family, member: opened(folder_of(family), member, batch_size=4))

"""What every test shares: one thread, no hub, no warnings."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch

torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list) -> None:
    """Let the tests of faults run one after the other in one process: each looks at what the whole machine holds."""
    for item in items:
        if "tests/faults" in item.nodeid:
            item.add_marker(pytest.mark.xdist_group("faults"))

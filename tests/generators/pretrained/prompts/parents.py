from __future__ import annotations

import torch

from genaug_data.sample import Sample, Target


def parent(target: Target) -> Sample:
    """A parent with that annotation."""
    return Sample(torch.zeros(3, 8, 8, dtype=torch.uint8), target)

from __future__ import annotations

import pytest
import torch

from genaug_data.report.sections.classes import labels_of


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        (4, [4]),
        (torch.tensor([[1, 1], [255, 0]]), [0, 1]),
        ({"boxes": torch.zeros(3, 4), "labels": torch.tensor([2, 2, 5])}, [2, 2, 5]),
        ({"points": torch.zeros(3, 2)}, []),
        ("a dog", []),
        (torch.tensor([0.1, 0.2, 0.7]), [2]),
        (torch.zeros(4, 4), []),
    ],
)
def test_labels_of_any_annotation(target: object, labels: list[int]) -> None:
    assert list(labels_of(target)) == labels

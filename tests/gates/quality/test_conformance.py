"""Every quality gate keeps the contract of a gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.gates import Gate, NoOp
from genaug_data.gates.quality import (
    Agreement,
    ClipIqa,
    ClipScore,
    CropClipScore,
    EnsembleDisagreement,
    KeepFraction,
    NoReferenceQuality,
    PixelLoss,
    RegionConsistency,
    Share,
    UnderTraining,
)
from genaug_data.gates.snapshot import Snapshot
from genaug_data.sample import Sample, Target
from genaug_data.seeding import torch_generator
from genaug_data.testing import check_gate
from genaug_data.testing.parts import Speckled, some_samples


class Net(torch.nn.Module):
    """Three classes from 8x8 grey images, for the image or for each pixel."""

    def __init__(self, seed: int, dense: bool = False) -> None:
        super().__init__()
        shape = (3, 1, 3, 3) if dense else (3, 64)
        self.weight = torch.nn.Parameter(torch.randn(shape, generator=torch_generator(seed)))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scaled = images.float() / 255 - 0.4
        if self.weight.dim() == 4:
            return torch.nn.functional.conv2d(scaled, self.weight, padding=1)
        return scaled.flatten(1) @ self.weight.T


def under_training() -> Agreement:
    model = Net(0)
    judge = UnderTraining(model, lambda images: images)
    judge.learn(Snapshot.of(model.state_dict(), 3))
    return Agreement(judge)


CLASSES: dict[str, Callable[[], Gate]] = {
    "agreement": lambda: Agreement(Net(0)),
    "agreement without a snapshot": lambda: Agreement(UnderTraining(Net(0))),
    "agreement under training": under_training,
    "ensemble": lambda: EnsembleDisagreement([Net(0), Net(1)], Share(0.5)),
    "quality": lambda: NoReferenceQuality(lambda images: images.float().std(), best=128),
    "keep fraction of a gate": lambda: KeepFraction(NoOp(), Share(0.5, Speckled())),
    "keep fraction of a callable": lambda: KeepFraction(lambda parent, child: child.image.float().mean() / 255),
}
MASKS: dict[str, Callable[[], Gate]] = {
    "region": lambda: RegionConsistency(Net(0, dense=True), Share(0.5)),
    "pixel loss": lambda: PixelLoss(Net(0, dense=True)),
    "ensemble": lambda: EnsembleDisagreement([Net(0, dense=True), Net(1, dense=True)]),
}


def with_targets(target: Callable[[int], Target]) -> list[Sample]:
    return [Sample(sample.image, target(place)) for place, sample in enumerate(some_samples())]


@pytest.mark.parametrize("name", CLASSES)
def test_gates_on_class_ids(name: str) -> None:
    check_gate(CLASSES[name], some_samples())


@pytest.mark.parametrize("name", MASKS)
def test_gates_on_masks(name: str) -> None:
    check_gate(MASKS[name], with_targets(lambda place: torch.randint(0, 3, (8, 8), generator=torch_generator(place))))


def test_gates_of_clip(clip_folder: Path) -> None:
    check_gate(lambda: ClipScore(clip_folder, ["cat", "dog", "cow"]), some_samples(6))
    check_gate(lambda: NoReferenceQuality(ClipIqa(clip_folder)), some_samples(6))
    boxes = torch.tensor([[0.0, 0.0, 5.0, 6.0], [3.0, 2.0, 8.0, 8.0]])
    boxed = with_targets(lambda place: {"boxes": boxes, "labels": torch.tensor([place % 2, 2])})
    check_gate(lambda: CropClipScore(clip_folder, ["cat", "dog", "cow"], Share(0.5)), boxed[:6])

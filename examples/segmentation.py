"""CamVid street scenes at 64x48: variants conditional on the mask, and masks that move with their images.

python examples/segmentation.py --data FOLDER     # FOLDER holds camvid/train/{images,masks}, camvid/test/...
python examples/segmentation.py --small           # a minute on two cores: whether it runs, not what it is worth
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import Dataset
from torchvision.transforms.functional import pil_to_tensor

from genaug_data import Budget, ClassicAugment, GenerativeAugmentDataset, InDomainDiffusion, SegmentationTask
from genaug_data.demo.data import find_data
from genaug_data.errors import DataError

CLASSES, UNLABELLED = 11, 11


class CamVid(Dataset):
    """Pairs of (uint8 image (3, 48, 64), int64 mask (48, 64))."""

    def __init__(self, root: Path, limit: int | None = None) -> None:
        self.images = sorted((root / "images").iterdir())[:limit]
        self.masks = sorted((root / "masks").iterdir())[:limit]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image = Image.open(self.images[index]).convert("RGB").resize((64, 48), Image.Resampling.BOX)
        mask = Image.open(self.masks[index]).resize((64, 48), Image.Resampling.NEAREST)
        return pil_to_tensor(image), pil_to_tensor(mask)[0].long()


def network() -> nn.Module:
    """Return a small fully convolutional network."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=2, dilation=2), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=4, dilation=4), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, CLASSES, 1), nn.Upsample(scale_factor=2, mode="bilinear"),
    )  # fmt: skip


def mean_iou(model: nn.Module, test: Dataset) -> float:
    """Return the mean over classes of intersection over union, in percent, ignoring unlabelled pixels."""
    confusion = torch.zeros(CLASSES, CLASSES, dtype=torch.int64)
    model.eval()
    with torch.no_grad():
        for place in range(len(test)):
            image, mask = test[place]
            predicted = model(image[None].float() / 255).argmax(1)[0]
            known = mask != UNLABELLED
            pairs = mask[known] * CLASSES + predicted[known]
            confusion += torch.bincount(pairs, minlength=CLASSES**2).view(CLASSES, CLASSES)
    hit = confusion.diag().float()
    union = confusion.sum(0) + confusion.sum(1) - confusion.diag()
    return 100 * (hit / union.clamp(min=1))[union > 0].mean().item()


def main() -> None:
    """Train, and print the mean IoU and what generation did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--cache", type=Path, default=None, help="kept for the next run; temporary if left out")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--small", action="store_true")
    chosen = parser.parse_args()
    try:
        root = find_data("camvid", chosen.data)
    except DataError as error:
        print(f"skipped: {error}")
        return
    base = CamVid(root / "train", limit=32 if chosen.small else None)
    test = CamVid(root / "test", limit=16 if chosen.small else None)
    epochs = 6 if chosen.small else chosen.epochs
    with tempfile.TemporaryDirectory() as scratch:
        train = GenerativeAugmentDataset(
            base,
            cache=chosen.cache or Path(scratch) / "cache",
            ratio=0.25,
            protected=[test],
            task=SegmentationTask(num_classes=CLASSES, ignore_index=UNLABELLED),
            generator=InDomainDiffusion(max_steps=10 if chosen.small else 1500),
            refresh_every=8,
            # So short a run would be over before the background process has made anything: it waits, and makes little.
            mode="sync" if chosen.small else "async",
            budget=Budget(images=48) if chosen.small else None,
        )
        augment = ClassicAugment(train.task)
        model = network()
        optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
        with train:
            for epoch in range(epochs):
                for images, masks, meta in train.loader(batch_size=16):
                    images, masks = augment(images.float() / 255, masks)
                    logits = model(images)
                    loss = F.cross_entropy(logits, masks, ignore_index=UNLABELLED, reduction="none")
                    train.observe(meta, loss, logits, masks)
                    optimizer.zero_grad()
                    (loss.mean((1, 2)) * meta.weight()).mean().backward()
                    optimizer.step()
                print(f"epoch {epoch}: loss {loss.mean().item():.3f}, {meta}")
            for name, value in train.stats().items():
                print(f"  {name:28} {value}")
        print(f"test mean IoU {mean_iou(model, test):.1f} % on {len(test)} images")


if __name__ == "__main__":
    main()

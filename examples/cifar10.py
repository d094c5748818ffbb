"""CIFAR-10 as an ImageFolder in a plain training loop: select, generate, cache and mix while training goes on.

python examples/cifar10.py --data FOLDER        # FOLDER holds cifar10/train/<class>/*.jpg, cifar10/test/...
python examples/cifar10.py --small              # a minute on two cores: whether it runs, not what it is worth
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Subset
from torchvision.datasets import ImageFolder
from torchvision.transforms.functional import pil_to_tensor

from genaug_data import Budget, ClassicAugment, GenerativeAugmentDataset, InDomainDiffusion
from genaug_data.demo.data import find_data
from genaug_data.errors import DataError


def few_of_each(folder: ImageFolder, count: int) -> Subset:
    """Return the first ``count`` images of every class."""
    places = defaultdict(list)
    for place, label in enumerate(folder.targets):
        if len(places[label]) < count:
            places[label].append(place)
    return Subset(folder, [place for label in sorted(places) for place in places[label]])


def to_float(image):
    """Turn a PIL image into float (3, 32, 32) in [0, 1]."""
    return pil_to_tensor(image).float() / 255


def network() -> nn.Module:
    """Return a small convolutional network for 32x32 RGB images."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, 10))


def main() -> None:
    """Train, and print accuracy and what generation did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--cache", type=Path, default=None, help="kept for the next run; temporary if left out")
    parser.add_argument("--shots", type=int, default=500, help="training images of each class")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--small", action="store_true")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.shots, chosen.epochs = 20, 6
    try:
        root = find_data("cifar10", chosen.data)
    except DataError as error:
        print(f"skipped: {error}")
        return
    base = few_of_each(ImageFolder(root / "train"), chosen.shots)
    test = few_of_each(ImageFolder(root / "test"), 50 if chosen.small else 1000)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as scratch:
        train = GenerativeAugmentDataset(
            base,
            cache=chosen.cache or Path(scratch) / "cache",
            ratio=0.25,
            protected=[test],
            transform=to_float,
            generator=InDomainDiffusion(max_steps=20) if chosen.small else "auto",
            refresh_every=10,
            # So short a run would be over before the background process has made anything: it waits, and makes little.
            mode="sync" if chosen.small else "async",
            budget=Budget(images=48) if chosen.small else None,
        )
        loader = train.loader(batch_size=64, num_workers=chosen.workers, persistent_workers=chosen.workers > 0)
        augment = ClassicAugment(train.task)
        model = network().to(device)
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
        with train:
            for epoch in range(chosen.epochs):
                train.set_epoch(epoch)
                for images, labels, meta in loader:
                    images, labels = augment(images.to(device), labels.to(device))
                    logits = model(images)
                    loss = F.cross_entropy(logits, labels, reduction="none")
                    train.observe(meta, loss, logits, labels)
                    optimizer.zero_grad()
                    (loss * meta.weight(device)).mean().backward()
                    optimizer.step()
                print(f"epoch {epoch}: loss {loss.mean().item():.3f}, {meta}")
            for name, value in train.stats().items():
                print(f"  {name:28} {value}")
        model.eval()
        with torch.no_grad():
            right = [
                (model(to_float(image)[None].to(device)).argmax(1) == label).item()
                for image, label in (test[place] for place in range(len(test)))
            ]
        print(f"test accuracy {100 * sum(right) / len(right):.1f} % on {len(right)} images")


if __name__ == "__main__":
    main()

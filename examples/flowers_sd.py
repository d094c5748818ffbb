"""Few images of each class, and variants of the hard ones by Stable Diffusion: flowers, or any two ImageFolders.

python examples/flowers_sd.py --train flowers/train --test flowers/test --model models/sd-turbo
python examples/flowers_sd.py --small           # a minute on two cores: whether it runs, with a model of noise

The folders hold one folder of images for each class, named as the class is. The model is the folder of a saved pipeline
of diffusers, or the id of one that `hf download` has fetched before. With --fit it learns a word for each class and
low-rank layers from the training images first, and no prompt names a class.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.data import Subset
from torchvision.datasets import ImageFolder
from torchvision.models import resnet18
from torchvision.transforms import v2

from genaug_data import Budget, ClassicAugment, GenerativeAugmentDataset, RecipePolicy
from genaug_data.demo.data import find_data
from genaug_data.errors import DataError
from genaug_data.generators.pretrained import ClassPrompt, DiffusersModel, ImageToImage
from genaug_data.generators.pretrained.adapters import Lora, TextualInversion
from genaug_data.report import draw_families


def few_of_each(folder: ImageFolder, shots: int) -> Subset:
    """Return the first ``shots`` images of every class."""
    seen = [0] * len(folder.classes)
    places = []
    for place, label in enumerate(folder.targets):
        seen[label] += 1
        if seen[label] <= shots:
            places.append(place)
    return Subset(folder, places)


def parse() -> argparse.Namespace:
    """Return what was chosen on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, help="ImageFolder of which the first images are trained on")
    parser.add_argument("--test", type=Path, help="ImageFolder that must never leak")
    parser.add_argument("--model", default="stabilityai/sd-turbo", help="folder or id of a pipeline of diffusers")
    parser.add_argument("--fit", type=int, default=0, metavar="STEPS", help="fit words and layers for so many steps")
    parser.add_argument("--steps", type=int, default=4, help="of denoising, before strength; distilled models need few")
    parser.add_argument("--guidance", type=float, default=1.0, help="2 for models that are not distilled")
    parser.add_argument("--shots", type=int, default=16, help="training images of each class")
    parser.add_argument("--size", type=int, default=512, help="sides to which images are cut")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--cache", type=Path, default=None, help="kept for the next run; temporary if left out")
    parser.add_argument("--picture", type=Path, default=None, help="file for a picture of parents and variants")
    parser.add_argument("--small", action="store_true")
    return parser.parse_args()


def small(chosen: argparse.Namespace, scratch: Path) -> None:
    """Fill in a model of random weights, and a few small photographs."""
    from genaug_data.testing.tiny_models import save_stable_diffusion

    root = find_data("cifar10")
    chosen.train, chosen.test = root / "train", root / "test"
    chosen.model = save_stable_diffusion(scratch / "model")
    chosen.shots, chosen.size, chosen.epochs, chosen.fit = 4, 32, 6, 4


def main() -> None:
    """Train, and print accuracy and what generation did."""
    chosen = parse()
    with tempfile.TemporaryDirectory() as scratch:
        if chosen.small:
            try:
                small(chosen, Path(scratch))
            except DataError as error:
                print(f"skipped: {error}")
                return
        elif chosen.train is None or chosen.test is None:
            raise SystemExit("pass --train and --test, two folders with a folder of images for each class, or --small")
        for name, folder in (("--train", chosen.train), ("--test", chosen.test)):
            if not any(place.is_dir() for place in (folder.iterdir() if folder.is_dir() else ())):
                raise SystemExit(f"{name} must hold a folder of images for each class, found none in {folder}")
        train_on(chosen, chosen.cache or Path(scratch) / "cache")


def generator_of(chosen: argparse.Namespace, names: list[str]) -> ImageToImage:
    """Return the pretrained model, told the names of the classes or, after a fit, words of its own."""
    adapters = []
    prompts = ClassPrompt(names, ["a photo of a {}", "a close-up of a {}"])
    if chosen.fit:
        adapters = [
            TextualInversion(len(names), steps=chosen.fit, size=chosen.size),
            Lora(steps=chosen.fit, size=chosen.size),
        ]
        prompts = ClassPrompt.anonymous(len(names))
    return ImageToImage(DiffusersModel(str(chosen.model), adapters=adapters), prompts=prompts)


def train_on(chosen: argparse.Namespace, cache: Path) -> None:
    """Train a network on the few images and their variants."""
    cut = v2.Compose([v2.Resize(chosen.size), v2.CenterCrop(chosen.size)])
    folder = ImageFolder(chosen.train, transform=cut)
    base, test = few_of_each(folder, chosen.shots), ImageFolder(chosen.test, transform=cut)
    test = few_of_each(test, 20) if chosen.small else test
    device = "cuda" if torch.cuda.is_available() else "cpu"
    names = [name.replace("_", " ") for name in folder.classes]
    train = GenerativeAugmentDataset(
        base,
        cache=cache,
        ratio=0.3,
        protected=[test],
        transform=v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]),
        generator=generator_of(chosen, names),
        recipes=RecipePolicy(strength=(0.3, 0.7), guidance_scale=chosen.guidance, steps=chosen.steps),
        parent_share=0.4,
        refresh_every=2 if chosen.small else 20,
        # So short a run would be over before the background process has made anything: it waits, and makes little.
        mode="sync" if chosen.small else "async",
        budget=Budget(images=24) if chosen.small else None,
    )
    loader = train.loader(batch_size=32, num_workers=2, persistent_workers=True)
    augment = ClassicAugment(train.task)
    model = resnet18(num_classes=len(names)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    with train:
        for epoch in range(chosen.epochs):
            train.set_epoch(epoch)
            model.train()
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
        if chosen.picture is not None:
            print(f"hard parents and their variants: {draw_families(train.families(10), chosen.picture)}")
    print(f"test accuracy {accuracy(model, test, train.transform, device):.1f} % on {len(test)} images")


@torch.no_grad()
def accuracy(model: torch.nn.Module, test, transform, device: str) -> float:
    """Return the share of the test set that is classified rightly, in per cent."""
    model.eval()
    right = [
        (model(transform(image)[None].to(device)).argmax(1) == label).item()
        for image, label in (test[place] for place in range(len(test)))
    ]
    return 100 * sum(right) / len(right)


if __name__ == "__main__":
    main()

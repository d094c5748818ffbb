"""A small classifier, learned on a labelled set, whose features tell how alike two images of the domain are."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from genaug_data.errors import ConfigError, GenaugWarning
from genaug_data.generators.affine import random_affine
from genaug_data.generators.condition import IGNORED_BY_DEFAULT
from genaug_data.generators.examples import Examples, labelled_samples, read_examples
from genaug_data.generators.initialising import initialise
from genaug_data.seeding import derive, torch_generator
from genaug_data.tasks import dataset_probe
from genaug_data.tensor_file import DamagedFile, digest_of, read_tensors, write_tensors

_FORMAT = 1
_WIDTHS = (32, 64, 128, 256)
_SHARPNESS = 16.0
"""Of the softmax over cosines: the classifier sees directions alone, as the gate does (arXiv:1804.07090)."""

_RATE, _DECAY = 3e-3, 1e-2


class FeatureNetwork:
    """Features of a classifier: uint8 images ``(B, C, H, W)`` of any size to float32 ``(B, 256)``.

    Args:
        weights: of the layers before the last, as :func:`fit_features` leaves them.
        image_channels: of the images.

    Attributes:
        fingerprint: name, format and a hash of the weights.
        weights: of the layers.
    """

    def __init__(self, weights: dict[str, torch.Tensor], image_channels: int) -> None:
        self.fingerprint = f"FeatureNetwork/{_FORMAT}/{digest_of(weights)}"
        self.weights = weights
        self._channels = image_channels
        self._layers = feature_layers(image_channels)
        self._layers.load_state_dict(weights)
        self._layers.requires_grad_(False).eval()

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the features of images.

        Raises:
            ConfigError: they have other channels than those that were learned from.
        """
        if images.shape[1] != self._channels:
            raise ConfigError(
                f"the features were learned on images of {self._channels} channel(s), found {images.shape[1]}: "
                "pass images like those"
            )
        return self._layers(images.float() / 255)


def fit_features(
    dataset: Any,
    folder: str | Path,
    *,
    rotations: bool = False,
    bend: float = 1.0,
    steps: int = 1000,
    batch_size: int = 128,
    seed: int = 0,
    progress: bool = True,
    beat: Callable[[], None] | None = None,
) -> FeatureNetwork:
    """Learn to tell the classes of a labelled set apart, once, and return the features; later calls read the file.

    Args:
        dataset: labelled, map-style: what :class:`~genaug_data.SiblingDiffusion` takes as ``transfer_from``.
        folder: where the weights are kept, one file for each combination of settings and set.
        rotations: whether each class also serves turned by 90, 180 and 270 degrees, as three further classes.
        bend: amount of the random affine map of every image.
        steps: optimiser steps.
        batch_size: images a step; every class is equally likely.
        seed: of the weights and every draw.
        progress: whether to show progress bars.
        beat: called at each image read and each step.

    Raises:
        ConfigError: there is a single class.
        DataError: the set is empty, not map-style, or its items are not labelled images.
        GeneratorError: images differ in channels.

    Example:
        >>> import tempfile
        >>> from genaug_data.sample import Sample
        >>> known = [Sample(torch.full((1, 8, 8), 20 * i, dtype=torch.uint8), i // 4) for i in range(8)]
        >>> features = fit_features(known, tempfile.mkdtemp(), steps=2, progress=False)
        >>> features(torch.stack([known[0].image, known[5].image])).shape
        torch.Size([2, 256])
    """
    samples = labelled_samples(dataset)
    settings = {"rotations": rotations, "bend": bend, "steps": steps, "batch_size": batch_size, "seed": seed}
    wanted = {"format": _FORMAT, "settings": settings, "dataset": dataset_probe(samples)}
    name = hashlib.blake2b(json.dumps(wanted, sort_keys=True).encode(), digest_size=8).hexdigest()
    path = Path(folder) / f"features-{name}.safetensors"
    found = _read(path, wanted)
    if found is not None:
        return found
    heard = beat or (lambda: None)
    examples = read_examples(samples, ignore_index=IGNORED_BY_DEFAULT, progress=progress, beat=heard)
    weights = _Course(examples, rotations=rotations, bend=bend, seed=seed).run(steps, batch_size, progress, heard)
    write_tensors(path, weights, {**wanted, "image_channels": examples.image_channels})
    return FeatureNetwork(weights, examples.image_channels)


class _Course:
    """The training of the classifier, every draw of a step a function of ``(seed, step)``."""

    def __init__(self, examples: Examples, *, rotations: bool, bend: float, seed: int) -> None:
        if len(set(examples.labels)) < 2:
            raise ConfigError(
                f"features are learned by telling classes apart, but all {len(examples.labels)} examples are of one: "
                "pass a set with more classes"
            )
        families: dict[int, list[int]] = {}
        for index, label in enumerate(examples.labels):
            families.setdefault(label, []).append(index)
        self._families = [families[label] for label in sorted(families)]
        self._examples, self._bend, self._seed = examples, bend, seed
        self._turns = 4 if rotations else 1
        self._layers = feature_layers(examples.image_channels)
        with torch.device("meta"):
            head = nn.Linear(_WIDTHS[-1], len(self._families) * self._turns, bias=False)
        self._head = head.to_empty(device="cpu")

    def run(self, steps: int, batch_size: int, progress: bool, beat: Callable[[], None]) -> dict[str, torch.Tensor]:
        draw = torch_generator(derive(self._seed, "weights"))
        parts = nn.ModuleList([self._layers, self._head])
        for module in parts.modules():
            initialise(module, draw)
        optimizer = torch.optim.AdamW(parts.parameters(), _RATE, weight_decay=_DECAY)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
        with tqdm(total=steps, desc="learning features", unit="step", disable=not progress) as bar:
            for step in range(steps):
                draw = torch_generator(derive(self._seed, "step", step))
                images, classes = self._draw(batch_size, draw)
                features = functional.normalize(self._layers(images), dim=1)
                cosines = features @ functional.normalize(self._head.weight, dim=1).T
                loss = functional.cross_entropy(_SHARPNESS * cosines, classes)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                bar.update()
                beat()
            bar.set_postfix(loss=f"{loss.item():.3f}")
        return {name: value.detach().clone() for name, value in self._layers.state_dict().items()}

    def _draw(self, count: int, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        classes = torch.randint(len(self._families) * self._turns, (count,), generator=draw)
        members = torch.rand(count, generator=draw, dtype=torch.float64).tolist()
        families = [self._families[kind // self._turns] for kind in classes.tolist()]
        chosen = [family[int(member * len(family))] for family, member in zip(families, members, strict=True)]
        side = max(self._examples.size)
        # Padded to a square where they are turned, so that all keep one size.
        images, _ = self._examples.batch(chosen, (side, side) if self._turns > 1 else self._examples.size)
        images = images.float() / 255
        for turn in range(1, self._turns):
            turned = classes % self._turns == turn
            images[turned] = torch.rot90(images[turned], turn, (2, 3))
        images = random_affine(images, draw, self._bend) if self._bend else images
        return images.contiguous(memory_format=torch.channels_last), classes


def feature_layers(image_channels: int) -> nn.Sequential:
    """Return the layers of a :class:`FeatureNetwork`, whose values are still to be set: load its ``weights``."""
    layers: list[nn.Module] = []
    inputs = image_channels
    # On the meta device, as torch's own initialisation draws from the global generator.
    with torch.device("meta"):
        for width in _WIDTHS:
            pool = nn.MaxPool2d(2, ceil_mode=True)
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), pool]
            inputs = width
    return nn.Sequential(*layers[:-1], nn.AdaptiveAvgPool2d(1), nn.Flatten()).to_empty(device="cpu")


def _read(path: Path, wanted: dict[str, Any]) -> FeatureNetwork | None:
    try:
        stored = read_tensors(path)
        if stored is None:
            return None
        weights, description = stored
        channels = description.pop("image_channels", None)
        if description != wanted:
            raise DamagedFile(f"{path}: it tells of another set or other settings")
        return FeatureNetwork(weights, channels)
    except (DamagedFile, RuntimeError, TypeError) as error:
        warnings.warn(f"learned features are damaged and are learned anew ({error})", GenaugWarning, stacklevel=3)
        return None

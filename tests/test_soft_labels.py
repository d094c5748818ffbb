"""Runs whose labels are vectors of probabilities, from the user's dataset to the batch and back into selection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from genaug_data.cache import CacheReader
from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import CacheError, DataError, WorkerError
from genaug_data.gates import FeatureSimilarity
from genaug_data.generators import InDomainDiffusion
from genaug_data.generators.pretrained import ClassPrompt, InterClass
from genaug_data.hardness import ClassBalanced, Uniform
from genaug_data.per_sample_loss import PerSampleLoss
from genaug_data.recipes import RecipePolicy
from genaug_data.report import draw_families
from genaug_data.sample import Request, Sample
from genaug_data.tasks import ClassificationTask
from genaug_data.testing.tiny_models import save_stable_diffusion
from tests.toys import noisy, toy_base

# Toys have few examples.
pytestmark = pytest.mark.filterwarnings("ignore:the prompts name classes")

Vectors = list[tuple[torch.Tensor, torch.Tensor]]
HALF = {"strength": (0.25, 0.25), "steps": 4, "guidance_scale": 1.0}


@dataclass
class Halves:
    """Noise on the image, and half of the label for the next class."""

    fingerprint: str = "halves"

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        return [
            Sample(noisy(parent, request).image, (parent.target + parent.target.roll(1)) / 2)
            for parent, request in zip(parents, requests, strict=True)
        ]


def vectors(count: int = 12) -> Vectors:
    """Return pairs whose label has 0.75 for the class of its place, and the rest for the one before."""
    rows = torch.tensor([[0.75, 0.0, 0.25], [0.25, 0.75, 0.0], [0.0, 0.25, 0.75]])
    return [(image, rows[label]) for image, label in toy_base(count)]


def wrapped(base: Any, folder: Path, generator: Any, **settings: Any) -> GenerativeAugmentDataset:
    settings = {
        "gates": [],
        "policy": "uniform",
        "refresh_every": 1,
        "recipes": RecipePolicy(**HALF),
        "ratio": 0.5,
    } | settings
    return GenerativeAugmentDataset(
        base, cache=folder, generator=generator, worker="inline", mode="sync", progress=False, **settings
    )


def test_a_dataset_of_vectors_trains_with_mixed_labels(tmp_path: Path) -> None:
    base = vectors()
    train = wrapped(base, tmp_path / "cache", Halves(), policy=ClassBalanced(Uniform()))
    with train:
        train.warmup(1)
        shown = 0
        for images, labels, meta in train.loader(batch_size=4):
            assert (labels.dtype, labels.shape) == (torch.float32, (4, 3))
            for row, index in enumerate(meta.index.tolist()):
                own = base[index][1]
                expected = (own + own.roll(1)) / 2 if meta.synthetic[row] else own
                assert labels[row].tolist() == pytest.approx(expected.tolist())
            shown += int(meta.synthetic.sum())
            logits = images.flatten(1).float()[:, :3] / 50
            train.observe(meta, functional.cross_entropy(logits, labels, reduction="none"), logits, labels)
        assert shown == 6
        with train._own().loop.books() as loop:
            table = loop.feedback.table
            seen = table.observations > 0
            assert table.label[seen].tolist() == [index % 3 for index in range(12) if seen[index]]
            assert (table.probability_sum[seen] > 0).all()
        key = next(iter(train._own().catalogue.items()))[0]
        assert train.remake(key).is_equal
        draw_families(train.families(3), tmp_path / "families.png")
    with CacheReader(tmp_path / "cache") as reader:
        for entry in reader.entries():
            stored = reader.gather([entry.key])[0]
            assert stored.target.dtype == torch.float32
            assert sorted(stored.target.tolist()) == [0.125, 0.375, 0.5]


def test_class_ids_become_vectors_where_labels_are_to_be_mixed(tmp_path: Path) -> None:
    base = toy_base(12)
    soft = ClassificationTask(num_classes=3, soft_labels=True)
    train = wrapped(base, tmp_path / "cache", Halves(), task=soft, refresh_every=10)
    with train:
        assert train[4][1].tolist() == [0.0, 1.0, 0.0]
        assert train.task.to_sample(base[4]).target.tolist() == [0.0, 1.0, 0.0]
        train.warmup(1)
        criterion = PerSampleLoss(nn.CrossEntropyLoss(), train)
        for images, labels, meta in train.loader(batch_size=4, num_workers=1):
            for row, index in enumerate(meta.index.tolist()):
                own = functional.one_hot(torch.tensor(index % 3), 3).float()
                expected = (own + own.roll(1)) / 2 if meta.synthetic[row] else own
                assert labels[row].equal(expected)
            logits = images.flatten(1).float()[:, :3] / 50
            plain = functional.cross_entropy(logits, labels, reduction="none")
            assert criterion(logits, labels, meta).item() == pytest.approx(plain.mean().item(), rel=1e-5)
        assert train.stats()["feedback rows"] == 12


def test_mixed_rows_are_no_soft_labels_of_a_task_of_class_ids(tmp_path: Path) -> None:
    train = wrapped(toy_base(4), tmp_path / "cache", Halves(), ratio=0)
    *_, meta = next(iter(train.loader(batch_size=4)))
    soft = torch.full((4, 3), 1 / 3)
    with pytest.raises(DataError, match=r"logits must be \(B, classes, ...\) and target \(B, ...\)"):
        train.observe(meta, torch.ones(4), torch.zeros(4, 3), soft)
    train.close()


def test_what_is_no_soft_label_is_not_cached(tmp_path: Path) -> None:
    class Doubles(Halves):
        def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
            return [Sample(one.image, 2 * one.target) for one in super().generate(parents, requests)]

    train = wrapped(vectors(4), tmp_path / "cache", Doubles())
    with train, pytest.warns(match="must hold probabilities, none below 0 and of sum 1"):
        assert train.warmup(1)["failed"] == 4


def test_another_kind_of_label_is_another_training_set(tmp_path: Path) -> None:
    soft = ClassificationTask(num_classes=3, soft_labels=True)
    with wrapped(toy_base(4), tmp_path / "cache", Halves(), task=soft) as train:
        train.warmup(1)
    with pytest.raises(CacheError, match="belongs to"):
        wrapped(toy_base(4), tmp_path / "cache", Halves())


def test_the_feature_gate_and_a_learned_generator_take_the_most_probable_class(tmp_path: Path) -> None:
    base = vectors(9)
    generator = InDomainDiffusion(max_steps=2, channels=(16, 32))
    gate = FeatureSimilarity(lambda images: images.flatten(1).float(), generator, keep=1.0, score="margin", trials=9)
    train = wrapped(base, tmp_path / "cache", generator, gates=[gate])
    with train:
        train.warmup(1)
        found = train._own().catalogue.items()
        assert found
        for key, parent, _ in found:
            [stored] = train._own().reader.gather([key])
            assert stored.target.equal(base[parent][1])


def test_a_tiny_stable_diffusion_mixes_two_classes(tmp_path: Path) -> None:
    model = save_stable_diffusion(tmp_path / "model")
    generator = InterClass(str(model), prompts=ClassPrompt(["cat", "dog", "cow"]), gamma=0.5, device="cpu")
    base = toy_base(6, size=16, channels=3)
    soft = ClassificationTask(num_classes=3, soft_labels=True)
    train = wrapped(base, tmp_path / "cache", generator, task=soft)
    with train:
        train.warmup(1)
        mixed = 0
        for _, labels, meta in train.loader(batch_size=3):
            for row, index in enumerate(meta.index.tolist()):
                assert labels[row].sum().item() == pytest.approx(1)
                if meta.synthetic[row]:
                    # 1 - 0.25 ** 0.5 of its own class, the rest of one other.
                    assert sorted(labels[row].tolist()) == pytest.approx([0.0, 0.5, 0.5])
                    assert labels[row, index % 3].item() == pytest.approx(0.5)
                    mixed += 1
                else:
                    assert labels[row].tolist() == [float(number == index % 3) for number in range(3)]
        assert mixed == 3


def test_more_names_than_classes_end_generation_at_its_start(tmp_path: Path) -> None:
    model = save_stable_diffusion(tmp_path / "model")
    generator = InterClass(str(model), prompts=ClassPrompt(["cat", "dog", "cow", "pig"]), device="cpu")
    base = toy_base(6, size=16, channels=3)
    train = wrapped(base, tmp_path / "cache", generator, task=ClassificationTask(num_classes=3))
    with train, pytest.raises(WorkerError, match="got 4 names in ClassPrompt for 3 classes; name these alone"):
        train.warmup(1)
    assert train.stats()["images made"] == 0

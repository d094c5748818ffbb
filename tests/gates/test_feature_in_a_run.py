from __future__ import annotations

from pathlib import Path

import cloudpickle
import torch

from genaug_data import GenerativeAugmentDataset, RecipePolicy, Sample, SiblingDiffusion
from genaug_data.gates import FeatureSimilarity, fit_features
from genaug_data.seeding import torch_generator

KNOWN = [
    Sample(torch.randint(0, 256, (1, 8, 8), dtype=torch.uint8, generator=torch_generator(place)), place % 4)
    for place in range(16)
]
BASE = [(255 - sample.image, place) for place, sample in enumerate(KNOWN[:6])]


def wrapped(folder: Path, **arguments: object) -> GenerativeAugmentDataset:
    generator = SiblingDiffusion(transfer_from=KNOWN, max_steps=3, batch_size=4, channels=(8, 8), device="cpu")
    features = fit_features(KNOWN, folder, steps=2, batch_size=8, progress=False)
    recipes = RecipePolicy(strength=(1.0, 1.0), guidance_scale=1.0, steps=3)
    gate = FeatureSimilarity(
        features, generator, keep=0.5, trials=60, recipe=recipes.recipe(0.5, seed=0, parent=0, variant=0)
    )
    return GenerativeAugmentDataset(
        BASE,
        cache=folder / "cache",
        ratio=0.25,
        generator=generator,
        gates=[gate],
        recipes=recipes,
        mode="sync",
        max_children=2,
        refresh_every=2,
        progress=False,
        **arguments,
    )


def test_a_copy_of_the_job_has_one_generator(tmp_path: Path) -> None:
    train = wrapped(tmp_path, worker="inline")
    job = cloudpickle.loads(cloudpickle.dumps(train._parts.job))
    assert job.gates[0]._generator is job.generator
    train.close()


def test_classes_with_a_single_example_get_the_variants_that_the_gate_lets_through(tmp_path: Path) -> None:
    with wrapped(tmp_path, worker="inline") as train:
        counts = train.warmup(variants=8)
        stats = train.stats()
    assert counts["accepted"] + counts["rejected by feature_similarity"] == 48, (counts, stats)
    assert 12 <= counts["accepted"] <= 36

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import ClassPrompt, DiffusersModel, FixedPrompt, ImageToImage
from genaug_data.meta import SampleMeta
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator
from genaug_data.testing.tiny_models import save_stable_diffusion

RECIPE = Recipe(strength=0.5, guidance_scale=2.0, steps=4)


def samples(count: int, shape: tuple[int, ...] = (3, 32, 32)) -> list[Sample]:
    draw = torch_generator(3)
    return [
        Sample(torch.randint(0, 255, shape, dtype=torch.uint8, generator=draw), number % 2) for number in range(count)
    ]


def requests(count: int, recipe: Recipe = RECIPE) -> list[Request]:
    return [Request(number, 0, recipe, seed=100 + number) for number in range(count)]


def test_a_variant_does_not_depend_on_its_batch(model: Path) -> None:
    generator = ImageToImage(str(model), batch_size=16, device="cpu")
    parents, orders = samples(16), requests(16)
    together = generator.generate(parents, orders)
    for number in (0, 7, 15):
        alone = generator.generate([parents[number]], [orders[number]])[0]
        # 1e-4 of the range of values is a fortieth of a pixel's step.
        assert (alone.image.int() - together[number].image.int()).abs().max() <= 1
    backwards = generator.generate(parents[::-1], orders[::-1])[::-1]
    assert max(int((a.image.int() - b.image.int()).abs().max()) for a, b in zip(together, backwards, strict=True)) <= 1
    assert all((made.image != parent.image).any() for made, parent in zip(together, parents, strict=True))
    assert [made.target for made in together] == [parent.target for parent in parents]


@pytest.mark.parametrize("shape", [(3, 31, 45), (1, 32, 32), (4, 20, 33), (3, 8, 8)])
def test_any_size_and_number_of_channels_comes_back_as_it_was(model: Path, shape: tuple[int, ...]) -> None:
    generator = ImageToImage(str(model), device="cpu")
    parents = samples(2, shape)
    for parent, made in zip(parents, generator.generate(parents, requests(2)), strict=True):
        assert made.image.shape == parent.image.shape
        assert made.image.dtype == torch.uint8
        if shape[0] == 4:
            assert made.image[3].equal(parent.image[3])


def test_a_weak_edit_is_nearer_to_the_parent_than_a_strong_one(model: Path) -> None:
    generator = ImageToImage(str(model), device="cpu")
    parents = samples(4)
    weak, strong = (
        generator.generate(parents, requests(4, Recipe(strength=strength, guidance_scale=1.0, steps=10)))
        for strength in (0.1, 1.0)
    )
    # The tiny autoencoder is no identity, so that they are compared with what it makes of a parent.
    kept = generator.generate(parents, requests(4, Recipe(strength=0.001, guidance_scale=1.0, steps=1000)))
    far = [
        sum(
            float((made.image.float() - same.image.float()).pow(2).mean())
            for made, same in zip(edit, kept, strict=True)
        )
        for edit in (weak, strong)
    ]
    assert far[0] < far[1]


def test_seed_prompt_and_model_make_a_difference(model: Path, tmp_path: Path) -> None:
    parents, plain = samples(1), ImageToImage(str(model), device="cpu")
    other = save_stable_diffusion(tmp_path / "other", seed=1)
    named = ImageToImage(str(model), prompts=ClassPrompt(["cat", "dog"]), device="cpu")
    images = [
        plain.generate(parents, requests(1))[0].image,
        plain.generate(parents, [Request(0, 0, RECIPE, seed=7)])[0].image,
        named.generate(parents, requests(1))[0].image,
        ImageToImage(str(other), device="cpu").generate(parents, requests(1))[0].image,
    ]
    assert len({image.numpy().tobytes() for image in images}) == 4
    names = [plain.fingerprint, named.fingerprint, ImageToImage(str(other)).fingerprint]
    assert len(set(names)) == 3
    assert ImageToImage(str(model), prompts=FixedPrompt()).fingerprint == plain.fingerprint


def test_what_is_pickled_is_the_name_alone(model: Path) -> None:
    generator = ImageToImage(str(model), device="cpu")
    before = generator.generate(samples(1), requests(1))[0].image
    content = pickle.dumps(generator)
    assert len(content) < 2000
    assert pickle.loads(content).generate(samples(1), requests(1))[0].image.equal(before)


def test_it_makes_the_variants_of_a_run_in_a_process_of_its_own(model: Path, tmp_path: Path) -> None:
    base = [(sample.image, sample.target) for sample in samples(8, (3, 16, 16))]
    train = GenerativeAugmentDataset(
        base,
        cache=tmp_path / "cache",
        ratio=0.5,
        generator=ImageToImage(str(model)),
        gates=[],
        mode="sync",
        policy="uniform",
        parent_share=1.0,
        refresh_every=2,
        progress=False,
    )
    assert sum(int(meta.synthetic.sum()) for meta in metas_of(train)) > 0


def metas_of(train: GenerativeAugmentDataset) -> list[SampleMeta]:
    metas = []
    with train:
        for epoch in range(6):
            train.set_epoch(epoch)
            for images, labels, meta in train.loader(batch_size=4):
                train.observe(meta, torch.ones(len(images)), torch.zeros(len(images), 2), labels)
                metas.append(meta)
    return metas


@pytest.mark.parametrize(
    ("recipe", "shape", "sentence"),
    [
        (Recipe(strength=0.1, guidance_scale=1.0, steps=4), (3, 16, 16), "strength \\* steps must be at least 1"),
        (RECIPE, (2, 16, 16), "1, 3 or 4 channels, got 2"),
    ],
)
def test_what_cannot_be_made_is_said(model: Path, recipe: Recipe, shape: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(GeneratorError, match=sentence):
        ImageToImage(str(model), device="cpu").generate(samples(1, shape), requests(1, recipe))


def test_a_class_without_a_name_is_said(model: Path) -> None:
    generator = ImageToImage(str(model), prompts=ClassPrompt(["cat"]), device="cpu")
    with pytest.raises(GeneratorError, match="no id of the 1 classes"):
        generator.generate(samples(2), requests(2))


def test_a_text_in_the_place_of_a_policy_is_refused() -> None:
    with pytest.raises(ConfigError, match='pass FixedPrompt\\("a cat"\\)'):
        ImageToImage("model", prompts="a cat")


def test_a_dtype_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="dtype must be"):
        DiffusersModel("model", dtype="int8")

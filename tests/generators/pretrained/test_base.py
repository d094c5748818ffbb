from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.generators.base import Refusal
from genaug_data.generators.pretrained import DiffusersModel, FixedPrompt, ImageToImage, TextToImage
from genaug_data.generators.pretrained.pipeline import Pipeline
from genaug_data.sample import Request, Sample
from genaug_data.seeding import derive
from genaug_data.testing.tiny_models import save_stable_diffusion
from tests.generators.pretrained.families import MEMBERS, furthest, opened, requests, samples

Folders = Callable[[str], Path]
Calls = list[tuple[int, bool]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """For each call of a pipeline, how many images it was to make, and whether with float32 weights."""
    found: Calls = []
    call = Pipeline.call

    def counting(self: Pipeline, device: torch.device, order: Any, **settings: Any) -> Any:
        found.append((len(order.seeds), settings["full_precision"]))
        return call(self, device, order, **settings)

    monkeypatch.setattr(Pipeline, "call", counting)
    return found


def reasons(answers: Sequence[Sample]) -> list[str | None]:
    """Return why each was refused; None for a variant."""
    return [answer.reason if isinstance(answer, Refusal) else None for answer in answers]


# What a safety checker flags.


def cosines(folder: Path, images: Sequence[torch.Tensor]) -> list[float]:
    """Return what the safety checker of a model compares with its threshold."""
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from torchvision.transforms.functional import to_pil_image
    from transformers import CLIPImageProcessor

    checker = StableDiffusionSafetyChecker.from_pretrained(folder / "safety_checker", local_files_only=True)
    processor = CLIPImageProcessor.from_pretrained(folder / "feature_extractor", local_files_only=True)
    seen = processor([to_pil_image(image) for image in images], return_tensors="pt").pixel_values
    with torch.no_grad():
        embedded = checker.visual_projection(checker.vision_model(seen)[1])
    return torch.cosine_similarity(embedded, checker.concept_embeds[:1]).tolist()


@pytest.fixture(scope="session")
def all_flagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_diffusion(tmp_path_factory.mktemp("flagged"), flagged_above=-2.0)


@pytest.fixture(scope="session")
def some_flagged(model: Path, all_flagged: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A model whose safety checker flags about half of the images, and its threshold."""
    made = opened(model, "text").generate(samples(8), requests(8))
    found = sorted(cosines(all_flagged, [sample.image for sample in made]))
    threshold = (found[3] + found[4]) / 2
    assert found[4] - found[3] > 0.01, "the threshold would be too near to an image"
    return save_stable_diffusion(tmp_path_factory.mktemp("some"), flagged_above=threshold), threshold


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("member", MEMBERS)
def test_an_image_that_is_flagged_in_all_attempts_is_refused(
    all_flagged: Path, calls: Calls, attempts: int, member: str
) -> None:
    generator = opened(all_flagged, member, max_attempts=attempts)
    parents = samples(3, member=member)
    answers = generator.generate(parents, requests(3))
    assert reasons(answers) == [f"the safety checker of the model flagged it in {attempts} attempts"] * 3
    # What stands in its place is the parent itself, and nothing that was flagged.
    assert furthest(answers, parents) == 0
    assert calls == [(3, False)] * attempts


def test_a_safety_checker_that_flags_nothing_changes_nothing(model: Path, tmp_path: Path, calls: Calls) -> None:
    folder = save_stable_diffusion(tmp_path / "model", flagged_above=2.0)
    checked = opened(folder).generate(samples(3), requests(3))
    assert calls == [(3, False)]
    assert furthest(checked, opened(model).generate(samples(3), requests(3))) == 0


def test_only_what_is_flagged_is_made_again_from_another_seed(
    model: Path, some_flagged: tuple[Path, float], calls: Calls
) -> None:
    folder, threshold = some_flagged
    parents, orders = samples(8), requests(8)
    answers = opened(folder, "text", max_attempts=3).generate(parents, orders)
    counts = [count for count, _ in calls]
    expected, attempts = plainly(model, folder, threshold, parents, orders, max_attempts=3)
    assert counts == [sum(tried > attempt for tried in attempts) for attempt in range(max(attempts))]
    assert counts[:2] == [8, 4]
    for answer, image in zip(answers, expected, strict=True):
        if image is None:
            assert isinstance(answer, Refusal)
        else:
            assert furthest([answer], [image]) <= 1
            assert answer.image.any()


def plainly(
    model: Path, folder: Path, threshold: float, parents: list[Sample], orders: list[Request], *, max_attempts: int
) -> tuple[list[Sample | None], list[int]]:
    """Return what passes the checker, of images that were made one by one without it, and in how many attempts."""
    unchecked = opened(model, "text")
    found: list[Sample | None] = []
    tries = []
    for parent, order in zip(parents, orders, strict=True):
        passed = None
        for attempt in range(max_attempts):
            seed = derive(order.seed, "attempt", attempt) if attempt else order.seed
            [made] = unchecked.generate([parent], [replace(order, seed=seed)])
            [cosine] = cosines(folder, [made.image])
            if round(cosine - threshold, 3) <= 0:
                passed = made
                break
        found.append(passed)
        tries.append(attempt + 1)
    return found, tries


def test_what_is_flagged_does_not_depend_on_the_batch(some_flagged: tuple[Path, float]) -> None:
    generator = opened(some_flagged[0], "text", max_attempts=2)
    parents, orders = samples(8), requests(8)
    together = generator.generate(parents, orders)
    backwards = generator.generate(parents[::-1], orders[::-1])[::-1]
    alone = [generator.generate([parent], [order])[0] for parent, order in zip(parents, orders, strict=True)]
    for answer, *others in zip(together, backwards, alone, strict=True):
        for other in others:
            assert type(answer) is type(other)
            assert isinstance(answer, Refusal) or furthest([answer], [other]) <= 1


@pytest.mark.parametrize("attempts", [0, -1])
def test_less_than_one_attempt_is_refused(attempts: int) -> None:
    with pytest.raises(ConfigError, match=f"max_attempts must be at least 1, got {attempts}"):
        ImageToImage("model", max_attempts=attempts)


# What is NaN.


def harm(monkeypatch: pytest.MonkeyPatch, *, types: Sequence[torch.dtype]) -> None:
    """Let the autoencoder decode one image to NaN with weights of these types: the second, or one that is alone."""
    from diffusers import AutoencoderKL

    decode = AutoencoderKL.decode

    def harmed(self: Any, latents: torch.Tensor, *args: Any, **settings: Any) -> Any:
        found = decode(self, latents, *args, **settings)
        if self.dtype in types:
            found[0][min(1, len(latents) - 1)] = torch.nan
        return found

    monkeypatch.setattr(AutoencoderKL, "decode", harmed)


def in_half(folder: Path, member: type = TextToImage, **settings: Any) -> Any:
    model = DiffusersModel(str(folder), **{"dtype": "bfloat16", **settings})
    return member(model, prompts=FixedPrompt("a cat", negative="blurred"), device="cpu")


def types_of(generator: Any) -> list[torch.dtype]:
    loaded = generator._pipeline._loaded
    parts = [*loaded._pipeline.components.values(), *loaded.words._encoders.values()]
    return [weight.dtype for part in parts if isinstance(part, torch.nn.Module) for weight in part.parameters()]


@pytest.mark.parametrize("family", ["stable_diffusion", "stable_diffusion_xl", "stable_diffusion_3", "flux"])
@pytest.mark.parametrize("member", [TextToImage, ImageToImage])
def test_what_is_nan_in_half_precision_is_made_again_in_float32(
    folder_of: Folders, monkeypatch: pytest.MonkeyPatch, calls: Calls, family: str, member: type
) -> None:
    generator, parents, orders = in_half(folder_of(family), member), samples(3), requests(3)
    sound = generator.generate(parents, orders)
    before = types_of(generator)
    assert torch.bfloat16 in before
    calls.clear()
    with monkeypatch.context() as patch:
        harm(patch, types=[torch.bfloat16])
        answers = generator.generate(parents, orders)
    assert calls == [(3, False), (1, True)]
    assert furthest([answers[0], answers[2]], [sound[0], sound[2]]) == 0
    assert furthest([answers[1]], [widened(generator).generate(parents[1:2], orders[1:2])[0]]) <= 1
    assert types_of(generator) == before
    assert furthest(generator.generate(parents, orders), sound) == 0


def widened(generator: Any) -> Any:
    """Return a generator with the same rounded weights that does all in float32."""
    other = copy.deepcopy(generator)
    other._model = replace(other._model, dtype="float32")
    other._pipeline = Pipeline(other._model, other.kind)
    load = other._pipeline.load

    def rounded(dtype: torch.dtype, adapters: int) -> Any:
        pipeline = load(torch.bfloat16, adapters)
        for part in pipeline.components.values():
            if isinstance(part, torch.nn.Module):
                part.float()
        return pipeline

    other._pipeline.load = rounded
    return other


def test_what_stays_nan_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    generator, parents, orders = in_half(model), samples(3), requests(3)
    sound = generator.generate(parents, orders)
    calls.clear()
    harm(monkeypatch, types=[torch.bfloat16, torch.float32])
    answers = generator.generate(parents, orders)
    assert calls == [(3, False), (1, True)]
    assert reasons(answers) == [None, "the image is NaN or infinite, in float32 as well", None]
    assert furthest([answers[0], answers[2]], [sound[0], sound[2]]) == 0
    assert set(types_of(generator)) == {torch.bfloat16}


def test_what_is_nan_in_float32_is_not_made_twice(model: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    harm(monkeypatch, types=[torch.float32])
    answers = in_half(model, dtype="float32").generate(samples(3), requests(3))
    assert calls == [(3, False)]
    assert [reason is not None for reason in reasons(answers)] == [False, True, False]


# The image processor of the checker makes whole numbers of NaN.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_what_is_nan_at_first_is_made_again_beside_a_safety_checker(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    folder = save_stable_diffusion(tmp_path / "model", flagged_above=2.0)
    harm(monkeypatch, types=[torch.bfloat16])
    answers = in_half(folder).generate(samples(2), requests(2))
    assert calls == [(2, False), (1, True)]
    assert furthest(answers, in_half(model).generate(samples(2), requests(2))) == 0

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest
import torch
from transformers import CLIPModel, CLIPProcessor

from genaug_data.errors import ConfigError, DataError, SampleSizeWarning
from genaug_data.metrics import CLIPScore
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator
from genaug_data.testing.tiny_models import save_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip"))


def some_samples(count: int) -> list[Sample]:
    draw = torch_generator(4)
    words = ["a cat", "a dog on a mat", "seven birds", "rain"]
    images = torch.randint(0, 256, (count, 3, 36, 30), dtype=torch.uint8, generator=draw)
    return [Sample(image // (1 + place % 3), words[place % 4]) for place, image in enumerate(images)]


def cosines(folder: Path, samples: list[Sample]) -> list[float]:
    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    found = []
    for sample in samples:
        inputs = processor(text=[sample.target], images=[sample.image], return_tensors="pt", padding=True)
        with torch.no_grad():
            outputs = model(**inputs)
        found.append(float((outputs.image_embeds * outputs.text_embeds).sum()))
    return found


def oriented(folder: Path, count: int) -> list[Sample]:
    """Return the samples of positive scores, most of them, as random weights give either sign."""
    samples = some_samples(3 * count)
    scores = cosines(folder, samples)
    return [sample for sample, score in zip(samples, scores, strict=True) if score > 0][:count]


@pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")
def test_it_is_the_mean_cosine_and_its_standard_error(folder: Path) -> None:
    samples = oriented(folder, 12)
    assert len(samples) == 12
    wanted = [100 * score for score in cosines(folder, samples)]
    found = CLIPScore(folder, progress=False)(samples)
    assert found.value == pytest.approx(statistics.mean(wanted), rel=1e-4)
    # With fewer than 20 samples each is a group.
    assert found.std == pytest.approx(statistics.stdev(wanted) / math.sqrt(12), rel=1e-3)
    assert (found.real, found.synthetic) == (0, 12)


@pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")
def test_groups_do_not_change_the_mean_and_give_about_the_same_error(folder: Path) -> None:
    samples = some_samples(90)
    one, many = (CLIPScore(folder, batch_size=size, progress=False)(samples) for size in (1, 5))
    assert one.value == pytest.approx(many.value, abs=1e-3)
    assert many.std == pytest.approx(one.std, rel=0.6)


@pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")
def test_prompts_take_the_place_of_captions_and_long_ones_are_cut(folder: Path) -> None:
    samples = oriented(folder, 4)
    score = CLIPScore(folder, progress=False)
    labelled = [Sample(sample.image, 3) for sample in samples]
    assert score(labelled, [str(sample.target) for sample in samples]) == score(samples)
    long = ["word " * 100] * 4
    assert score(labelled, long).value == pytest.approx(score(labelled, ["word " * 200] * 4).value)


def test_few_samples_warn_and_what_has_no_words_is_refused(folder: Path) -> None:
    score = CLIPScore(folder, progress=False)
    with pytest.warns(SampleSizeWarning, match="CLIPScore of 2 samples means little: it needs 100"):
        single = score(some_samples(2))
    assert not math.isnan(single.std)
    with pytest.warns(SampleSizeWarning):
        assert math.isnan(score(some_samples(1)).std)
    with pytest.raises(DataError, match="found 0 samples"):
        score([])
    with pytest.raises(DataError, match="found 3 samples and 2 prompts"):
        score(some_samples(3), ["a", "b"])
    labelled = [Sample(sample.image, 1) for sample in some_samples(100)]
    with pytest.raises(DataError, match="annotation of sample 0 must be a caption, found int"):
        score(labelled)


def test_a_model_that_is_not_there_is_named_and_none_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no CLIP model with safetensors and a processor is at .*nowhere"):
        CLIPScore(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="batch_size must be at least 1, got 0"):
        CLIPScore(tmp_path, batch_size=0)

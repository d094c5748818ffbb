from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cloudpickle
import pytest
import torch

from genaug_data.errors import ConfigError, DataError, GeneratorError
from genaug_data.gates.quality import Clip, ClipIqa, ClipScore, CropClipScore, Share
from genaug_data.generators.pretrained.quiet import quiet
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator
from genaug_data.testing.tiny_models import save_clip

NAMES = ["cat", "dog", "cow"]


def photo(seed: int, target: object = 0, channels: int = 3, size: int = 20) -> Sample:
    draw = torch_generator(seed)
    return Sample(torch.randint(0, 256, (channels, size, size + 4), dtype=torch.uint8, generator=draw), target)


def slow_probabilities(folder: Path, image: torch.Tensor, texts: list[str]) -> list[float]:
    from transformers import CLIPModel, CLIPProcessor

    with quiet():
        model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    inputs = processor(text=texts, images=image, return_tensors="pt", padding=True, input_data_format="channels_first")
    with torch.no_grad():
        return model(**inputs).logits_per_image[0].softmax(0).tolist()


def test_probabilities_are_those_of_transformers(clip_folder: Path) -> None:
    clip = Clip(clip_folder)
    for seed in range(3):
        image = photo(seed).image
        found = clip.probabilities(image, NAMES)
        assert found.tolist() == pytest.approx(slow_probabilities(clip_folder, image, NAMES), abs=1e-4)
    assert max(float(clip.probabilities(photo(seed).image, NAMES).max()) for seed in range(3)) > 0.4


def test_grey_images_are_grey_in_colour_and_alpha_is_left_out(clip_folder: Path) -> None:
    clip = Clip(clip_folder)
    grey = photo(1, channels=1).image
    assert torch.equal(clip.image(grey), clip.image(grey.expand(3, -1, -1)))
    four = photo(2, channels=4).image
    assert torch.equal(clip.image(four), clip.image(four[:3]))


def test_the_fingerprint_is_of_the_weights_and_a_copy_reads_them_itself(clip_folder: Path, tmp_path: Path) -> None:
    clip = Clip(clip_folder)
    before = clip.probabilities(photo(0).image, NAMES)
    payload = cloudpickle.dumps(clip)
    assert len(payload) < 5000
    assert torch.equal(cloudpickle.loads(payload).probabilities(photo(0).image, NAMES), before)
    assert Clip(save_clip(tmp_path, seed=1)).fingerprint != clip.fingerprint


def test_a_model_that_is_not_there_or_pickled_is_refused(clip_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="neither a folder nor in this machine's Hugging Face cache"):
        Clip("nobody/nothing").image(photo(0).image)
    pickled = save_clip(tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(GeneratorError, match="pickled weights only"):
        Clip(pickled).image(photo(0).image)


def test_the_clip_score_is_the_probability_of_the_own_prompt(clip_folder: Path) -> None:
    gate = ClipScore(clip_folder, NAMES, 0.34, template="a {}, drawn")
    children = [photo(seed, seed % 3) for seed in range(6)]
    verdicts = gate.judge(children, children)
    for child, verdict in zip(children, verdicts, strict=True):
        own = slow_probabilities(clip_folder, child.image, [f"a {name}, drawn" for name in NAMES])[child.target]
        assert verdict.score == pytest.approx(own, abs=1e-4)
        assert verdict.accepted == (verdict.score >= 0.34)
    assert 0 < sum(verdict.accepted for verdict in verdicts) < 6


def test_a_share_of_each_class_is_kept_by_clip_score(clip_folder: Path) -> None:
    train = [photo(seed, seed % 2) for seed in range(20)]
    gate = ClipScore(clip_folder, NAMES, Share(0.4))
    gate.prepare(train, progress=False)
    verdicts = gate.judge(train, train)
    for label in (0, 1):
        accepted = [verdict.accepted for one, verdict in zip(train, verdicts, strict=True) if one.target == label]
        assert sum(accepted) == 4


@pytest.mark.parametrize(
    ("classes", "template", "sentence"),
    [
        (["cat"], "a {}", r"CLIP compares at least 2 classes, got \['cat'\]"),
        ("cat", "a {}", "got 'cat'; pass the list of their names"),
        (NAMES, "a photo", 'must hold one {} for the name, got "a photo"'),
    ],
)
def test_prompts_that_compare_nothing_are_refused(classes: object, template: str, sentence: str) -> None:
    for gate in (ClipScore, CropClipScore):
        with pytest.raises(ConfigError, match=sentence):
            gate("some/clip", classes, template=template)


def boxed(seed: int, *boxes: tuple[list[float], int]) -> Sample:
    rows = torch.tensor([box for box, _ in boxes]).reshape(-1, 4)
    return photo(seed, {"boxes": rows, "labels": torch.tensor([label for _, label in boxes], dtype=torch.int64)})


def test_the_crops_of_boxes_are_placed_among_real_ones(clip_folder: Path) -> None:
    real = [boxed(seed, ([2, 3, 12, 15], seed % 2)) for seed in range(10)]
    gate = CropClipScore(clip_folder, NAMES, 0.5)
    gate.prepare(real, progress=False)
    child = boxed(77, ([0.4, 1.6, 9.5, 10.2], 0), ([5, 5, 16, 18], 1), ([3, 3, 3, 9], 1))

    def own(sample: Sample, left: int, top: int, right: int, bottom: int, label: int) -> float:
        crop = sample.image[:, top:bottom, left:right]
        return slow_probabilities(clip_folder, crop, [f"a photo of a {name}" for name in NAMES])[label]

    places = []
    # The third box holds no pixel and is left out.
    for corners, label in (((0, 1, 10, 11), 0), ((5, 5, 16, 18), 1)):
        of_class = [own(one, 2, 3, 12, 15, label) for one in real if one.target["labels"][0] == label]
        places.append(sum(score <= own(child, *corners, label) for score in of_class) / len(of_class))
    (verdict,) = gate.judge([child], [child])
    assert verdict.score == pytest.approx(sum(places) / 2)
    assert verdict.accepted == (verdict.score >= 0.5)


def test_an_image_without_boxes_passes_and_other_annotations_are_refused(clip_folder: Path) -> None:
    gate = CropClipScore(clip_folder, NAMES, 0.5)
    empty = boxed(1)
    assert gate.judge([empty], [empty])[0].score == 1
    with pytest.raises(DataError, match="the annotation is a int without boxes and labels"):
        gate.judge([photo(1)], [photo(1)])
    strange = boxed(1, ([0, 0, 5, 5], 3))
    with pytest.raises(DataError, match=r"1 boxes have the labels \[3\], and the gate knows 3 classes"):
        gate.judge([strange], [strange])


def test_clip_iqa_is_that_of_torchmetrics(clip_folder: Path) -> None:
    from torchmetrics.multimodal import CLIPImageQualityAssessment
    from transformers import CLIPModel, CLIPProcessor

    model, processor = CLIPModel.from_pretrained(clip_folder).eval(), CLIPProcessor.from_pretrained(clip_folder)
    # torchmetrics 1.9 expects tensors, as older versions of transformers returned them.
    bare = SimpleNamespace(
        to=lambda device: bare,
        get_text_features=lambda ids, mask: model.get_text_features(ids, mask).pooler_output,
        get_image_features=lambda pixels: model.get_image_features(pixels).pooler_output,
    )
    # The processor divides by 255 itself; of the size that the model takes, images are not resampled, as floats there.
    metric = CLIPImageQualityAssessment(model_name_or_path=lambda: (bare, processor), data_range=1.0)
    images = torch.stack([photo(seed, size=16).image[..., :16] for seed in range(3)])
    assert ClipIqa(clip_folder)(images).tolist() == pytest.approx(metric(images).tolist(), abs=1e-4)

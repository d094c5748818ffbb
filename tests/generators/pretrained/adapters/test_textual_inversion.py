from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import ClassPrompt, DiffusersModel, FixedPrompt, ImageToImage
from genaug_data.generators.pretrained.adapters import TextualInversion, TextualInversionFile
from genaug_data.generators.pretrained.words import Words
from genaug_data.sample import Sample
from tests.generators.pretrained.adapters.training_set import (
    CPU,
    PROMPTS,
    Loading,
    differing,
    loss_of,
    pictures,
    requests,
    weights_of,
)


def fitted(load: Loading, folder: Path, **settings: object) -> TextualInversion:
    words = TextualInversion(2, **{"vectors": 2, "steps": 25, "learning_rate": 0.1, **settings})
    words.fit(load, pictures(), PROMPTS, folder, CPU, progress=False)
    return words


def test_the_loss_goes_down(load: Loading, tmp_path: Path) -> None:
    heeding = load.heeding(5.0)
    before, after = heeding(), heeding()
    fitted(heeding, tmp_path, steps=1, learning_rate=1e-9).apply(before)
    fitted(heeding, tmp_path).apply(after)
    assert loss_of(after) < loss_of(before) - 0.003


def test_only_the_new_rows_are_learned(load: Loading, tmp_path: Path) -> None:
    before, after = load(), load()
    fitted(load, tmp_path, steps=6).apply(after)
    parts = weights_of(before, "unet", "vae", "text_encoder"), weights_of(after, "unet", "vae", "text_encoder")
    [table] = [name for name in parts[0] if name.endswith("token_embedding.weight")]
    assert all(parts[1][name].equal(value) for name, value in parts[0].items() if name != table)
    old, new = parts[0][table], parts[1][table]
    assert len(new) == len(old) + 4
    assert new[: len(old)].equal(old)
    begun = old[before.tokenizer("the", add_special_tokens=False)["input_ids"][:2]]
    assert not any(row.equal(first) for row, first in zip(new[-4:], begun.repeat(2, 1), strict=True))
    assert len({row.numpy().tobytes() for row in new[-4:]}) == 4


def test_a_token_stands_for_all_its_vectors(load: Loading, tmp_path: Path) -> None:
    pipeline = load()
    fitted(load, tmp_path, steps=1, vectors=3).apply(pipeline)
    told = pipeline.maybe_convert_prompt("a <class-1>", pipeline.tokenizer)
    assert told == "a <class-1> <class-1>_1 <class-1>_2"
    ids = pipeline.tokenizer(told, add_special_tokens=False)["input_ids"]
    assert ids[-3:] == pipeline.tokenizer.convert_tokens_to_ids(["<class-1>", "<class-1>_1", "<class-1>_2"])
    # 75 places: "a" and 25 times three vectors are one too many.
    assert Words(pipeline, CPU).cut("a " + "<class-1> " * 25) == 1


def test_one_that_is_read_from_a_file_makes_the_same_images(model: Path, load: Loading, tmp_path: Path) -> None:
    words = fitted(load, tmp_path / "fit", steps=4)
    [file] = (tmp_path / "fit").glob("*/learned_embeds.safetensors")
    both = [TextualInversionFile(file, token) for token in words.tokens]
    (tmp_path / "others").mkdir()
    learned = load_file(file)
    # As diffusers writes it, and as automatic1111 does.
    save_file({"<class-0>": learned["text_encoder.<class-0>"]}, tmp_path / "others" / "zero.safetensors")
    save_file({"emb_params": learned["text_encoder.<class-1>"]}, tmp_path / "others" / "one.safetensors")
    others = [
        TextualInversionFile(tmp_path / "others" / f"{name}.safetensors", token)
        for name, token in zip(("zero", "one"), words.tokens, strict=True)
    ]
    images = [
        ImageToImage(DiffusersModel(str(model), adapters=adapters), prompts=PROMPTS, device="cpu").generate(
            pictures(2), requests(2)
        )
        for adapters in ([words], both, others, [])
    ]
    assert differing(images[0], images[1]) == 0
    assert differing(images[0], images[2]) == 0
    assert differing(images[0], images[3]) == 2


def test_training_sets_that_do_not_fit_are_said(load: Loading, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="the annotation 1 of example 1 is no id of 1 classes"):
        TextualInversion(1).fit(load, pictures(), PROMPTS, tmp_path, CPU, progress=False)
    masks = [Sample(sample.image, torch.zeros(16, 16, dtype=torch.int64)) for sample in pictures(2)]
    with pytest.raises(GeneratorError, match="the annotation 'Tensor' of example 0 is no id of 2 classes"):
        TextualInversion(2).fit(load, masks, FixedPrompt(), tmp_path, CPU, progress=False)
    with pytest.raises(GeneratorError, match="the prompt 'a photo of a cat' does not hold the token <class-0>"):
        TextualInversion(2).fit(load, pictures(), ClassPrompt(["cat", "dog"]), tmp_path, CPU, progress=False)


def test_tokens_that_are_known_or_do_not_fit_are_said(load: Loading, tmp_path: Path) -> None:
    words, pipeline = fitted(load, tmp_path, steps=1), load()
    words.apply(pipeline)
    with pytest.raises(GeneratorError, match="the model knows the token '<class-0>' already"):
        words.apply(pipeline)
    save_file({"<lesion>": torch.zeros(1, 7)}, tmp_path / "narrow.safetensors")
    with pytest.raises(GeneratorError, match="'<lesion>' have width 7, the model's text_encoder has 32"):
        TextualInversionFile(tmp_path / "narrow.safetensors", "<lesion>").apply(pipeline)
    save_file({"a": torch.zeros(1, 32), "b": torch.zeros(1, 32)}, tmp_path / "several.safetensors")
    with pytest.raises(GeneratorError, match=r"holds \['a', 'b'\] and no vectors of '<c>'"):
        TextualInversionFile(tmp_path / "several.safetensors", "<c>").apply(pipeline)


def test_files_that_cannot_be_used_are_said(load: Loading, tmp_path: Path) -> None:
    (tmp_path / "old.pt").write_bytes(b"pickle")
    with pytest.raises(GeneratorError, match=r"old.pt is pickled, which could run code"):
        _ = TextualInversionFile(tmp_path / "old.pt", "<t>").digest
    (tmp_path / "cut.safetensors").write_bytes(b"cut")
    with pytest.raises(GeneratorError, match=r"cut.safetensors is no safetensors file"):
        TextualInversionFile(tmp_path / "cut.safetensors", "<t>").apply(load())


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"classes": 0}, "classes must be at least 1, got 0"),
        ({"classes": 1, "vectors": 0}, "vectors must be at least 1, got 0"),
        ({"classes": 1, "initial": " "}, "initial must hold a word"),
    ],
)
def test_settings_that_cannot_work_are_refused(setting: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        TextualInversion(**setting)

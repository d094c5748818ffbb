"""What all fitted adapters have in common: a fit is kept, found again, gone on with, and never mistaken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from genaug_data.errors import ConfigError, GenaugWarning, GeneratorError
from genaug_data.generators.pretrained import ClassPrompt
from genaug_data.generators.pretrained.adapters import Lora, TextualInversion
from genaug_data.generators.pretrained.adapters.learned import LearnedAdapter
from tests.generators.pretrained.adapters.training_set import CPU, PROMPTS, Cut, CutAfter, Loading, pictures

Make = Callable[..., LearnedAdapter]


def lora(**settings: object) -> Lora:
    return Lora(2, **{"steps": 11, "learning_rate": 1e-2, "batch_size": 2, **settings})


def words(**settings: object) -> TextualInversion:
    return TextualInversion(2, vectors=2, **{"steps": 11, "learning_rate": 1e-2, "batch_size": 2, **settings})


MAKERS = pytest.mark.parametrize("make", [lora, words])


def fitted(adapter: LearnedAdapter, load: Loading, folder: Path, **given: object) -> LearnedAdapter:
    adapter.fit(load, pictures(), PROMPTS, folder, CPU, **{"progress": False, **given})
    return adapter


@MAKERS
def test_a_fit_is_found_again_without_loading_the_model(make: Make, load: Loading, tmp_path: Path) -> None:
    first = fitted(make(), load, tmp_path / "model")
    assert load.calls == 1
    [place] = (tmp_path / "model").iterdir()
    assert [file.name for file in place.iterdir()] == [first.file]
    again = fitted(make(checkpoint_every=3), load, tmp_path / "model")
    assert load.calls == 1
    assert again.digest == first.digest


@MAKERS
def test_an_interrupted_fit_goes_on_and_ends_with_the_same_bits(make: Make, load: Loading, tmp_path: Path) -> None:
    whole, beats = fitted(make(), load, tmp_path / "whole"), []
    reading = 8 if make is words else 0
    with pytest.raises(Cut):
        fitted(make(checkpoint_every=3), load, tmp_path / "cut", beat=CutAfter(reading + 8))
    [place] = (tmp_path / "cut").iterdir()
    assert [file.name for file in place.iterdir()] == ["progress.safetensors"]
    resumed = fitted(make(checkpoint_every=3), load, tmp_path / "cut", beat=lambda: beats.append(1))
    assert len(beats) == reading + 5  # six of eleven steps were kept
    assert resumed.digest == whole.digest


@MAKERS
def test_seed_data_and_prompts_make_another_fit(make: Make, load: Loading, tmp_path: Path) -> None:
    digests = {fitted(make(steps=3, seed=seed), load, tmp_path).digest for seed in (0, 1)}
    fewer = make(steps=3)
    fewer.fit(load, pictures(6), PROMPTS, tmp_path, CPU, progress=False)
    told = make(steps=3)
    told.fit(load, pictures(), ClassPrompt.anonymous(2, "an x-ray of a {}"), tmp_path, CPU, progress=False)
    assert len({*digests, fewer.digest, told.digest}) == 4
    assert len(list(tmp_path.iterdir())) == 4


@MAKERS
def test_bf16_is_what_the_denoiser_works_in_and_the_weights_stay_float32(
    make: Make, load: Loading, tmp_path: Path
) -> None:
    weights, kinds = {}, {}
    for precision in ("no", "bf16"):

        def spying(kind: str = precision) -> Any:
            pipeline = load()
            pipeline.unet.mid_block.attentions[0].transformer_blocks[0].attn1.to_q.register_forward_hook(
                lambda module, given, found: kinds.update({kind: found.dtype})
            )
            return pipeline

        adapter = make(mixed_precision=precision)
        adapter.fit(spying, pictures(), PROMPTS, tmp_path, CPU, progress=False)
        [file] = tmp_path.glob(f"*/{adapter.file}")
        weights[precision] = load_file(file)
        file.unlink()
    assert kinds == {"no": torch.float32, "bf16": torch.bfloat16}
    for name, full in weights["no"].items():
        half = weights["bf16"][name]
        assert half.dtype == torch.float32
        # Adam moves each weight by about the rate a step, whichever way: most go the same way.
        assert 0 < (half - full).abs().max() <= 11 * 2 * 1e-2
    moved = torch.cat([(weights["bf16"][name] - full).flatten() for name, full in weights["no"].items()])
    assert moved.abs().median() < 2e-2


@pytest.mark.parametrize(
    ("devices", "sentence"),
    [
        ("cuda:0", "devices must be a list, got 'cuda:0'"),
        (["gpu"], "devices must be names of devices, got .'gpu'.: "),
        (["cpu", "cuda:0"], "several devices must be all CPUs or all GPUs, got .*cpu.*cuda:0"),
        (["meta", "meta"], "several devices must be all CPUs or all GPUs"),
        (["cuda", "cuda:1"], "each GPU of devices must be named once, by its number"),
        (["cuda:1", "cuda:1"], "each GPU of devices must be named once, by its number"),
        (["cpu"] * 3, "batch_size must be at least the number of devices, 3, got 2"),
    ],
)
def test_devices_that_cannot_work_are_refused(devices: object, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        lora(devices=devices)
    assert "\n" not in str(caught.value)


def test_devices_are_no_part_of_what_is_learned(load: Loading, tmp_path: Path) -> None:
    first = fitted(lora(steps=1), load, tmp_path)
    again = fitted(lora(steps=1, devices=["cpu", torch.device("cpu")]), load, tmp_path)
    assert (again.identity, again.digest) == (first.identity, first.digest)
    assert load.calls == 1
    assert again.plan.devices == ("cpu", "cpu")


def test_a_single_device_takes_the_place_of_the_generators(load: Loading, tmp_path: Path) -> None:
    adapter = lora(steps=1, devices=["cpu"])
    adapter.fit(load, pictures(), PROMPTS, tmp_path, torch.device("meta"), progress=False)
    assert adapter.digest == fitted(lora(steps=1), load, tmp_path / "other").digest


@MAKERS
def test_no_global_generator_is_touched(make: Make, load: Loading, tmp_path: Path) -> None:
    load()
    before = torch.random.get_rng_state()
    adapter = fitted(make(steps=2), load, tmp_path)
    adapter.apply(load())
    assert torch.random.get_rng_state().equal(before)


def test_its_own_fit_is_kept_in_another_folder_too(load: Loading, tmp_path: Path) -> None:
    adapter = fitted(lora(steps=2), load, tmp_path / "here" / "model")
    fitted(adapter, load, tmp_path / "there" / "model")
    assert load.calls == 1
    assert fitted(lora(steps=2), load, tmp_path / "there" / "model").digest == adapter.digest
    assert load.calls == 1
    fitted(adapter, load, tmp_path / "there" / "other_model")
    assert load.calls == 2


def test_a_damaged_result_or_checkpoint_is_said_and_made_anew(load: Loading, tmp_path: Path) -> None:
    before = fitted(lora(steps=1), load, tmp_path).digest
    [file] = tmp_path.glob("*/*")
    content = file.read_bytes()
    for damaged in (content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
        file.write_bytes(damaged)
        with pytest.warns(GenaugWarning, match="a fitted adapter is damaged"):
            assert fitted(lora(steps=1), load, tmp_path).digest == before
    file.unlink()
    file.with_name("progress.safetensors").write_bytes(content[:100])
    with pytest.warns(GenaugWarning, match="the checkpoint of a fit is damaged"):
        assert fitted(lora(steps=1), load, tmp_path).digest == before


def test_images_of_any_size_are_learned_from(load: Loading, tmp_path: Path) -> None:
    samples = [*pictures(2, (1, 20, 9)), *pictures(2, (4, 16, 33)), *pictures(2)]
    digests = set()
    for size in (None, 12):
        adapter = lora(steps=2, size=size)
        # Without colours and with a fourth channel as well, in one batch.
        adapter.fit(load, samples, PROMPTS, tmp_path, CPU, progress=False)
        digests.add(adapter.digest)
    assert len(digests) == 2


def test_a_fit_that_diverges_is_said(load: Loading, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match=r"diverged: the loss is nan after [0-9]+ steps; lower learning_rate"):
        fitted(lora(learning_rate=1e30), load, tmp_path)


def test_an_empty_training_set_and_no_fit_are_said(load: Loading, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="the training set is empty"):
        lora().fit(load, [], PROMPTS, tmp_path, CPU)
    with pytest.raises(GeneratorError, match="Lora has not been fitted yet"):
        _ = lora().digest
    with pytest.raises(GeneratorError, match="TextualInversion has not been fitted yet"):
        words().apply(load())


@MAKERS
@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
        ({"size": 0}, "size must be at least 1, got 0"),
        ({"mixed_precision": "fp8"}, "mixed_precision must be"),
    ],
)
def test_settings_that_cannot_work_are_refused(make: Make, setting: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        make(**setting)

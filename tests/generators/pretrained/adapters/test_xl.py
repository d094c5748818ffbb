"""Stable Diffusion XL has two text encoders, and its denoiser is told sizes besides."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from genaug_data.generators.pretrained import DiffusersModel, ImageToImage
from genaug_data.generators.pretrained.adapters import Lora, LoraFile, TextualInversion, TextualInversionFile
from genaug_data.generators.pretrained.words import embedded
from tests.generators.pretrained.adapters.training_set import CPU, PROMPTS, Loading, differing, pictures, requests


@pytest.fixture(scope="module")
def xl(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a second text encoder and another UNet, on disk."""
    from diffusers import StableDiffusionXLImg2ImgPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    plain = Loading(model)()
    settings = {**plain.text_encoder.config.to_dict(), "eos_token_id": 2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        second = CLIPTextModelWithProjection(CLIPTextConfig(**settings))
        unet = UNet2DConditionModel.from_config(
            dict(plain.unet.config),
            cross_attention_dim=64,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 32,
        )
    folder = tmp_path_factory.mktemp("xl")
    StableDiffusionXLImg2ImgPipeline(
        vae=plain.vae,
        text_encoder=plain.text_encoder,
        text_encoder_2=second,
        tokenizer=plain.tokenizer,
        tokenizer_2=plain.tokenizer,
        unet=unet,
        scheduler=plain.scheduler,
    ).save_pretrained(folder)
    return folder


def test_words_of_both_encoders_and_layers_are_fitted_and_read_from_files(xl: Path, tmp_path: Path) -> None:
    settings = {"steps": 3, "learning_rate": 0.05, "batch_size": 2}
    words, layers = TextualInversion(2, vectors=2, **settings), Lora(2, **settings)

    def images(*adapters: object, fit: bool = False) -> list:
        one = ImageToImage(DiffusersModel(str(xl), adapters=adapters), prompts=PROMPTS, device="cpu")
        if fit:
            one.fit(pictures(), tmp_path / "fits", progress=False)
        return one.generate(pictures(2), requests(2))

    expected = images(words, layers, fit=True)
    assert differing(expected, images()) == 2
    [of_words] = tmp_path.glob("fits/*/*/learned_embeds.safetensors")
    [of_layers] = tmp_path.glob("fits/*/*/pytorch_lora_weights.safetensors")
    learned = load_file(of_words)
    assert not learned["text_encoder.<class-0>"].equal(learned["text_encoder_2.<class-0>"])
    named = {"clip_l": learned["text_encoder.<class-1>"], "clip_g": learned["text_encoder_2.<class-1>"]}
    save_file(named, tmp_path / "one.safetensors")
    read = [
        TextualInversionFile(of_words, "<class-0>"),
        TextualInversionFile(tmp_path / "one.safetensors", "<class-1>"),
        LoraFile(of_layers),
    ]
    assert differing(expected, images(*read)) == 0


def test_a_prompt_ends_where_it_did_before_it_had_new_tokens(xl: Path) -> None:
    pipeline = Loading(xl)()
    plain = embedded(pipeline, "a cat", CPU)["pooled_prompt_embeds"]
    words, parts = TextualInversion(2, vectors=2), ("text_encoder", "text_encoder_2")
    words.add(pipeline, {f"{part}.{token}": torch.ones(2, 32) for part in parts for token in words.tokens})
    assert embedded(pipeline, "a cat", CPU)["pooled_prompt_embeds"].equal(plain)
    ends = [embedded(pipeline, f"a <class-0> {last}", CPU)["pooled_prompt_embeds"] for last in ("up", "down")]
    assert not ends[0].equal(ends[1])

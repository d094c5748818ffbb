from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from genaug_data.errors import GenaugWarning
from genaug_data.generators.pretrained import DiffusersModel
from genaug_data.generators.pretrained.pipeline import Pipeline
from genaug_data.generators.pretrained.words import Words
from genaug_data.sample import Request
from tests.generators.pretrained.families import FAMILIES, RECIPE, opened, requests, samples

Folders = Callable[[str], Path]
CPU = torch.device("cpu")
LONG = "x" * 100
# A tiny text encoder takes 77 tokens: one for each byte, and two that say where a prompt starts and ends.
CUT = 100 + 2 - 77


def loaded(folder: Path) -> Any:
    return Pipeline(DiffusersModel(str(folder)), "AutoPipelineForText2Image").load(torch.float32, 0)


def encoders_of(pipeline: Any) -> dict[str, torch.nn.Module]:
    return {name: part for name, part in pipeline.components.items() if name.startswith("text_encoder")}


def counted(pipeline: Any) -> list[tuple[str, str | None]]:
    """Return a list that grows by prompt and negative with each call of the pipeline's text encoders."""
    calls: list[tuple[str, str | None]] = []
    encode = type(pipeline).encode_prompt

    def counting(prompt: str, *args: Any, **settings: Any) -> Any:
        calls.append((prompt, settings.get("negative_prompt")))
        return encode(pipeline, prompt, *args, **settings)

    counting.__signature__ = inspect.signature(pipeline.encode_prompt)
    pipeline.encode_prompt = counting
    return calls


def test_each_prompt_and_each_negative_is_encoded_once(model: Path) -> None:
    pipeline = loaded(model)
    calls = counted(pipeline)
    words = Words(pipeline, CPU)
    both = words(["a cat", "a dog", "a cat"], "blurred")
    alone = words(["a dog"], "blurred")
    words(["a cat"], None)
    assert calls == [("a cat", None), ("a dog", None), ("", "blurred")]
    assert both["prompt_embeds"].shape == both["negative_prompt_embeds"].shape == (3, 77, 32)
    assert both["prompt_embeds"][0].equal(both["prompt_embeds"][2])
    assert not both["prompt_embeds"][0].equal(both["prompt_embeds"][1])
    assert both["prompt_embeds"][1].equal(alone["prompt_embeds"][0])
    words(["a cat"], "")
    assert calls[3:] == [("", None)]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_it_tells_is_what_the_pipeline_would_encode(folder_of: Folders, family: str) -> None:
    kind = "AutoPipelineForInpainting" if family == "inpainting" else "AutoPipelineForText2Image"
    pipeline = Pipeline(DiffusersModel(str(folder_of(family))), kind).load(torch.float32, 0)
    several = {"prompt_2": None, "prompt_3": None, "num_images_per_prompt": 1, "do_classifier_free_guidance": True}
    arguments = {name: value for name, value in several.items() if name in pipeline.encode_prompt.__code__.co_varnames}
    if family != "flux":
        arguments["negative_prompt"] = "blurred"
    with torch.no_grad():
        found = pipeline.encode_prompt(prompt="a cat", device=CPU, **arguments)
    names = {
        2: ["prompt_embeds", "negative_prompt_embeds"],
        3: ["prompt_embeds", "pooled_prompt_embeds"],
        4: ["prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds"],
    }[len(found)]
    expected = dict(zip(names, found, strict=False))
    if family == "latent_consistency":
        del expected["negative_prompt_embeds"]  # such a model is told the guidance, and takes no negative
    told = Words(pipeline, CPU)(["a cat"], "blurred")
    assert told.keys() == expected.keys()
    assert all((told[name] - value).abs().max() < 1e-5 for name, value in expected.items())


@pytest.mark.parametrize("family", ["stable_diffusion", "stable_diffusion_xl", "stable_diffusion_3"])
def test_text_encoders_are_in_the_pipeline_only_while_they_work(folder_of: Folders, family: str) -> None:
    pipeline = loaded(folder_of(family))
    whole = encoders_of(pipeline)
    words = Words(pipeline, CPU)
    assert set(encoders_of(pipeline).values()) == {None}
    seen = []
    encode = pipeline.encode_prompt

    @functools.wraps(encode)
    def watched(**arguments: object) -> object:
        seen.append(encoders_of(pipeline))
        return encode(**arguments)

    pipeline.encode_prompt = watched
    words(["a cat"], "")
    assert seen == [whole, whole]
    assert set(encoders_of(pipeline).values()) == {None}


def test_text_encoders_that_are_settled_elsewhere_stay(model: Path) -> None:
    pipeline = loaded(model)
    whole = encoders_of(pipeline)
    settled = Words(pipeline, CPU, settled=True)(["a cat"], None)
    assert encoders_of(pipeline) == whole
    assert settled["prompt_embeds"].equal(Words(pipeline, CPU)(["a cat"], None)["prompt_embeds"])


def test_text_encoders_are_put_back_where_one_fails(model: Path) -> None:
    pipeline = loaded(model)
    words = Words(pipeline, CPU)

    def failing(**arguments: Any) -> None:
        raise RuntimeError("no memory")

    encode, pipeline.encode_prompt = pipeline.encode_prompt, failing
    with pytest.raises(RuntimeError, match="no memory"):
        words(["a cat"], None)
    assert set(encoders_of(pipeline).values()) == {None}
    pipeline.encode_prompt = encode
    assert words(["a cat"], None)["prompt_embeds"].shape == (1, 77, 32)


def test_tokens_that_are_left_out_are_counted(model: Path) -> None:
    words = Words(loaded(model), CPU)
    assert [words.cut("x" * count) for count in (0, 1, 75, 76, 100)] == [0, 0, 0, 1, CUT]


def test_diffusers_does_not_print_each_long_prompt(model: Path) -> None:
    from diffusers.utils import logging

    pipeline, found = loaded(model), []
    encode = pipeline.encode_prompt

    @functools.wraps(encode)
    def watched(*args: Any, **settings: Any) -> Any:
        found.append(logging.get_verbosity())
        return encode(*args, **settings)

    pipeline.encode_prompt = watched
    Words(pipeline, CPU)([LONG], "")
    assert found == [logging.ERROR] * 2


def test_a_prompt_that_is_too_long_is_said_once_and_kept_with_the_variant(model: Path) -> None:
    generator, [parent] = opened(model, prompt=LONG), samples(1)
    with pytest.warns(GenaugWarning, match=f"does not take the last {CUT} tokens of the prompt 'xxx.*'; shorten it"):
        cut = generator.generate([parent], requests(1))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generator.generate([parent], [Request(0, 0, RECIPE, seed=5)])
    assert generator.origin(parent, requests(1)[0])["tokens_cut"] == str(CUT)
    # What is left out plays no part.
    same_start = opened(model, prompt="x" * 75 + "y" * 25)
    with pytest.warns(UserWarning, match="does not take the last"):
        assert same_start.generate([parent], requests(1))[0].image.equal(cut.image)
    short = opened(model, prompt="x" * 75)
    assert "tokens_cut" not in short.origin(parent, requests(1)[0])
    assert len(short.generate([parent], requests(1))) == 1

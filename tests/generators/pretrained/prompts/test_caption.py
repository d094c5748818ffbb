from __future__ import annotations

from typing import Any

import pytest

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import CaptionPrompt
from tests.generators.pretrained.prompts.parents import parent

CAPTION = "two brown dogs on a beach"


def test_the_caption_is_the_annotation_or_what_a_captioner_says() -> None:
    assert CaptionPrompt().prompt(parent(CAPTION), 1) == CAPTION
    said = CaptionPrompt(lambda sample: f"it is {sample.target}", name="mine")
    assert said.prompt(parent(7), 1) == "it is 7"
    assert said.identity != CaptionPrompt(lambda sample: "", name="other").identity


def test_a_captioner_is_asked_once_for_each_image() -> None:
    asked: list[int] = []
    prompts = CaptionPrompt(lambda sample: asked.append(sample.target) or "a dog", name="mine", partial=True)
    assert [prompts.prompt(parent(label), seed) for label in (1, 2) for seed in (5, 6)] == ["a"] * 4
    assert asked == [1, 2]


def test_a_partial_caption_is_a_beginning_of_half_of_the_words_at_least() -> None:
    prompts = CaptionPrompt(partial=True)
    found = {prompts.prompt(parent(CAPTION), seed) for seed in range(50)}
    assert found == {"two brown dogs", "two brown dogs on", "two brown dogs on a"}
    assert prompts.prompt(parent("dogs"), 1) == "dogs"


@pytest.mark.parametrize("said", [None, ["a dog"]])
def test_a_captioner_that_returns_no_text_is_said(said: Any) -> None:
    with pytest.raises(GeneratorError, match=r"the captioner 'odd' returned a .*: return the caption as one text"):
        CaptionPrompt(lambda sample: said, name="odd").prompt(parent(0), 0)


def test_what_is_no_caption_is_said() -> None:
    with pytest.raises(GeneratorError, match="is a int and no caption"):
        CaptionPrompt().prompt(parent(3), 1)
    with pytest.raises(ConfigError, match="needs a name"):
        CaptionPrompt(lambda sample: "")

from __future__ import annotations

from collections.abc import Sequence

import pytest

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import ClassPrompt, DomainPrompt, FixedPrompt, ParaphrasePrompt
from tests.generators.pretrained.prompts.parents import parent

CLASSES = ClassPrompt(["cat", "dog"], negative="blur")


def test_a_domain_is_drawn_for_each_variant() -> None:
    prompts = DomainPrompt(CLASSES, ["in snow", "at night"])
    found = {prompts.prompt(parent(1), seed) for seed in range(40)}
    assert found == {"a photo of a dog, in snow", "a photo of a dog, at night"}
    assert prompts.negative == "blur"
    assert CLASSES.identity in prompts.identity
    with pytest.raises(ConfigError, match="at least one"):
        DomainPrompt(CLASSES, [])
    with pytest.raises(ConfigError, match='pass \\["in snow"\\]'):
        DomainPrompt(CLASSES, "in snow")


def test_a_paraphrase_is_asked_for_once_a_prompt() -> None:
    asked: list[str] = []

    def twice(text: str) -> Sequence[str]:
        asked.append(text)
        return [f"{text}?", f"{text}!"]

    prompts = ParaphrasePrompt(FixedPrompt("a bird"), twice, name="twice")
    assert {prompts.prompt(parent(0), seed) for seed in range(40)} == {"a bird?", "a bird!"}
    assert asked == ["a bird"]
    assert prompts.negative == ""


@pytest.mark.parametrize("said", [[], "a text", [3]])
def test_a_paraphrase_that_is_none_is_said(said: Sequence[str]) -> None:
    with pytest.raises(GeneratorError, match="return a list of texts"):
        ParaphrasePrompt(CLASSES, lambda text: said, name="odd").prompt(parent(0), 0)


def test_a_paraphrase_without_a_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a name"):
        ParaphrasePrompt(CLASSES, lambda text: [text], name="")

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import CaptionPrompt, ClassPrompt, DomainPrompt, FixedPrompt, ParaphrasePrompt
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


def test_a_prompt_keeps_its_words_while_others_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genaug_data.generators.pretrained.prompts.paraphrase._MOST_KEPT", 8)
    asked = itertools.count()
    prompts = ParaphrasePrompt(CaptionPrompt(), lambda text: [f"{text} {next(asked)}"], name="counting")
    batch = [parent(f"picture {number}") for number in range(40)]
    for start in range(0, 40, 4):
        some = batch[start : start + 4]
        assert [prompts.prompt(one, 0) for one in some] == [prompts.prompt(one, 0) for one in some]
    # Batches that do not divide what is kept.
    for start in range(0, 39, 3):
        some = batch[start : start + 3]
        assert [prompts.prompt(one, 0) for one in some] == [prompts.prompt(one, 0) for one in some]


@pytest.mark.parametrize("said", [[], "a text", [3]])
def test_a_paraphrase_that_is_none_is_said(said: Sequence[str]) -> None:
    with pytest.raises(GeneratorError, match="return a list of texts"):
        ParaphrasePrompt(CLASSES, lambda text: said, name="odd").prompt(parent(0), 0)


def test_a_paraphrase_without_a_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a name"):
        ParaphrasePrompt(CLASSES, lambda text: [text], name="")

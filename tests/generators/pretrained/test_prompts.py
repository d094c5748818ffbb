from __future__ import annotations

import pytest
import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import ClassPrompt, FixedPrompt


def test_a_prompt_names_the_class_or_nothing() -> None:
    named = ClassPrompt(["cat", "dog"], template="a sketch of a {}", negative="blur")
    assert [named.prompt(label) for label in (0, 1)] == ["a sketch of a cat", "a sketch of a dog"]
    assert (named.negative, FixedPrompt("a photo").prompt(torch.zeros(2, 2))) == ("blur", "a photo")
    names = {
        named.identity,
        ClassPrompt(["cat", "dog"]).identity,
        ClassPrompt(["cat"]).identity,
        FixedPrompt().identity,
    }
    assert len(names) == 4


@pytest.mark.parametrize("target", [2, -1, torch.zeros(2, 2), "cat"])
def test_what_is_no_class_has_no_prompt(target: object) -> None:
    with pytest.raises(GeneratorError, match="no id of the 2 classes"):
        ClassPrompt(["cat", "dog"]).prompt(target)


@pytest.mark.parametrize("template", ["a photo", "{} and {}"])
def test_a_template_without_one_place_is_refused(template: str) -> None:
    with pytest.raises(ConfigError, match=r"one \{\} for the name"):
        ClassPrompt(["cat"], template=template)

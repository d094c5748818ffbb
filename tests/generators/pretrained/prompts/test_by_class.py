from __future__ import annotations

import pytest
import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import ClassPrompt
from genaug_data.sample import Target
from tests.generators.pretrained.prompts.parents import parent


def test_a_prompt_names_the_class() -> None:
    named = ClassPrompt(["cat", "dog"], template="a sketch of a {}", negative="blur")
    assert [named.prompt(parent(label), 0) for label in (0, 1)] == ["a sketch of a cat", "a sketch of a dog"]
    assert named.negative == "blur"
    names = {named.identity, ClassPrompt(["cat", "dog"]).identity, ClassPrompt(["cat"]).identity}
    assert len(names) == 3


def test_each_variant_draws_one_of_several_templates() -> None:
    prompts = ClassPrompt(["cat"], template=["a {}", "one {}", "the {}"])
    found = [prompts.prompt(parent(0), seed) for seed in range(60)]
    assert set(found) == {"a cat", "one cat", "the cat"}
    assert found == [prompts.prompt(parent(0), seed) for seed in range(60)]


def test_anonymous_prompts_hold_no_name() -> None:
    assert ClassPrompt.anonymous(3, "{} outside").prompt(parent(2), 0) == "<class-2> outside"


@pytest.mark.parametrize("target", [2, -1, torch.zeros(2, 2), "cat"])
def test_what_is_no_class_has_no_prompt(target: Target) -> None:
    with pytest.raises(GeneratorError, match="no id of the 2 classes"):
        ClassPrompt(["cat", "dog"]).prompt(parent(target), 0)


@pytest.mark.parametrize("template", ["a photo", "{} and {}"])
def test_a_template_without_one_place_is_refused(template: str) -> None:
    with pytest.raises(ConfigError, match=r"one \{\} for the name"):
        ClassPrompt(["cat"], template=template)


def test_no_class_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one class"):
        ClassPrompt([])


def test_braces_that_are_no_place_for_the_name_stay() -> None:
    assert ClassPrompt(["ca{t}"], template="{{}} in {style}").prompt(parent(0), 0) == "{ca{t}} in {style}"


def test_one_name_in_the_place_of_a_list_is_refused() -> None:
    with pytest.raises(ConfigError, match='pass \\["cat"\\]'):
        ClassPrompt("cat")


def test_many_names_are_named_by_their_hash() -> None:
    names = [f"species {number}" for number in range(1000)]
    identity = ClassPrompt(names).identity
    assert len(identity) < 200
    assert identity.startswith("ClassPrompt(1000 classes ")
    assert identity != ClassPrompt([*names[:-1], "another"]).identity

from __future__ import annotations

from pathlib import Path

import pytest

from genaug_data.errors import GenaugWarning
from genaug_data.generators.pretrained import ClassPrompt, DomainPrompt, FixedPrompt, ImageToImage
from genaug_data.generators.pretrained.protocol import FEW, warn_of_class_names
from genaug_data.testing.tiny_models import save_stable_diffusion
from tests.generators.pretrained.adapters.training_set import pictures

NAMED = ClassPrompt(["cat", "dog"])


@pytest.mark.parametrize("prompts", [NAMED, DomainPrompt(NAMED, ["in snow"])])
def test_class_names_in_a_few_shot_set_are_warned_of(prompts: DomainPrompt) -> None:
    with pytest.warns(
        GenaugWarning, match=r"the prompts name classes \('cat' for one\) .* there are 4 examples a class"
    ):
        warn_of_class_names(prompts, examples=8)
    with pytest.warns(GenaugWarning):
        warn_of_class_names(prompts, examples=2 * FEW)


@pytest.mark.parametrize("prompts", [ClassPrompt.anonymous(2), FixedPrompt("a photo")])
def test_who_names_no_class_is_not_warned(prompts: FixedPrompt) -> None:
    warn_of_class_names(prompts, examples=2)


def test_many_examples_are_no_few_shot_protocol() -> None:
    warn_of_class_names(NAMED, examples=2 * FEW + 1)


def test_a_generator_warns_once(tmp_path: Path) -> None:
    generator = ImageToImage(str(save_stable_diffusion(tmp_path / "model")), prompts=NAMED, device="cpu")
    with pytest.warns(GenaugWarning, match="the prompts name classes"):
        generator.fit(pictures(2), tmp_path / "fits", progress=False)
    generator.fit(pictures(2), tmp_path / "fits", progress=False)

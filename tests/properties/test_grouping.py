"""However orders are grouped, the same images are made and the same verdicts given."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.gates import Gate, Leak, NoOp, Validity, judge_all
from genaug_data.generators import BaseGenerator, InDomainDiffusion, ParentBatch
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator
from genaug_data.testing.rules import difference

COUNT = 10
SIZES = [(1, 8, 8), (1, 8, 8), (1, 6, 7)]
RECIPES = [Recipe(0.5, steps=4), Recipe(0.9, guidance_scale=1.0, steps=3)]


def image(number: int, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(number))


PARENTS = [Sample(image(number, SIZES[number % 3]), number % 2) for number in range(COUNT)]
REQUESTS = [Request(number, 0, RECIPES[number % 2], 50 + number) for number in range(COUNT)]
# Copies, blank images, and others.
CHILDREN = [
    Sample([parent.image, parent.image * 0, image(90 + number, parent.image.shape)][number // 2 % 3], parent.target)
    for number, parent in enumerate(PARENTS)
]


class Smears(BaseGenerator):
    """A member of the template that pads, with noise from each seed."""

    identity, multiple = "smears", 4

    def make(self, batch: ParentBatch) -> torch.Tensor:
        noise = [torch.rand(batch.images.shape[1:], generator=torch_generator(seed)) for seed in batch.seeds]
        return batch.images.roll(1, -1) / 2 + torch.stack(noise) / 4


@pytest.fixture(scope="module")
def generators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[BaseGenerator, list[Sample], int]]:
    """Return generators, what they make of all orders at once, and the grey levels that rounding may take."""
    fitted = InDomainDiffusion(max_steps=3, batch_size=4, channels=(8, 8), device="cpu")
    fitted.fit(PARENTS, tmp_path_factory.mktemp("fit"), progress=False)
    template = Smears(batch_size=3)
    return {
        "in domain": (fitted, fitted.generate(PARENTS, REQUESTS), 1),
        "template": (template, template.generate(PARENTS, REQUESTS), 0),
    }


@st.composite
def groupings(draw: st.DrawFn) -> list[list[int]]:
    """Draw an order of all places, cut into groups."""
    order = draw(st.permutations(range(COUNT)))
    cuts = sorted(draw(st.sets(st.integers(1, COUNT - 1), max_size=4)))
    return [list(order[start:end]) for start, end in zip([0, *cuts], [*cuts, COUNT], strict=True)]


@pytest.mark.parametrize("name", ["in domain", "template"])
@settings(deadline=None, max_examples=10)
@given(groups=groupings())
def test_images_do_not_depend_on_how_orders_are_grouped(generators: dict, name: str, groups: list[list[int]]) -> None:
    generator, together, tolerance = generators[name]
    for group in groups:
        made = generator.generate([PARENTS[place] for place in group], [REQUESTS[place] for place in group])
        for place, child in zip(group, made, strict=True):
            assert difference(child.image, together[place].image) <= tolerance
            assert child.target == PARENTS[place].target


@pytest.fixture(scope="module")
def gates() -> Iterator[list[Gate]]:
    leak = Leak([[Sample(image(200 + number, (1, 8, 8)), 0) for number in range(6)] + [CHILDREN[4]]])
    leak.prepare(PARENTS, progress=False)
    return [Validity(), NoOp(), leak]


@settings(deadline=None, max_examples=20)
@given(groups=groupings())
def test_verdicts_do_not_depend_on_how_children_are_grouped(gates: list[Gate], groups: list[list[int]]) -> None:
    together = judge_all(gates, PARENTS, CHILDREN)
    assert {verdicts[-1].gate for verdicts in together if not verdicts[-1].accepted} == {"validity", "no_op", "leak"}
    for group in groups:
        judged = judge_all(gates, [PARENTS[place] for place in group], [CHILDREN[place] for place in group])
        for place, verdicts in zip(group, judged, strict=True):
            expected = together[place]
            assert [(one.gate, one.accepted) for one in verdicts] == [(one.gate, one.accepted) for one in expected]
            assert [one.score for one in verdicts] == pytest.approx([one.score for one in expected], abs=1e-5)

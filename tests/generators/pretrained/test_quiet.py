from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from diffusers.utils import logging as of_diffusers
from transformers.utils import logging as of_transformers

from genaug_data.generators.pretrained.quiet import quiet

BOTH = (of_diffusers, of_transformers)


def state() -> list[tuple[int, bool]]:
    return [(each.get_verbosity(), each.is_progress_bar_enabled()) for each in BOTH]


@pytest.fixture(params=[True, False])
def bars(request: pytest.FixtureRequest) -> Iterator[bool]:
    before = state()
    for each in BOTH:
        each.set_verbosity_info()
        (each.enable_progress_bar if request.param else each.disable_progress_bar)()
    yield request.param
    for each, (verbosity, shown) in zip(BOTH, before, strict=True):
        each.set_verbosity(verbosity)
        (each.enable_progress_bar if shown else each.disable_progress_bar)()


def test_it_is_quiet_inside_and_as_it_was_behind(bars: bool) -> None:
    before = state()
    assert [shown for _, shown in before] == [bars, bars]
    inside = []
    with suppress(KeyError), quiet():
        inside += state()
        raise KeyError
    assert inside == [(of_diffusers.ERROR, False), (of_transformers.ERROR, False)]
    assert state() == before

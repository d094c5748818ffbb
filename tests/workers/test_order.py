from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from genaug_data.errors import GeneratorError
from genaug_data.sample import Request, Sample
from genaug_data.workers import Job
from genaug_data.workers.order import order_of, provenance_of
from tests.toys import Noisy
from tests.workers.orders import requests_for


class Names(Noisy):
    told: object = None

    def origin(self, parent: Sample, request: Request) -> Mapping[str, str]:
        return {"prompt": "a cat", "model": "m", **({} if self.told is None else {"parents": self.told})}


@pytest.mark.parametrize(
    ("told", "parents"), [(None, (2,)), ("", (2,)), ("7", (2, 7)), ("2,7", (2, 7)), (" 7 , 5", (2, 7, 5))]
)
def test_other_parents_are_kept_with_the_variant(job: Callable[..., Job], told: object, parents: tuple) -> None:
    generator = Names()
    generator.told = told
    wanted = job(generator)
    made = provenance_of(wanted, order_of(wanted, requests_for(2)[0]), [], 0.25)
    assert made.parents == parents
    assert (made.prompt, made.origin["model"], made.seconds) == ("a cat", "m", 0.25)


@pytest.mark.parametrize("told", ["[2, 7]", "2;7", "-1", (2, 7), 7, "2,,7"])
def test_parents_that_nobody_could_find_again_are_refused(job: Callable[..., Job], told: object) -> None:
    generator = Names()
    generator.told = told
    wanted = job(generator)
    with pytest.raises(
        GeneratorError, match=r"'parents' in a generator's origin\(\) must be indices separated by commas"
    ):
        provenance_of(wanted, order_of(wanted, requests_for(2)[0]), [], 0.25)

from __future__ import annotations

import threading
from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.catalogue import Catalogue


def _key(number: int) -> bytes:
    return number.to_bytes(16, "big")


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 12)), max_size=60))
def test_it_holds_what_was_added_and_not_discarded(steps: list[tuple[bool, int, int]]) -> None:
    catalogue, model = Catalogue(), {}
    for add, parent, number in steps:
        key = _key(number)
        if add:
            assert catalogue.add(parent, key) == (key not in model)
            model.setdefault(key, parent)
        else:
            lost = catalogue.discard([key])
            assert lost == ({model.pop(key): 1} if key in model else {})
    assert len(catalogue) == len(model)
    assert {key: parent for key, parent, _ in catalogue.items()} == model
    catalogue.publish()
    drawn = {catalogue.draw(0, place / 200) for place in range(200)}
    assert {token.index for token in drawn if token} == set(model.values())


def test_draws_follow_the_priorities_and_are_counted() -> None:
    catalogue = Catalogue()
    for parent in range(3):
        catalogue.add(parent, _key(parent))
    catalogue.publish(np.array([0.1, 0.6, 0.3]))
    drawn = Counter(catalogue.draw(0, (place + 0.5) / 1000).index for place in range(1000))
    assert drawn == {0: 100, 1: 600, 2: 300}
    assert {child.parent: child.drawn for child in catalogue.children()} == drawn
    assert {shown for _, _, shown in catalogue.items()} == {0}


def test_parents_without_any_priority_are_drawn_alike() -> None:
    catalogue = Catalogue()
    catalogue.add(0, _key(0))
    catalogue.add(1, _key(1))
    catalogue.publish(np.zeros(2))
    assert [catalogue.draw(0, uniform).index for uniform in (0.1, 0.6, 0.999999)] == [0, 1, 1]


def test_nothing_is_drawn_before_it_is_published_and_a_discarded_key_does_no_harm() -> None:
    catalogue = Catalogue()
    catalogue.add(0, _key(0))
    assert catalogue.draw(0, 0.5) is None
    catalogue.publish()
    catalogue.discard([_key(0)])
    assert catalogue.draw(0, 0.5).key == _key(0)
    catalogue.publish()
    assert catalogue.draw(0, 0.5) is None


def test_drawing_goes_on_while_another_thread_changes_it() -> None:
    catalogue, stop = Catalogue(), threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            catalogue.add(number % 7, _key(number))
            catalogue.publish(np.full(7, 1 / 7))
            if number >= 20:
                catalogue.discard([_key(number - 20)])
            number += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        drawn = [catalogue.draw(0, place / 20_000) for place in range(20_000)]
    finally:
        stop.set()
        thread.join()
    assert all(token is None or (token.index == int.from_bytes(token.key, "big") % 7) for token in drawn)

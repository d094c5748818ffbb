from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.lineup import Child, Lineup, Snapshot


def snapshot(number: int) -> Snapshot:
    return Snapshot((number,), (1.0,), ((Child(number.to_bytes(16, "big"), number),),))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.one_of(st.integers(0, 30), st.none()), max_size=8),
    st.lists(st.integers(0, 30), max_size=3),
    st.integers(0, 30),
)
def test_a_slot_is_drawn_from_the_last_snapshot_that_was_scheduled_for_it(
    slots: list[int | None], forgotten: list[int], first: int
) -> None:
    """The model: a later schedule overrules an earlier one from its slot on, and one for at once overrules all."""
    lineup, model = Lineup(), {}
    for number, slot in enumerate(slots, start=1):
        lineup.publish(snapshot(number), slot)
        for place in range(slot or 0, 31):
            model[place] = number
    for slot in forgotten:
        if slot <= first:
            lineup.forget_before(slot)
    for slot in range(first, 31):
        token = lineup.draw(slot, 0.5)
        assert (None if token is None else token.index) == model.get(slot)
    lineup.begin_pass()
    token = lineup.draw(0, 0.5)
    assert (None if token is None else token.index) == (len(slots) or None)


def test_forgetting_keeps_what_later_slots_are_drawn_from() -> None:
    lineup = Lineup()
    for number, slot in ((1, 0), (2, 10), (3, 20)):
        lineup.publish(snapshot(number), slot)
    assert {int.from_bytes(key, "big") for key in lineup.held()} == {1, 2, 3}
    lineup.forget_before(15)
    assert {int.from_bytes(key, "big") for key in lineup.held()} == {2, 3}
    lineup.forget_before(19)
    assert lineup.draw(19, 0.5).index == 2
    lineup.forget_before(20)
    assert {int.from_bytes(key, "big") for key in lineup.held()} == {3}

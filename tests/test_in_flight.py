from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.in_flight import InFlight, Miss
from genaug_data.meta import SampleMeta
from genaug_data.sample import Token


def _key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def meta(*rows: Token) -> SampleMeta:
    return SampleMeta.pack([row.index for row in rows], [row.key for row in rows])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=12), st.integers(0, 20), st.integers(0, 9))
def test_what_was_observed_is_what_was_drawn_less_what_is_ahead(
    batches: list[tuple[int, bool]], ahead: int, first: int
) -> None:
    tokens = [Token(index) for index in range(sum(size for size, _ in batches) + ahead)]
    flight, seen = InFlight(), first
    flight.begin(first)
    for token in tokens:
        flight.add(token)
    place = 0
    for size, is_observed in batches:
        batch = tokens[place : place + size]
        place += size
        if is_observed:
            assert flight.observe(meta(*batch)) == []
            seen = first + place
        assert flight.observed == seen
    assert flight.drawn == first + len(tokens)


def test_a_variant_that_was_not_shown_is_a_miss() -> None:
    flight = InFlight()
    flight.begin(100)
    for token in (Token(1), Token(2, _key(2)), Token(3, _key(3)), Token(4)):
        flight.add(token)
    assert flight.observe(meta(Token(1), Token(2), Token(3, _key(3)))) == [Miss(101, _key(2))]
    assert flight.observed == 103


def test_a_batch_of_another_sampler_changes_nothing() -> None:
    flight = InFlight()
    for index in range(6):
        flight.add(Token(index))
    assert flight.observe(meta(Token(9), Token(4))) == []
    assert flight.observe(meta(*map(Token, range(3, 9)))) == []
    assert flight.observed == 0
    assert flight.observe(meta()) == []
    assert flight.observe(meta(Token(0), Token(1))) == []
    assert flight.observed == 2


def test_a_batch_that_is_observed_twice_counts_once() -> None:
    flight, batch = InFlight(), meta(Token(0), Token(1))
    for index in range(4):
        flight.add(Token(index))
    flight.observe(batch)
    flight.observe(batch)
    assert flight.observed == 2


def test_a_loop_that_never_observes_takes_bounded_memory() -> None:
    flight = InFlight()
    flight.begin(7)
    for index in range(200_000):
        flight.add(Token(index, _key(index) if index % 4 == 0 else None))
    assert len(flight.tokens) == 1 << 17
    assert (flight.observed, flight.reached, flight.synthetic) == (7, 200_007, 50_000)
    assert flight.observe(meta(Token(199_998), Token(199_999))) == []
    assert (flight.observed, flight.reached, flight.synthetic) == (200_007, 200_007, 0)

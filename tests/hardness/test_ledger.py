import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.errors import ConfigError, DataError
from genaug_data.hardness import TrialCounts, TrialLedger


def key(number):
    return number.to_bytes(16, "little")


def rows(losses, probabilities):
    statistics = np.full((9, len(losses)), np.nan, dtype=np.float32)
    statistics[0], statistics[2] = losses, probabilities
    return statistics


def as_array(keys):
    return np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, 16)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.lists(st.integers(0, 6), max_size=4)),
        st.tuples(st.just("forget"), st.lists(st.integers(0, 6), max_size=3)),
        st.tuples(
            st.just("update"),
            st.lists(
                st.tuples(
                    st.integers(0, 6),
                    st.sampled_from([0.0, 0.5, 3.0, math.nan, math.inf]),
                    st.sampled_from([0.0, 0.05, 0.5, 1.0, math.nan, math.inf]),
                ),
                max_size=6,
            ),
        ),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(steps, st.booleans())
def test_the_ledger_equals_a_dictionary_of_lists(actions, arrays):
    ledger, slow, nan, unknown = TrialLedger(uses=2), {}, 0, 0
    counts = TrialCounts(0, 0)
    for action, given_ in actions:
        if action == "enter":
            ledger.enter(key(number) for number in given_)
            for number in given_:
                slow.setdefault(number, [])
        elif action == "forget":
            ledger.forget(key(number) for number in given_)
            for number in given_:
                slow.pop(number, None)
        else:
            keys = [key(number) for number, _, _ in given_]
            seen = rows([loss for _, loss, _ in given_], [probability for _, _, probability in given_])
            found = ledger.update(as_array(keys) if arrays else keys, seen)
            counts = TrialCounts(counts.nan + found.nan, counts.unknown + found.unknown)
            for number, loss, probability in given_:
                if not math.isfinite(loss) or math.isinf(probability):
                    nan += 1
                elif number not in slow:
                    unknown += 1
                else:
                    slow[number].append(math.exp(-loss) if math.isnan(probability) else probability)
    assert counts == (nan, unknown)
    assert len(ledger) == len(slow)
    expected = {}
    for number, probabilities in slow.items():
        mean = sum(probabilities) / len(probabilities) if probabilities else 0.5
        if len(probabilities) >= 2 and (mean <= 0.1 or mean >= 0.99):
            expected[key(number)] = "wrong" if mean <= 0.1 else "right"
    assert ledger.retired() == expected
    again = TrialLedger(uses=2)
    again.load_state_dict(ledger.state_dict())
    assert again.retired() == expected
    assert len(again) == len(slow)


def test_thousands_of_trials_keep_their_own_accounts():
    ledger, count = TrialLedger(uses=1), 5000
    ledger.enter(key(number) for number in range(count))
    ledger.forget(key(number) for number in range(0, count, 3))
    keys = [key(number) for number in range(count)]
    probabilities = [0.0 if number % 5 == 0 else 1.0 if number % 5 == 1 else 0.5 for number in range(count)]
    found = ledger.update(as_array(keys), rows([1.0] * count, probabilities))
    assert found == (0, len(range(0, count, 3)))
    assert ledger.retired() == {
        key(number): "wrong" if number % 5 == 0 else "right"
        for number in range(count)
        if number % 3 and number % 5 in (0, 1)
    }


def test_one_row_twice_in_a_step_counts_twice():
    ledger = TrialLedger(uses=2)
    ledger.enter([key(1)])
    ledger.update([key(1), key(1)], rows([0.0, 0.0], [1.0, 1.0]))
    assert ledger.retired() == {key(1): "right"}


def test_without_logits_the_loss_gives_the_probability_however_odd_it_is():
    ledger = TrialLedger(uses=1)
    ledger.enter([key(1), key(2), key(3), key(4)])
    ledger.update([key(n) for n in (1, 2, 3, 4)], rows([5.0, 0.001, 1e30, -3.0], [math.nan] * 4))
    assert ledger.retired() == {key(1): "wrong", key(2): "right", key(3): "wrong", key(4): "right"}


def test_a_variant_that_comes_back_starts_anew():
    ledger = TrialLedger(uses=2)
    ledger.enter([key(1)])
    ledger.update([key(1)], rows([0.0], [0.0]))
    ledger.enter([key(1)])
    assert ledger.state_dict()["uses"].tolist() == [1]
    ledger.forget([key(1), key(9)])
    assert ledger.update([key(1)], rows([0.0], [0.0])) == (0, 1)
    ledger.enter([key(1)])
    ledger.update([key(1)], rows([0.0], [0.0]))
    assert ledger.retired() == {}


def test_a_state_is_a_copy_of_plain_arrays():
    ledger = TrialLedger()
    ledger.enter([key(1), key(2)])
    ledger.update([key(2)], rows([1.0], [0.25]))
    state = ledger.state_dict()
    ledger.update([key(2)], rows([1.0], [0.25]))
    assert {name: value.tolist() for name, value in state.items()} == {
        "keys": [list(key(1)), list(key(2))],
        "uses": [0, 1],
        "probability": [0.0, 0.25],
    }


@pytest.mark.parametrize(
    "state",
    [
        {"uses": np.zeros(1), "probability": np.zeros(1)},
        {"keys": np.zeros((2, 16)), "uses": np.zeros(1), "probability": np.zeros(2)},
        {"keys": np.zeros((2, 8)), "uses": np.zeros(2), "probability": np.zeros(2)},
        {"keys": np.zeros(()), "uses": np.zeros(0), "probability": np.zeros(0)},
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state):
    ledger = TrialLedger()
    ledger.enter([key(1)])
    with pytest.raises(DataError, match=r"must hold keys \(K, 16\), uses \(K,\) and probability \(K,\), got .*; pass"):
        ledger.load_state_dict(state)
    assert len(ledger) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"uses": 0}, "uses must be at least 1, got 0; 3 judges a variant after three steps"),
        ({"wrong_below": 0.5, "right_above": 0.5}, "0 <= wrong_below < right_above <= 1 must hold, got 0.5 and 0.5"),
        ({"right_above": 1.1}, "must hold, got 0.1 and 1.1"),
    ],
)
def test_values_outside_their_range_are_refused(arguments, sentence):
    with pytest.raises(ConfigError, match=sentence):
        TrialLedger(**arguments)

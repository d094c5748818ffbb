from __future__ import annotations

import threading
import warnings

import pytest

from genaug_data.errors import GenaugWarning
from genaug_data.sayings import Sayings


def test_each_sentence_is_said_once_where_it_is_asked_for() -> None:
    sayings = Sayings()
    writers = [threading.Thread(target=sayings.add, args=(sentence,)) for sentence in ("a", "b", "a")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for writer in writers:
            writer.start()
            writer.join()
    with pytest.warns(GenaugWarning) as caught:
        sayings.speak()
    assert [str(warning.message) for warning in caught] == ["a", "b"]
    sayings.add("a")
    sayings.speak()
    sayings.add("c")
    with pytest.warns(GenaugWarning, match="c"):
        sayings.speak()


def test_what_an_error_says_no_warning_repeats() -> None:
    sayings = Sayings()
    assert sayings.last() == "no reason was given"
    sayings.add("a")
    assert sayings.last() == "a"
    sayings.speak()

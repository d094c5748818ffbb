from __future__ import annotations

from pathlib import Path

import pytest

from genaug_data.sample import Recipe, Request
from genaug_data.workers import outbox
from genaug_data.workers.errands import Errand
from genaug_data.workers.outbox import Outbox

REQUESTS = [Request(number, 0, Recipe(), number) for number in range(4)]
PLACES = [request.place for request in REQUESTS]
ERRAND = Errand(REQUESTS[:2])


class Line(list):
    """Notes what is sent, until it is cut."""

    is_cut = False

    def send(self, message: tuple) -> None:
        if self.is_cut:
            raise BrokenPipeError
        verb, argument = message
        self.append((verb, list(argument) if isinstance(argument, list) else argument))


def sent(box: Outbox) -> list:
    line = Line()
    box.send(line)
    return list(line)


def test_what_waits_is_sent_once_the_snapshot_before_the_errands() -> None:
    box = Outbox()
    box.errands.append(ERRAND)
    box.withdraw(REQUESTS[:1], PLACES)
    box.evict([b"a"])
    box.snapshot = Path("s")
    assert box.has_snapshot
    expected = [("evict", [b"a"]), ("learn", Path("s")), ("run", ERRAND), ("withdraw", REQUESTS[:1])]
    assert sent(box) == expected
    assert not box.has_snapshot
    assert sent(box) == []


def test_evictions_go_one_message_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_KEYS_A_MESSAGE", 2)
    box = Outbox()
    box.evict([b"a", b"b", b"c"])
    assert sent(box) == [("evict", [b"a", b"b"])]
    assert (sent(box), box.evicting) == ([], 3)
    box.evicted()
    assert box.evicting == 1
    assert sent(box) == [("evict", [b"c"])]


def test_only_what_is_outstanding_is_withdrawn_and_once() -> None:
    box = Outbox()
    box.withdraw(REQUESTS, PLACES[1:3])
    box.withdraw(REQUESTS, PLACES[1:3])
    assert sent(box) == [("withdraw", REQUESTS[1:3])]
    # Answered, and asked for again.
    box.answered(PLACES[1])
    box.withdraw(REQUESTS, PLACES[1:3])
    assert sent(box) == [("withdraw", REQUESTS[1:2])]


def sent_once() -> Outbox:
    """A box whose child was sent something of every kind, and has carried nothing out."""
    box = Outbox()
    box.errands.append(ERRAND)
    box.withdraw(REQUESTS[:2], PLACES)
    box.evict([b"a"])
    box.snapshot = Path("s")
    assert len(sent(box)) == 4
    return box


def test_another_child_is_told_all_that_was_not_carried_out() -> None:
    box = sent_once()
    box.evict([b"b"])
    box.answered(PLACES[0])
    left = Errand(REQUESTS[1:])
    box.address_anew([left])
    expected = [("evict", [b"a", b"b"]), ("learn", Path("s")), ("run", left), ("withdraw", REQUESTS[1:2])]
    assert sent(box) == expected


def test_what_a_dead_child_was_not_sent_is_not_lost() -> None:
    box, line = Outbox(), Line()
    box.errands.append(ERRAND)
    line.is_cut = True
    with pytest.raises(BrokenPipeError):
        box.send(line)
    assert sent(box) == [("run", ERRAND)]


def test_a_cleared_box_keeps_the_snapshot_alone() -> None:
    box = sent_once()
    box.clear()
    assert box.evicting == 0
    assert sent(box) == [("learn", Path("s"))]

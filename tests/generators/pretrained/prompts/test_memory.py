from __future__ import annotations

import pytest

from genaug_data.generators.pretrained.prompts.memory import Memory


def test_it_asks_once_and_forgets_what_was_not_recalled_lately() -> None:
    asked: list[str] = []
    memory: Memory[str, str] = Memory(most=2)

    def recall(key: str) -> str:
        return memory.recall(key, lambda: asked.append(key) or key.upper())

    assert [recall(key) for key in "abacab"] == list("ABACAB")
    # b was the one not recalled lately when c came.
    assert asked == ["a", "b", "c", "b"]


def test_what_fails_is_asked_again() -> None:
    memory: Memory[str, str] = Memory()
    with pytest.raises(ZeroDivisionError):
        memory.recall("a", lambda: str(1 / 0))
    assert memory.recall("a", lambda: "b") == "b"

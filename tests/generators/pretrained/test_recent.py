from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch

from genaug_data.generators.pretrained.recent import Recent, Tensors


class Work:
    """Works keys out, 8 bytes for each letter, and knows which it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, missing: Sequence[str]) -> list[Tensors]:
        self.asked.append(list(missing))
        return [self.answer(key) for key in missing]

    @staticmethod
    def answer(key: str) -> Tensors:
        return {"x": torch.full((len(key),), float(ord(key[0]))), "y": torch.zeros(len(key))}


def test_each_key_is_worked_out_once() -> None:
    recent, work = Recent(1 << 20), Work()
    found = recent.get(["a", "b", "a", "a"], work)
    assert [row["x"].item() for row in found] == [97, 98, 97, 97]
    assert [row["x"].item() for row in recent.get(["c", "b"], work)] == [99, 98]
    assert recent.get([], work) == []
    assert work.asked == [["a", "b"], ["c"]]
    assert len(recent) == 3


def test_the_latest_are_kept_up_to_a_number_of_bytes() -> None:
    recent, draw = Recent(80), torch.Generator().manual_seed(0)
    kept: OrderedDict[str, int] = OrderedDict()
    for _ in range(200):
        keys = ["abcdefgh"[int(i)] * (int(i) + 1) for i in torch.randint(0, 8, (3,), generator=draw)]
        work = Work()
        found = recent.get(keys, work)
        assert all(row["x"].equal(Work.answer(key)["x"]) for row, key in zip(found, keys, strict=True))
        assert [key for asked in work.asked for key in asked] == [key for key in dict.fromkeys(keys) if key not in kept]
        for key in dict.fromkeys(keys):
            kept[key] = 8 * len(key)
            kept.move_to_end(key)
        while sum(kept.values()) > 80:
            kept.popitem(last=False)
        assert len(recent) == len(kept)


def test_one_that_is_larger_than_all_there_is_room_for_is_answered_and_not_kept() -> None:
    recent, work = Recent(16), Work()
    assert recent.get(["abc"], work)[0]["x"].shape == (3,)
    assert len(recent) == 0
    recent.get(["abc"], work)
    assert work.asked == [["abc"], ["abc"]]

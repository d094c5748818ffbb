"""Fault 12: however DataLoader workers are started, and however many, a run shows the same tokens and pixels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from tests.loops import train_for
from tests.toys import toy_base

WAYS = [(method, persistent, count) for method in ("fork", "spawn", "forkserver") for persistent in (False, True)
        for count in (1, 2)]  # fmt: skip


def shown(wrap: Callable, name: str, **arguments: object) -> list[tuple]:
    train = wrap(toy_base(56), cache=name, ratio=0.5)
    return [(images, labels.tolist(), meta.rows.tobytes()) for images, labels, meta in train_for(train, 2, **arguments)]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:
    from genaug_data.dataset import GenerativeAugmentDataset
    from tests.toys import Noisy

    def wrap(base: object, **arguments: object) -> GenerativeAugmentDataset:
        return GenerativeAugmentDataset(
            base,
            generator=Noisy(),
            gates=[],
            worker="inline",
            mode="sync",
            refresh_every=2,
            progress=False,
            **arguments,
        )

    return shown(wrap, str(tmp_path_factory.mktemp("expected") / "cache"))


@pytest.mark.parametrize(("method", "persistent", "count"), WAYS)
def test_the_stream_is_the_same(
    wrap: Callable, tmp_path: object, expected: list[tuple], method: str, persistent: bool, count: int
) -> None:
    arguments = {"multiprocessing_context": method, "persistent_workers": persistent, "num_workers": count}
    # Two batches are as far ahead as refresh_every lets workers draw.
    found = shown(wrap, f"{tmp_path}/cache", prefetch_factor=2 // count, **arguments)
    # Of each row of the meta, the byte before the last says whether it is a variant.
    assert sum(b"\x01" in rows[24::26] for _, _, rows in expected) > 3
    assert [rows for _, *rows in found] == [rows for _, *rows in expected]
    assert all(torch.equal(one[0], other[0]) for one, other in zip(found, expected, strict=True))

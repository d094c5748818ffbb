"""The dataset that a DataLoader worker holds, without any run behind it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.mixed import MixedDataset
from genaug_data.sample import Provenance, Recipe, Sample, Token
from genaug_data.tasks import resolve_task
from tests.toys import toy_base

KEY, ABSENT = b"k" * 16, b"a" * 16
VARIANT = torch.full((1, 8, 8), 7, dtype=torch.uint8)


@pytest.fixture
def mixed(tmp_path: Path) -> MixedDataset:
    made = Provenance(2, "ab", 0, "f", Recipe(), 1, (), 0.5)
    with CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=1 << 20) as writer:
        writer.put([(KEY, Sample(VARIANT, 2), made)])
    base = toy_base(6)
    return MixedDataset(
        base, resolve_task("auto", base), CacheReader(tmp_path),
        transform=lambda image: image.int() + 1000, transforms=None, synthetic_weight=0.5, held_out=None,
    )  # fmt: skip


def test_tokens_name_variants_and_numbers_real_examples(mixed: MixedDataset) -> None:
    real = toy_base(6)
    tokens = [Token(2, KEY), Token(3), 4, -1, Token(2, ABSENT)]
    batch = mixed.__getitems__(tokens)
    shown = [image - 1000 for image, _ in batch]
    expected = [VARIANT, real[3][0], real[4][0], real[5][0], real[2][0]]
    assert all(torch.equal(one, other.int()) for one, other in zip(shown, expected, strict=True))
    assert [label for _, label in batch] == [2, 0, 1, 2, 2]
    assert torch.equal(mixed[Token(2, KEY)][0] - 1000, VARIANT.int())
    assert len(mixed[1:3]) == 2
    assert len(mixed) == 6


def test_what_is_absent_counts_as_real(mixed: MixedDataset) -> None:
    meta = mixed.__getitems__([Token(2, KEY), Token(2, ABSENT), 0]).meta
    assert meta.synthetic.tolist() == [True, False, False]
    assert meta.weight().tolist() == [0.5, 1.0, 1.0]


def test_a_copy_for_another_process_reads_the_same(mixed: MixedDataset) -> None:
    mixed.transform = None
    copy = pickle.loads(pickle.dumps(mixed))
    assert torch.equal(copy[Token(2, KEY)][0], VARIANT)
    with pytest.raises(AttributeError):
        _ = copy.no_such_attribute

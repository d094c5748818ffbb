"""Whatever can be annotated is read back from a real cache as it was put."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.tv_tensors import Mask

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.cache.record import encode
from genaug_data.errors import DataError
from genaug_data.sample import Provenance, Recipe, Sample, content_hash
from genaug_data.seeding import torch_generator
from tests.properties.test_keys import equal

DTYPES = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32, torch.float64,
          torch.bool]  # fmt: skip
SEEDS = st.integers(0, 999)
# Any character at all, lone surrogates too.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=40)


def tensor(shape: tuple[int, ...], dtype: torch.dtype, high: int, seed: int, turned: bool = False) -> torch.Tensor:
    values = torch.randint(-high if dtype.is_signed else 0, high, shape, generator=torch_generator(seed)).to(dtype)
    # Transposed in memory, or not.
    return values.mT.contiguous().mT if turned and values.ndim > 1 else values


SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
TENSORS = st.builds(tensor, SHAPES, st.sampled_from(DTYPES), st.sampled_from([1, 2, 100]), SEEDS, st.booleans())
TARGETS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    TEXTS,
    TENSORS,
    st.builds(lambda high, seed: Mask(torch.randint(0, high, (5, 4), generator=torch_generator(seed))),
              st.sampled_from([1, 255, 256, 257, 10**9]), SEEDS),
    st.dictionaries(st.text(max_size=8), TENSORS, max_size=4),
    st.builds(lambda rows: {"boxes": torch.zeros(rows, 4), "labels": torch.arange(rows)}, st.integers(0, 2)),
)  # fmt: skip
IMAGES = st.builds(
    lambda channels, height, width, seed: tensor((channels, height, width), torch.uint8, 256, seed),
    st.sampled_from([1, 2, 3, 4]), st.integers(1, 12), st.sampled_from([1, 5, 128, 129]), SEEDS,
)  # fmt: skip
MADE = st.builds(
    Provenance,
    parent=st.integers(0, 2**63 - 1), parent_hash=st.text("0123456789abcdef"), variant=st.integers(0, 2**31 - 1),
    fingerprint=TEXTS, recipe=st.builds(Recipe, strength=st.floats(0.01, 1)), seed=st.integers(0, 2**63 - 1),
    verdicts=st.just(()), hardness=st.floats(0, 1), versions=st.dictionaries(TEXTS, TEXTS, max_size=2),
    created=st.floats(0, 2**40), prompt=st.none() | TEXTS,
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.builds(Sample, IMAGES, TARGETS), MADE), min_size=1, max_size=4),
    st.sampled_from(["raw", "png", "auto"]),
)
def test_what_is_put_is_read_back_as_it_was(records: list, codec: str) -> None:
    keys = [number.to_bytes(16, "big") for number in range(len(records))]
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        with CacheWriter(cache, fingerprint="f", identity="i", max_bytes=1 << 24, codec=codec) as writer:
            assert writer.put([(key, sample, made) for key, (sample, made) in zip(keys, records, strict=True)]) == []
        with CacheReader(cache) as reader:
            for key, found, (sample, made) in zip(keys, reader.gather(keys), records, strict=True):
                assert found is not None
                assert equal(found, sample), (found.target, sample.target)
                assert type(found.target) is type(sample.target)
                assert content_hash(found) == content_hash(sample)
                assert reader.provenance(key) == made


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.complex64, torch.uint16, torch.float8_e4m3fn])
@pytest.mark.parametrize("named", [False, True])
def test_what_could_not_be_read_back_is_refused_in_a_sentence(dtype: torch.dtype, named: bool) -> None:
    value = torch.zeros(2, 2).to(dtype)
    target: Any = {"x": value} if named else value
    with pytest.raises(DataError, match=f"an annotation cannot be stored as {dtype}; convert it"):
        encode(
            b"k" * 16,
            Sample(torch.zeros(1, 2, 2, dtype=torch.uint8), target),
            Provenance(0, "", 0, "f", Recipe(), 0, (), 0.0),
        )

"""Records come back as they were, and nothing else is ever an image."""

from __future__ import annotations

import json
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.tv_tensors import Mask

from genaug_data.cache.decoding import Decoder
from genaug_data.cache.record import checksum, encode
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator
from tests.cache.records import image_of, key_of, made, same

targets = st.one_of(
    st.integers(-(2**40), 2**40),
    st.text(max_size=20),
    st.builds(lambda high, seed: Mask(torch.randint(0, high, (5, 4), generator=torch_generator(seed))),
              st.sampled_from([2, 200, 300, 10**6]), st.integers(0, 99)),
    st.builds(lambda rows, seed: {"boxes": torch.rand(rows, 4, generator=torch_generator(seed)),
                                  "labels": torch.arange(rows)}, st.integers(0, 3), st.integers(0, 99)),
    st.builds(lambda seed: torch.rand(3, 2, generator=torch_generator(seed)).double(), st.integers(0, 99)),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.tuples(st.sampled_from([1, 3, 4]), st.integers(1, 9), st.integers(1, 140)),
            targets,
            st.text(max_size=600),
        ),
        min_size=1, max_size=6,
    ),
    st.sampled_from(["auto", "raw", "png"]),
)  # fmt: skip
def test_records_come_back_as_they_were(kinds: list, codec: str) -> None:
    samples = [Sample(image_of(number, shape), target) for number, (shape, target, _) in enumerate(kinds)]
    records = [
        memoryview(encode(key_of(number), sample, made(text=text), codec))
        for number, (sample, (_, _, text)) in enumerate(zip(samples, kinds, strict=True))
    ]
    decoder = Decoder()
    for _ in range(2):
        decoded = decoder.samples([key_of(number) for number in range(len(records))], records)
        assert all(same(found, sample) for found, sample in zip(decoded, samples, strict=True))
    for number, (_, _, text) in enumerate(kinds):
        assert decoder.provenance(key_of(number), records[number]) == made(text=text)


def test_a_batch_of_one_kind_is_one_tensor() -> None:
    records = [
        memoryview(encode(key_of(number), Sample(image_of(number), number), made(number))) for number in range(4)
    ]
    found = Decoder().samples([key_of(number) for number in range(5)], [*records, None])
    assert found[4] is None
    assert len({sample.image.untyped_storage().data_ptr() for sample in found[:4]}) == 1
    assert all(sample.image.is_contiguous() for sample in found[:4])


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_changed_byte_is_never_an_image(data: st.DataObject) -> None:
    whole = bytearray(encode(key_of(0), Sample(image_of(1), 3), made()))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    (found,) = Decoder().samples([key_of(0)], [memoryview(bytes(whole))])
    # Three bytes of the prefix are padding, which says nothing.
    assert found is None or place in (5, 6, 7)


def test_a_record_under_the_key_of_another_is_never_an_image() -> None:
    records = [memoryview(encode(key_of(number), Sample(image_of(number), 3), made())) for number in range(2)]
    assert Decoder().samples([key_of(1), key_of(1)], records)[0] is None
    assert Decoder().provenance(key_of(1), records[0]) is None
    assert same(Decoder().samples([key_of(0)], records[:1])[0], Sample(image_of(0), 3))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2000))
def test_a_truncated_record_is_never_an_image(length: int) -> None:
    whole = encode(key_of(0), Sample(image_of(1), 3), made())
    part = memoryview(whole[: min(length, len(whole) - 1)])
    assert Decoder().samples([key_of(0)], [part]) == [None]
    assert Decoder().provenance(key_of(0), part) is None


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300), st.sampled_from([0, 1, 2]))
def test_records_of_a_stranger_with_a_right_checksum_do_no_harm(noise: bytes, codec: int) -> None:
    for blob in (noise, len(noise).to_bytes(8, "little") + noise, (2**63).to_bytes(8, "little") + noise):
        forged = struct.pack("<4sB3xQ", b"GAR1", codec, checksum(key_of(0), blob)) + blob
        assert Decoder().samples([key_of(0)], [memoryview(forged)]) == [None]
        assert Decoder().provenance(key_of(0), memoryview(forged)) is None


@pytest.mark.parametrize(
    "entries",
    [
        {"image": {"dtype": "U8", "shape": [3, 8, 8], "data_offsets": [0, 10**9]}},
        {"image": {"dtype": "U8", "shape": [-3, -8, 8], "data_offsets": [0, 192]}},
        {"image": {"dtype": "F32", "shape": [3, 4, 4], "data_offsets": [0, 192]}},
        {"image": {"dtype": "U8", "shape": [3, 8, 8], "data_offsets": [-192, 0]}},
        {"image": {"dtype": "OBJECT", "shape": [3, 8, 8], "data_offsets": [0, 192]}},
        {"image": {"dtype": "U8", "shape": [3, 8, 8], "data_offsets": [0, 192]},
         "provenance": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]},
         "target.int": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}},
        [],
        {"image": 3},
    ],
)  # fmt: skip
def test_headers_that_lie_are_refused(entries: object) -> None:
    header = json.dumps(entries).encode()
    blob = len(header).to_bytes(8, "little") + header + bytes(192)
    forged = struct.pack("<4sB3xQ", b"GAR1", 0, checksum(key_of(0), blob)) + blob
    assert Decoder().samples([key_of(0)], [memoryview(forged)]) == [None]

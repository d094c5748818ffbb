from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import struct
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Dataset
from torchvision.tv_tensors import Mask

from genaug_data.cache import CacheReader, CacheWriter, check_folder, prune, read_manifest, verify
from genaug_data.cache.decoding import Decoder
from genaug_data.cache.record import checksum, encode
from genaug_data.errors import CacheError, CacheFull, CacheLocked, ConfigError, DataError, GenaugWarning
from genaug_data.sample import Provenance, Recipe, Sample, Verdict
from genaug_data.seeding import torch_generator


def key_of(number: int) -> bytes:
    return number.to_bytes(16, "big")


def made(parent: int = 0, variant: int = 0, text: str = "") -> Provenance:
    verdicts = (Verdict("validity", 1.0, True, text),)
    return Provenance(parent, "ab", variant, "f", Recipe(), 5, verdicts, 0.5, {"torch": "2"}, 1.0)


def image_of(number: int, shape: tuple[int, ...] = (3, 8, 8)) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(number))


def record(number: int, shape: tuple[int, ...] = (3, 8, 8)) -> tuple[bytes, Sample, Provenance]:
    return key_of(number), Sample(image_of(number, shape), number % 10), made(number)


def same(one: Sample | None, two: Sample) -> bool:
    if one is None or not torch.equal(one.image, two.image) or type(one.target) is not type(two.target):
        return False
    if isinstance(two.target, torch.Tensor):
        return one.target.dtype == two.target.dtype and torch.equal(one.target, two.target)
    if isinstance(two.target, dict):
        return set(one.target) == set(two.target) and all(
            one.target[name].dtype == value.dtype and torch.equal(one.target[name], value)
            for name, value in two.target.items()
        )
    return one.target == two.target


@pytest.fixture
def writer(tmp_path: Path) -> Callable[..., CacheWriter]:
    opened = []

    def make(**arguments: object) -> CacheWriter:
        arguments = {"fingerprint": "f", "identity": "i", "max_bytes": 1 << 22} | arguments
        opened.append(CacheWriter(tmp_path / "cache", **arguments))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


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


def test_annotations_of_no_known_kind_are_refused() -> None:
    with pytest.raises(DataError, match="class id, text, tensor or mapping, got float"):
        encode(key_of(0), Sample(image_of(0), 0.5), made())  # type: ignore[arg-type]


def test_what_is_put_can_be_read(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    records = [record(number) for number in range(5)]
    one = writer()
    assert one.put(records) == []
    one.reject([(key_of(9), made(9))])
    with CacheReader(tmp_path / "cache") as reader:
        found = reader.gather([key_of(number) for number in (3, 77, 0)])
        assert same(found[0], records[3][1])
        assert found[1] is None
        assert same(found[2], records[0][1])
        assert reader.provenance(key_of(2)) == made(2)
        assert reader.provenance(key_of(77)) is None
        assert [entry.parent for entry in reader.entries()] == [0, 1, 2, 3, 4]
        assert list(reader.rejections()) == [(key_of(9), made(9))]
        assert reader.stats() == one.stats()
    assert [one.status(key_of(number)) for number in (1, 9, 77)] == ["accepted", "rejected", None]
    assert one.evict([key_of(1), key_of(77)]) == 1
    assert one.status(key_of(1)) is None
    assert one.stats().records == 4


def test_a_record_written_again_replaces_itself(writer: Callable[..., CacheWriter]) -> None:
    one = writer()
    one.put([record(1)])
    before = one.stats()
    one.put([record(1)])
    assert one.stats() == before
    one.reject([(key_of(2), made(2))])
    one.put([record(2)])
    assert one.status(key_of(2)) == "accepted"
    assert one.stats().rejected == 0


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(4, 30))
def test_the_oldest_leave_and_the_bound_holds(tmp_path_factory: pytest.TempPathFactory, sizes: list, room: int) -> None:
    folder = tmp_path_factory.mktemp("bound")
    with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=room * 1000) as one:
        alive: list[bytes] = []
        number = 0
        for size in sizes:
            batch = [record(number + place) for place in range(size)]
            number += size
            evicted = one.put(batch)
            alive += [key for key, _, _ in batch]
            assert evicted == alive[: len(evicted)]
            alive = alive[len(evicted) :]
            assert one.stats().bytes <= room * 1000
            assert one.stats().records == len(alive)
    with CacheReader(folder) as reader:
        assert [entry.key for entry in reader.entries()] == alive
        assert sum(entry.nbytes for entry in reader.entries()) == reader.stats().bytes


def test_what_can_never_fit_is_refused(writer: Callable[..., CacheWriter]) -> None:
    one = writer(max_bytes=3000)
    one.put([record(1)])
    with pytest.raises(CacheFull, match=r"takes .* bytes, the cache is bounded at 3000; raise max_bytes"):
        one.put([record(2, shape=(3, 64, 64))])
    assert one.status(key_of(1)) == "accepted"


def test_the_file_stays_near_its_bound(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer(max_bytes=1 << 20)
    for start in range(0, 2000, 20):
        one.put([record(start + place, (3, 32, 32)) for place in range(20)])
    assert (tmp_path / "cache" / "variants" / "data.mdb").stat().st_size < 2 << 20


def test_folders_that_are_not_ours_are_refused(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(CacheError, match=r"is no cache, it holds 'thesis.tex'; pass an empty folder"):
        writer()
    assert os.listdir(folder) == ["thesis.tex"]
    with pytest.raises(CacheError, match="must be a folder, got the file"):
        read_manifest(folder / "thesis.tex")


def test_folders_of_others_are_refused(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    one.put([record(1)])
    one.close()
    folder = tmp_path / "cache"
    with pytest.raises(CacheError, match="belongs to another training set: it holds variants of 'i'"):
        writer(identity="other")
    with pytest.raises(CacheError, match="belongs to another fit of the generator: it holds variants of 'f'"):
        writer(fingerprint="other")
    check_folder(folder, "i")
    assert writer().status(key_of(1)) == "accepted"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("{", "cannot be read"), ("[]", "cannot be read"), ('{"format": 9}', "cannot be read"),
     ('{"format": 9, "identity": "i", "fingerprint": "f", "created": 0}', "has cache format 9, this version reads 2")],
)  # fmt: skip
def test_manifests_that_are_not_ours_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "genaug.json").write_text(text)
    with pytest.raises(CacheError, match=sentence):
        read_manifest(tmp_path)


def test_a_second_writer_is_refused_by_process_and_host(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    with pytest.raises(CacheLocked, match=f"is being written by process {os.getpid()} on "):
        writer()
    program = (
        "import sys; from genaug_data.cache import CacheWriter\n"
        "CacheWriter(sys.argv[1], fingerprint='f', identity='i', max_bytes=1 << 22)"
    )
    again = subprocess.run([sys.executable, "-c", program, str(tmp_path / "cache")], capture_output=True, text=True)
    assert f"is being written by process {os.getpid()} on " in again.stderr
    one.close()
    writer().put([record(1)])


WRITE_FOR_EVER = """
import sys
from genaug_data.cache import CacheWriter
from tests.cache.test_cache import record
with CacheWriter(sys.argv[1], fingerprint="f", identity="i", max_bytes=1 << 26) as writer:
    number = 0
    while True:
        writer.put([record(number + place, (3, 32, 32)) for place in range(8)])
        number += 8
        print(number, flush=True)
"""


def test_a_killed_writer_leaves_only_whole_records_and_no_lock(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([".", *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path / "cache")],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    committed = 0
    for _ in range(5):
        committed = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert verify(tmp_path / "cache", progress=False).damaged == ()
    with CacheReader(tmp_path / "cache") as reader:
        found = reader.gather([key_of(number) for number in range(committed)])
        assert all(same(one, record(number, (3, 32, 32))[1]) for number, one in enumerate(found))
    with CacheWriter(tmp_path / "cache", fingerprint="f", identity="i", max_bytes=1 << 26) as after:
        assert after.status(key_of(0)) == "accepted"


def test_flipped_bytes_on_disk_are_found_and_pruned(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    one.put([record(number, (3, 32, 32)) for number in range(4)])
    one.close()
    path = tmp_path / "cache" / "variants" / "data.mdb"
    content = bytearray(path.read_bytes())
    pixels = record(2, (3, 32, 32))[1].image.numpy().tobytes()
    place = content.find(pixels[:64])
    content[place + 100] ^= 255
    path.write_bytes(content)
    assert verify(tmp_path / "cache", progress=False).damaged == (key_of(2),)
    with CacheReader(tmp_path / "cache") as reader:
        assert [found is None for found in reader.gather([key_of(number) for number in range(4)])] == [0, 0, 1, 0]
    assert prune(tmp_path / "cache", progress=False) == 1
    assert verify(tmp_path / "cache", progress=False).damaged == ()
    assert prune(tmp_path / "cache", max_bytes=5000, progress=False) == 2
    with CacheReader(tmp_path / "cache") as reader:
        assert [entry.parent for entry in reader.entries()] == [3]


@pytest.mark.parametrize("size", [32, 256])
def test_bytes_flipped_while_a_reader_is_open_are_found(
    writer: Callable[..., CacheWriter], tmp_path: Path, size: int
) -> None:
    keys = [key_of(number) for number in range(4)]
    one = writer(codec="raw")
    one.put([record(number, (3, size, size)) for number in range(4)])
    with CacheReader(tmp_path / "cache") as reader:
        for _ in range(2):
            assert all(found is not None for found in reader.gather(keys))
        path = tmp_path / "cache" / "variants" / "data.mdb"
        place = path.read_bytes().find(record(2, (3, size, size))[1].image.numpy().tobytes()[:64])
        with path.open("r+b") as file:
            file.seek(place + 100)
            file.write(b"other bytes")
        assert [found is None for found in reader.gather(keys)] == [False, False, True, False]
        one.put([record(2, (3, size, size))])
        assert all(found is not None for found in reader.gather(keys))


def test_there_must_be_a_cache_to_look_after(tmp_path: Path) -> None:
    for verb in (verify, prune):
        with pytest.raises(CacheError, match="there is no cache in"):
            verb(tmp_path / "nothing", progress=False)


FILL_UP = """
import resource, sys
from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.errors import CacheFull
from tests.cache.test_cache import key_of, record, same
folder = sys.argv[1]
with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 24) as writer:
    writer.put([record(number, (3, 32, 32)) for number in range(8)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    number = 8
    try:
        while True:
            writer.put([record(number + place, (3, 32, 32)) for place in range(8)])
            number += 8
    except CacheFull as error:
        print(error)
    reader = CacheReader(folder)
    found = reader.gather([key_of(place) for place in range(number)])
    assert all(same(one, record(place, (3, 32, 32))[1]) for place, one in enumerate(found))
    writer.evict([key_of(place) for place in range(number)])
    writer.put([record(1000)])
    print(number, writer.stats().records)
"""


def test_a_full_file_system_loses_nothing_and_is_survived(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([".", *sys.path])}
    ended = subprocess.run(
        [sys.executable, "-c", FILL_UP, str(tmp_path / "cache")], capture_output=True, text=True, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    sentence, counts = ended.stdout.splitlines()
    assert "the file system has no room for the cache" in sentence
    assert int(counts.split()[0]) >= 16
    assert counts.split()[1] == "1"


class Pixels(Dataset):
    """Reads a cache, first in the process that made it, then in loader workers."""

    def __init__(self, folder: Path, count: int) -> None:
        self.reader, self.count = CacheReader(folder), count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.reader.gather([key_of(index)])[0].image


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_loader_workers_read_however_they_are_started(
    writer: Callable[..., CacheWriter], tmp_path: Path, method: str
) -> None:
    one = writer()
    one.put([record(number) for number in range(8)])
    pixels = Pixels(tmp_path / "cache", 8)
    assert torch.equal(pixels[3], image_of(3))
    loader = DataLoader(pixels, batch_size=2, num_workers=2, multiprocessing_context=method)
    assert torch.equal(torch.cat(list(loader)), torch.stack([image_of(number) for number in range(8)]))
    assert torch.equal(pixels[4], image_of(4))
    one.put([record(8)])


def _read_until_told(folder: str, stop: object, results: object) -> None:
    reader, wrong, right, absent = CacheReader(folder), 0, 0, 0
    while not stop.is_set():
        for number, found in enumerate(reader.gather([key_of(number) for number in range(60)])):
            absent += found is None
            good = found is not None and same(found, record(number, (3, 16, 16))[1])
            right += good
            wrong += found is not None and not good
    results.put((wrong, right, absent))


def test_readers_never_see_a_wrong_image_while_variants_come_and_go(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    one = writer(max_bytes=40_000)
    context = multiprocessing.get_context("fork")
    stop, results = context.Event(), context.Queue()
    readers = [
        context.Process(target=_read_until_told, args=(str(tmp_path / "cache"), stop, results)) for _ in range(2)
    ]
    for reader in readers:
        reader.start()
    end = time.monotonic() + 3
    random = np.random.default_rng(0)
    while time.monotonic() < end:
        one.put([record(int(number), (3, 16, 16)) for number in random.choice(60, 8, replace=False)])
    stop.set()
    counts = [results.get(timeout=30) for _ in readers]
    for reader in readers:
        reader.join()
    assert [wrong for wrong, _, _ in counts] == [0, 0]
    assert min(right for _, right, _ in counts) > 0
    assert min(absent for _, _, absent in counts) > 0


def test_a_reader_is_pickled_by_its_folder_and_survives_closing(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    reader = CacheReader(tmp_path / "cache")
    with pytest.warns(GenaugWarning, match="cannot read the cache in .*FileNotFoundError"):
        assert reader.gather([key_of(1)]) == [None]
    assert reader.entries() == []
    assert reader.stats().records == 0
    writer().put([record(1)])
    copy = pickle.loads(pickle.dumps(reader))
    for one in (reader, copy, reader):
        assert same(one.gather([key_of(1)])[0], record(1)[1])
        one.close()
        one.close()


def test_a_reader_sees_a_cache_that_grew_beyond_what_it_opened(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    one = writer(max_bytes=1 << 16)
    one.put([record(1)])
    one.close()
    program = (
        "import sys, time; from genaug_data.cache import CacheReader; from tests.cache.test_cache import key_of\n"
        "reader = CacheReader(sys.argv[1])\n"
        "print(reader.gather([key_of(1)])[0] is not None, flush=True)\n"
        "sys.stdin.readline()\n"
        "print(reader.gather([key_of(7999)])[0] is not None, flush=True)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([".", *sys.path])}
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "cache")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert other.stdout.readline() == "True\n"
    two = writer(max_bytes=1 << 28)
    for start in range(0, 8000, 500):
        two.put([record(start + place, (3, 64, 64)) for place in range(500)])
    assert other.communicate("\n")[0] == "True\n"


@pytest.mark.parametrize("bound", [-5, 0])
def test_a_bound_that_cannot_be_costs_nothing(writer: Callable[..., CacheWriter], tmp_path: Path, bound: int) -> None:
    one = writer()
    one.put([record(number) for number in range(4)])
    one.close()
    with pytest.raises(ConfigError, match=f"max_bytes must be at least 1, got {bound}"):
        prune(tmp_path / "cache", max_bytes=bound, progress=False)
    assert verify(tmp_path / "cache", progress=False).records == 4


def test_a_forked_process_does_not_keep_the_right_to_write(writer: Callable[..., CacheWriter], tmp_path: Path) -> None:
    one = writer()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(theirs)
        os.read(ours, 1)
        os._exit(0)
    try:
        one.close()
        writer().close()
    finally:
        os.close(theirs)
        os.close(ours)
        os.waitpid(child, 0)


def test_the_first_reads_of_many_threads_share_one_environment(
    writer: Callable[..., CacheWriter], tmp_path: Path
) -> None:
    one = writer()
    one.put([record(number) for number in range(4)])
    one.close()
    for _ in range(20):
        readers = [CacheReader(tmp_path / "cache") for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda reader: len(reader.gather([key_of(1), key_of(2)])), readers))
            list(pool.map(CacheReader.close, readers))
        assert found == [2] * 4


def test_rejections_stay_within_their_bound(
    writer: Callable[..., CacheWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genaug_data.cache.writer._MOST_REJECTED", 10)
    one = writer()
    for start in range(0, 40, 4):
        one.reject([(key_of(number), made(number)) for number in range(start, start + 4)])
        assert 0 < one.stats().rejected <= 10
    one.reject([(key_of(number), made(number)) for number in range(100)])
    assert one.stats().rejected == 10


def test_a_file_that_is_no_database_reads_as_empty_and_is_refused_for_writing(tmp_path: Path) -> None:
    for content in (b"x" * 100, b"x" * 20_000, b""):
        folder = tmp_path / f"cache{len(content)}"
        with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 20) as one:
            one.put([record(1)])
        (folder / "variants" / "data.mdb").write_bytes(content)
        with CacheReader(folder) as reader:
            with pytest.warns(GenaugWarning, match=f"process {os.getpid()} cannot read the cache in {folder} ") as said:
                assert [reader.gather([key_of(1)]) for _ in range(3)] == [[None]] * 3
            assert len(said) == 1
            # A forked process has its own to say.
            child = os.fork()
            if child == 0:
                with warnings.catch_warnings(record=True) as theirs:
                    warnings.simplefilter("always")
                    reader.gather([key_of(1)]), reader.gather([key_of(1)])
                os._exit(len(theirs))
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
            assert reader.entries() == []
            assert list(reader.rejections()) == []
            assert reader.stats().records == 0
            assert reader.provenance(key_of(1)) is None
            assert reader.judged_by() is None
        if content:
            with pytest.raises(CacheError, match="cannot be opened"):
                CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 20)
            with pytest.raises(CacheError, match="is damaged beyond its records"):
                verify(folder, progress=False)

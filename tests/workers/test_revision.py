from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from genaug_data.cache import CacheReader, CacheWriter
from genaug_data.gates import Duplicate, Gate, Leak, NoOp, Validity, judge_all
from genaug_data.sample import Provenance, Recipe, Sample, Verdict, content_hash
from genaug_data.workers.revision import revise
from tests.toys import toy_samples

SAMPLES = toy_samples()


def key_of(number: int) -> bytes:
    return bytes([number] * 16)


def child_of(parent: int) -> Sample:
    return Sample(SAMPLES[parent].image + 40, SAMPLES[parent].target)


def made_from(parent: int, sample: Sample | None = None) -> Provenance:
    parent_hash = content_hash(sample or SAMPLES[parent]).hex()
    return Provenance(parent, parent_hash, 0, "f", Recipe(), parent, (), 0.5)


def revised(folder: Path, gates: list, samples: list[Sample] = SAMPLES) -> tuple[list[int], int]:
    """Revise a cache; returns the parents that are left, and the number of remembered rejections."""
    with CacheReader(folder) as reader:
        with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 24) as writer:
            for gate in gates:
                gate.prepare(samples, progress=False)
            before = {entry.key for entry in reader.entries()}
            gone = revise(samples, gates, reader, writer, progress=False, beat=lambda: None).gone
            left = reader.entries()
            assert {entry.key for entry in left} == before - set(gone)
            rejected = writer.stats().rejected
        assert [found is None for found in reader.gather([entry.key for entry in left])] == [False] * len(left)
        return sorted(entry.parent for entry in left), rejected


def fill(folder: Path, children: list[Sample] | None = None) -> None:
    with CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 24) as writer:
        children = children or [child_of(parent) for parent in range(4)]
        writer.put([(key_of(parent), child, made_from(parent)) for parent, child in enumerate(children)])
        writer.reject([(key_of(9), made_from(9))])


def test_what_the_same_gates_judged_stays(tmp_path: Path) -> None:
    fill(tmp_path)
    assert revised(tmp_path, [Validity(), NoOp()]) == ([0, 1, 2, 3], 0)
    with CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=1 << 24) as writer:
        writer.reject([(key_of(9), made_from(9))])
        # No gate would let this pass now, but these gates have judged the cache already.
        writer.put([(key_of(5), SAMPLES[5], made_from(5))])
    assert revised(tmp_path, [NoOp(), Validity()]) == ([0, 1, 2, 3, 5], 1)


def test_other_gates_judge_everything_anew_and_forget_rejections(tmp_path: Path) -> None:
    fill(tmp_path, [SAMPLES[0], child_of(1), Sample(torch.zeros_like(SAMPLES[2].image), 0), child_of(3)])
    assert revised(tmp_path, []) == ([0, 1, 2, 3], 0)
    # What these reject is remembered in turn.
    assert revised(tmp_path, [NoOp(), Validity()]) == ([1, 3], 2)


def test_new_verdicts_take_the_place_of_the_others(tmp_path: Path) -> None:
    fill(tmp_path, [SAMPLES[0], child_of(1), Sample(torch.zeros_like(SAMPLES[2].image), 0), child_of(3)])
    gates = [Validity(), NoOp()]
    with CacheReader(tmp_path) as reader:
        order = [entry.key for entry in reader.entries()]
        with CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=1 << 24) as writer:
            found = revise(SAMPLES, gates, reader, writer, progress=False, beat=lambda: None)
        assert set(found.gone) == {key_of(0), key_of(2)}
        assert found.remark.startswith("2 of 4 variants in the cache did not pass the gates of this run")
        assert "1 by validity" in found.remark
        assert "1 by no_op" in found.remark
        assert [entry.key for entry in reader.entries()] == [key for key in order if key not in found.gone]
        for parent in (1, 3):
            [child] = reader.gather([key_of(parent)])
            assert torch.equal(child.image, child_of(parent).image)
            told = reader.provenance(key_of(parent))
            expected = judge_all(gates, [SAMPLES[parent]], [child])[0]
            assert told == replace(made_from(parent), verdicts=tuple(expected))
        rejected = {made.parent: [verdict.gate for verdict in made.verdicts] for _, made in reader.rejections()}
        assert rejected == {0: ["validity", "no_op"], 2: ["validity"]}
        assert {picture.made.parent for picture in reader.rejected_pictures()} == {0, 2}


class Talkative(Gate):
    name = "talkative"
    cost = 1.0

    def __init__(self) -> None:
        self.forgotten: list[bytes] = []

    def forget(self, keys: Sequence[bytes]) -> None:
        self.forgotten += keys

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        return [self.verdict(1.0, details={"why": secrets.token_hex(300)}) for _ in children]


def test_a_cache_at_its_bound_loses_its_oldest_to_longer_verdicts(tmp_path: Path) -> None:
    fill(tmp_path)
    with CacheReader(tmp_path) as reader:
        room = reader.stats().bytes
        with CacheWriter(tmp_path, fingerprint="f", identity="i", max_bytes=room) as writer:
            gate = Talkative()
            found = revise(SAMPLES, [gate], reader, writer, progress=False, beat=lambda: None)
        assert tuple(gate.forgotten) == found.gone
        left = [entry.key for entry in reader.entries()]
        assert 0 < len(left) < 4
        assert left == [key_of(parent) for parent in range(4) if key_of(parent) not in found.gone]
        assert reader.stats().bytes <= room
        assert all(reader.provenance(key).verdicts for key in left)


def test_a_new_protected_image_drives_out_its_copies(tmp_path: Path) -> None:
    secret = Sample(SAMPLES[11].image.flip(1).contiguous(), 0)
    fill(tmp_path, [child_of(0), Sample(secret.image.clone(), 1), child_of(2), child_of(3)])
    others = [Sample(255 - SAMPLES[11].image, 0)]
    assert revised(tmp_path, [Leak([others])], SAMPLES[:11])[0] == [0, 1, 2, 3]
    assert revised(tmp_path, [Leak([[*others, secret]])], SAMPLES[:11])[0] == [0, 2, 3]


def test_children_of_a_corrected_or_missing_parent_go(tmp_path: Path) -> None:
    fill(tmp_path)
    revised(tmp_path, [])
    corrected = [*SAMPLES[:1], Sample(SAMPLES[1].image, 2), *SAMPLES[2:3]]
    assert revised(tmp_path, [], corrected)[0] == [0, 2]


def test_gates_remember_what_is_in_the_cache(tmp_path: Path) -> None:
    fill(tmp_path)
    gate = Duplicate()
    assert revised(tmp_path, [gate])[0] == [0, 1, 2, 3]
    assert [verdict.accepted for verdict in gate.judge([SAMPLES[2]], [child_of(2)])] == [False]

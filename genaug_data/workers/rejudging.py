"""Variants that other gates have judged are judged anew, and the new verdicts are noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

from genaug_data.cache import CacheReader, CacheWriter, Entry
from genaug_data.errors import CacheFull
from genaug_data.gates import Gate, judge_all
from genaug_data.sample import Provenance, Sample, Verdict

_AT_ONCE = 64
_MOST_PICTURES = 400


class Held(NamedTuple):
    """A variant in the cache, its parent, and how it was made."""

    key: bytes
    parent: Sample
    child: Sample
    made: Provenance


class Rejudging:
    """Judges variants, and keeps what came of it until all are judged.

    Args:
        gates: prepared.
        reader: of the cache.
    """

    def __init__(self, gates: Sequence[Gate], reader: CacheReader) -> None:
        self._gates = gates
        self._reader = reader
        self._passed: dict[bytes, tuple[Verdict, ...]] = {}
        self._failed: list[tuple[bytes, Provenance]] = []
        self._pictures: list[tuple[Provenance, Sample, Sample | None]] = []

    def judge(self, variants: Sequence[Held]) -> list[Held]:
        """Return those that pass, unless the annotation was amended before or would be now."""
        plain = [one for one in variants if not one.made.ignored_pixels]
        verdicts = judge_all(self._gates, [one.parent for one in plain], [one.child for one in plain])
        kept = []
        for one, found in zip(plain, verdicts, strict=True):
            if not all(verdict.accepted for verdict in found):
                made = replace(one.made, verdicts=tuple(found))
                self._failed.append((one.key, made))
                self._pictures = [*self._pictures, (made, one.parent, one.child)][-_MOST_PICTURES:]
            elif all(verdict.amended is None for verdict in found):
                self._passed[one.key] = tuple(found)
                kept.append(one)
        return kept

    def note(self, writer: CacheWriter, entries: Sequence[Entry], beat: Callable[[], None]) -> list[bytes]:
        """Remember the rejections and store the verdicts; returns the keys of what had to go to make room for them.

        The variants stay in the order of their age. Where the file system has no room, nothing more is noted.

        Args:
            writer: of the cache, from which the rejected variants are gone.
            entries: of the cache.
            beat: called often.
        """
        gone: list[bytes] = []
        with suppress(CacheFull):
            writer.reject(self._failed, self._pictures)
            by_age = sorted(entries, key=lambda entry: entry.sequence)
            keys = [entry.key for entry in by_age if entry.key in self._passed]
            for start in range(0, len(keys), _AT_ONCE):
                gone += writer.put(self._records([key for key in keys[start : start + _AT_ONCE] if key not in gone]))
                beat()
        return gone

    def _records(self, keys: Sequence[bytes]) -> list[tuple[bytes, Sample, Provenance]]:
        records = []
        for key, child in zip(keys, self._reader.gather(keys), strict=True):
            made = self._reader.provenance(key)
            if child is not None and made is not None:
                records.append((key, child, replace(made, verdicts=self._passed[key])))
        return records

    def remark(self, count: int) -> str:
        """Return what the user should know of the ``count`` variants that were there; empty if all have passed."""
        if not self._failed:
            return ""
        by_gate = Counter(made.verdicts[-1].gate for _, made in self._failed).most_common()
        return (
            f"{len(self._failed)} of {count} variants in the cache did not pass the gates of this run, which are not "
            f"those that had judged them, and are gone: {', '.join(f'{number} by {gate}' for gate, number in by_gate)}"
        )

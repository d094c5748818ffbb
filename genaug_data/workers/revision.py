"""What an earlier run left in the cache is looked at again before it may train in this one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from tqdm import tqdm

from genaug_data.cache import CacheReader, CacheWriter, Entry, Tombstones
from genaug_data.errors import CacheFull
from genaug_data.gates import Gate, fingerprint_of, judge_all
from genaug_data.sample import Provenance, Sample, Verdict, content_hash

_AT_ONCE = 64
_MOST_PICTURES = 400


@dataclass(frozen=True, slots=True)
class Revision:
    """What :func:`revise` has done.

    Args:
        gone: keys of what went.
        remark: for the user, of variants that other gates than before have rejected; empty where there are none.
    """

    gone: tuple[bytes, ...]
    remark: str


def revise(
    samples: Sequence[Sample],
    gates: Sequence[Gate],
    reader: CacheReader,
    writer: CacheWriter,
    *,
    progress: bool,
    beat: Callable[[], None],
    forgotten: Tombstones | None = None,
) -> Revision:
    """Evict what must not train any more, and show the gates the rest.

    A variant goes if its record is damaged, if a real example that it was made from is forgotten, or if its parent is
    no longer what it was made from: its label was corrected, say. If other gates judged the cache, or the same ones
    with other protected sets, these judge every variant anew, and what the others rejected may be asked for again.
    Their verdicts take the place of the others' in the provenance; what they reject is remembered as any rejection is.
    Variants whose annotation the others have amended go then, and so do those that these would amend: they may be asked
    for again.

    Args:
        samples: the training set.
        gates: prepared.
        reader: of the cache.
        writer: of the cache.
        progress: whether long work shows a bar.
        beat: called often.
        forgotten: real examples of which no variant may train.
    """
    judges = fingerprint_of(gates)
    same_judges = writer.judged_by() == judges
    gone: list[bytes] = []
    passed: dict[bytes, tuple[Verdict, ...]] = {}
    failed: list[tuple[bytes, Provenance]] = []
    pictures: list[tuple[Provenance, Sample, Sample | None]] = []
    entries = sorted(reader.entries(), key=lambda entry: (entry.parent, entry.sequence))
    with tqdm(total=len(entries), desc="revising the cache", unit="variant", delay=2, disable=not progress) as bar:
        for start in range(0, len(entries), _AT_ONCE):
            part = entries[start : start + _AT_ONCE]
            kept = list(_still_valid(part, samples, reader, forgotten or Tombstones()))
            if not same_judges:
                judged = [triple for triple in kept if not _is_amended(reader, triple[0])]
                verdicts = judge_all(gates, [parent for _, parent, _ in judged], [child for _, _, child in judged])
                kept = []
                for (key, parent, child), found in zip(judged, verdicts, strict=True):
                    made = reader.provenance(key)
                    if not all(verdict.accepted for verdict in found) and made is not None:
                        made = replace(made, verdicts=tuple(found))
                        failed.append((key, made))
                        pictures.append((made, parent, child))
                        del pictures[:-_MOST_PICTURES]
                    elif all(verdict.amended is None for verdict in found):
                        passed[key] = tuple(found)
                        kept.append((key, parent, child))
            for gate in gates:
                gate.remember([key for key, _, _ in kept], [child for _, _, child in kept])
            staying = {key for key, _, _ in kept}
            gone += [entry.key for entry in part if entry.key not in staying]
            bar.update(len(part))
            beat()
    if gone:
        writer.evict(gone)
    if not same_judges:
        writer.set_judged_by(judges)
        # Where there is no room for it, a run begins all the same.
        with suppress(CacheFull):
            writer.reject(failed, pictures)
            gone += _note_verdicts(passed, entries, reader, writer, beat)
    return Revision(tuple(gone), _remark(len(entries), failed))


def _remark(count: int, failed: Sequence[tuple[bytes, Provenance]]) -> str:
    if not failed:
        return ""
    by_gate = Counter(made.verdicts[-1].gate for _, made in failed).most_common()
    return (
        f"{len(failed)} of {count} variants in the cache did not pass the gates of this run, which are not those that "
        f"had judged them, and are gone: {', '.join(f'{rejected} by {gate}' for gate, rejected in by_gate)}"
    )


def _note_verdicts(
    passed: Mapping[bytes, tuple[Verdict, ...]],
    entries: Sequence[Entry],
    reader: CacheReader,
    writer: CacheWriter,
    beat: Callable[[], None],
) -> list[bytes]:
    """Store the verdicts with the variants, which stay in the order of their age; returns what had to go for it."""
    gone: list[bytes] = []
    keys = [entry.key for entry in sorted(entries, key=lambda entry: entry.sequence) if entry.key in passed]
    for start in range(0, len(keys), _AT_ONCE):
        part = [key for key in keys[start : start + _AT_ONCE] if key not in gone]
        records = []
        for key, child in zip(part, reader.gather(part), strict=True):
            made = reader.provenance(key)
            if child is not None and made is not None:
                records.append((key, child, replace(made, verdicts=passed[key])))
        gone += writer.put(records)
        beat()
    return gone


def _is_amended(reader: CacheReader, key: bytes) -> bool:
    made = reader.provenance(key)
    return made is not None and made.ignored_pixels > 0


def _still_valid(
    entries: Sequence[Entry], samples: Sequence[Sample], reader: CacheReader, forgotten: Tombstones
) -> Iterator[tuple[bytes, Sample, Sample]]:
    """Yield key, parent and child of what can be read and whose parent is what it was."""
    parents: dict[int, Sample] = {}
    children = reader.gather([entry.key for entry in entries])
    for entry, child in zip(entries, children, strict=True):
        made = None if child is None else reader.provenance(entry.key)
        if child is None or made is None or not 0 <= entry.parent < len(samples):
            continue
        if entry.parent not in parents:
            parents[entry.parent] = samples[entry.parent]
        parent = parents[entry.parent]
        if content_hash(parent).hex() == made.parent_hash and not forgotten.cover_variant(made):
            yield entry.key, parent, child

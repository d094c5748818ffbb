"""What an earlier run left in the cache is looked at again before it may train in this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tqdm import tqdm

from genaug_data.cache import CacheReader, CacheWriter, Entry, Tombstones
from genaug_data.gates import Gate, fingerprint_of, judge_all
from genaug_data.sample import Sample, content_hash

_AT_ONCE = 64


def revise(
    samples: Sequence[Sample],
    gates: Sequence[Gate],
    reader: CacheReader,
    writer: CacheWriter,
    *,
    progress: bool,
    beat: Callable[[], None],
    forgotten: Tombstones | None = None,
) -> list[bytes]:
    """Evict what must not train any more, show the gates the rest, and return the keys of what went.

    A variant goes if its record is damaged, if a real example that it was made from is forgotten, or if its parent is
    no longer what it was made from: its label was corrected, say. If other gates judged the cache, or the same ones
    with other protected sets, these judge every variant anew, and what the others rejected may be asked for again.
    Variants whose annotation the others have amended go then, and so do those that these would amend: they may be asked
    for again as well.

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
    entries = sorted(reader.entries(), key=lambda entry: (entry.parent, entry.sequence))
    with tqdm(total=len(entries), desc="revising the cache", unit="variant", delay=2, disable=not progress) as bar:
        for start in range(0, len(entries), _AT_ONCE):
            part = entries[start : start + _AT_ONCE]
            kept = list(_still_valid(part, samples, reader, forgotten or Tombstones()))
            if not same_judges:
                kept = [triple for triple in kept if not _is_amended(reader, triple[0])]
                verdicts = judge_all(gates, [parent for _, parent, _ in kept], [child for _, _, child in kept])
                sound = [all(verdict.accepted and verdict.amended is None for verdict in found) for found in verdicts]
                kept = [triple for triple, good in zip(kept, sound, strict=True) if good]
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

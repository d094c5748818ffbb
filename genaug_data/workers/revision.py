"""What an earlier run left in the cache is looked at again before it may train in this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from genaug_data.cache import CacheReader, CacheWriter, Entry, Tombstones
from genaug_data.gates import Gate, fingerprint_of
from genaug_data.sample import Sample, content_hash
from genaug_data.workers.rejudging import Held, Rejudging

_AT_ONCE = 64


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
    anew = None if writer.judged_by() == judges else Rejudging(gates, reader)
    gone: list[bytes] = []
    entries = sorted(reader.entries(), key=lambda entry: (entry.parent, entry.sequence))
    with tqdm(total=len(entries), desc="revising the cache", unit="variant", delay=2, disable=not progress) as bar:
        for start in range(0, len(entries), _AT_ONCE):
            part = entries[start : start + _AT_ONCE]
            kept = list(_still_valid(part, samples, reader, forgotten or Tombstones()))
            if anew is not None:
                kept = anew.judge(kept)
            for gate in gates:
                gate.remember([one.key for one in kept], [one.child for one in kept])
            staying = {one.key for one in kept}
            gone += [entry.key for entry in part if entry.key not in staying]
            bar.update(len(part))
            beat()
    if gone:
        writer.evict(gone)
    if anew is None:
        return Revision(tuple(gone), "")
    writer.set_judged_by(judges)
    pushed_out = anew.note(writer, entries, beat)
    for gate in gates:
        gate.forget(pushed_out)
    return Revision((*gone, *pushed_out), anew.remark(len(entries)))


def _still_valid(
    entries: Sequence[Entry], samples: Sequence[Sample], reader: CacheReader, forgotten: Tombstones
) -> Iterator[Held]:
    """Yield what can be read and whose parent is what it was."""
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
            yield Held(entry.key, parent, child, made)

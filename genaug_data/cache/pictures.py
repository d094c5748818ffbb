"""Small pictures of parents and of rejected variants, so that a report can show them: bounded, the oldest go first."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lmdb
import numpy as np
import safetensors.numpy
import xxhash
from safetensors import SafetensorError

from genaug_data.cache.thumbnail import is_thumbnail, thumbnail
from genaug_data.sample import Provenance, Sample

PARENTS, REJECTED_OF_A_GATE, REJECTED, REJECTED_OF_A_BATCH = 1000, 24, 400, 4
"""How many there are at most."""
_PARENT, _PARENT_ORDER, _REJECTED = b"p", b"o", b"r"
_NUMBER = struct.Struct(">Q")
_DIGEST = 8


@dataclass(frozen=True, slots=True)
class RejectedPicture:
    """A variant that was not kept, as far as it can still be shown.

    Args:
        made: its provenance, with the verdict that rejected it.
        parent: PNG or JPEG of the real example.
        child: PNG or JPEG of it; empty where the generator made no image.
    """

    made: Provenance
    parent: bytes
    child: bytes


class Pictures:
    """The database ``pictures`` in one transaction; of a cache without one, it holds nothing and keeps nothing.

    At most 1000 parents, 400 rejected variants and 24 of one gate are kept, at some 1 to 5 KB a picture.

    Args:
        transaction: that reads or writes them.
        databases: by name.
    """

    def __init__(self, transaction: lmdb.Transaction, databases: Mapping[str, Any]) -> None:
        self._transaction = transaction
        self._database = databases.get("pictures")

    def keep_parents(self, parents: Mapping[int, Sample]) -> None:
        """Keep a picture of each real example, by its index, that there is none of; the oldest go."""
        if self._database is None or not parents:
            return
        new = {
            parent: picture
            for parent, sample in parents.items()
            if self._get(_PARENT + _NUMBER.pack(parent)) is None and (picture := thumbnail(sample.image))
        }
        if not new:
            return
        order = list(self._keys(_PARENT_ORDER))
        following = _NUMBER.unpack(order[-1][1:])[0] + 1 if order else 0
        for place, (parent, picture) in enumerate(new.items()):
            self._put(_PARENT + _NUMBER.pack(parent), picture)
            self._put(_PARENT_ORDER + _NUMBER.pack(following + place), _NUMBER.pack(parent))
        for key in order[: max(0, len(order) + len(new) - PARENTS)]:
            oldest = self._get(key)
            self._delete([key, *([] if oldest is None else [_PARENT + oldest])])

    def keep_rejected(self, rejected: Sequence[tuple[Provenance, Sample, Sample | None]]) -> None:
        """Keep pictures of parent and variant of the last few that each gate rejected; the gate's oldest go."""
        if self._database is None or not rejected:
            return
        held = sorted((_NUMBER.unpack(key[-8:])[0], key) for key in self._keys(_REJECTED) if len(key) == 17)
        following = held[-1][0] + 1 if held else 0
        taken: Counter[str] = Counter()
        for made, parent, child in reversed(rejected):
            gate = made.verdicts[-1].gate if made.verdicts else ""
            taken[gate] += 1
            if taken[gate] > REJECTED_OF_A_BATCH:
                continue
            key = _REJECTED + xxhash.xxh3_64_digest(gate.encode()) + _NUMBER.pack(following)
            self._put(key, _packed(made, parent, child))
            held.append((following, key))
            following += 1
        of_a_gate: Counter[bytes] = Counter()
        for place, (_, key) in enumerate(reversed(held)):
            of_a_gate[key[1:9]] += 1
            if of_a_gate[key[1:9]] > REJECTED_OF_A_GATE or place >= REJECTED:
                self._delete([key])

    def forget_rejected(self) -> None:
        """Drop every rejected variant."""
        self._delete(list(self._keys(_REJECTED)))

    def forget_parents(self, parents: Iterable[int]) -> None:
        """Drop every picture of these real examples, and of the variants that were made from them."""
        gone = set(parents)
        numbers = {_NUMBER.pack(parent) for parent in gone}
        of_them = [_PARENT + number for number in numbers]
        order = [key for key in self._keys(_PARENT_ORDER) if self._get(key) in numbers]
        # What cannot be read may be one of theirs.
        rejected = [
            key
            for key in self._keys(_REJECTED)
            if (found := self._unpacked(key)) is None or not gone.isdisjoint(found.made.parents)
        ]
        self._delete([*of_them, *order, *rejected])

    def parents(self) -> dict[int, bytes]:
        """Return the picture, PNG or JPEG, of each real example there is one of."""
        found = {_NUMBER.unpack(key[1:])[0]: self._get(key) for key in self._keys(_PARENT) if len(key) == 9}
        return {parent: picture for parent, picture in found.items() if picture is not None and is_thumbnail(picture)}

    def rejected(self) -> list[RejectedPicture]:
        """Return the rejected variants there are pictures of, the newest first."""
        keys = sorted(self._keys(_REJECTED), key=lambda key: key[-8:], reverse=True)
        return [found for key in keys if (found := self._unpacked(key)) is not None]

    def _unpacked(self, key: bytes) -> RejectedPicture | None:
        stored = self._get(key)
        if stored is None:
            return None
        try:
            fields = safetensors.numpy.load(stored)
            made = Provenance.from_json(fields["provenance"].tobytes().decode())
            parent, child = fields["parent"].tobytes(), fields["child"].tobytes()
        except (SafetensorError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            # A checksum is no signature.
            return None
        if not made.verdicts or not is_thumbnail(parent) or (child and not is_thumbnail(child)):
            return None
        return RejectedPicture(made, parent, child)

    def _keys(self, kind: bytes) -> Iterator[bytes]:
        if self._database is None:
            return
        cursor = self._transaction.cursor(db=self._database)
        if cursor.set_range(kind):
            for key in cursor.iternext(values=False):
                if bytes(key[:1]) != kind:
                    return
                yield bytes(key)

    def _get(self, key: bytes) -> bytes | None:
        stored = self._transaction.get(key, db=self._database)
        if stored is None:
            return None
        stored = bytes(stored)
        content = stored[_DIGEST:]
        return content if xxhash.xxh3_64_digest(content) == stored[:_DIGEST] else None

    def _put(self, key: bytes, content: bytes) -> None:
        self._transaction.put(key, xxhash.xxh3_64_digest(content) + content, db=self._database)

    def _delete(self, keys: Iterable[bytes]) -> None:
        if self._database is not None:
            for key in keys:
                self._transaction.delete(key, db=self._database)


def _packed(made: Provenance, parent: Sample, child: Sample | None) -> bytes:
    parts = {
        "provenance": made.to_json().encode(),
        "parent": thumbnail(parent.image),
        "child": b"" if child is None else thumbnail(child.image),
    }
    return safetensors.numpy.save({name: np.frombuffer(part, dtype=np.uint8) for name, part in parts.items()})

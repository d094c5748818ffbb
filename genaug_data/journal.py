"""What every synthetic slot of an asynchronous run got, in a few bytes a slot, so that the run can be repeated."""

from __future__ import annotations

import itertools
import json
import os
import re
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import xxhash

from genaug_data.sample import Token

MAGIC = b"GAJ1"
BLOCK = struct.Struct("<IQ")
"""Length of a block's content and its xxh3; the content begins with the kind."""
SESSION, PASS, DRAWS, MISSES, FORGET, END = b"S", b"P", b"D", b"M", b"F", b"E"
_DRAWS_A_BLOCK = 64
_KEPT_FILES = 8
_MOST_KNOWN = 1 << 14
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]+-[0-9]+(-[0-9]+)?\.journal")
_numbers = itertools.count()


class JournalWriter:
    """Appends the draws of one process to a file that nobody else writes; :mod:`genaug_data.journal_reading` reads it.

    A draw takes one to three bytes, a variant that is drawn for the first time 16 for its key and up to 5 for its
    parent; the real examples follow from the seed. A block is written every 64 draws, so that a run that is killed
    loses no more than these. The newest 8 files of a folder are kept. Nothing that fails here reaches the run.

    Args:
        folder: of the journals; made at the first pass, with the file.
        settings: of the sampler: all that the real examples follow from, as JSON.
        on_failure: called once with a sentence if nothing more can be written.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], on_failure: Callable[[str], None]) -> None:
        self._folder = folder
        self._settings = settings
        self._on_failure = on_failure
        self._name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{settings['rank']}-{next(_numbers)}.journal"
        self._descriptor: int | None = None
        self._has_failed = False
        self._known: dict[bytes, int] = {}
        self._epoch = 0
        self._in_pass = False
        self._draws = bytearray()
        self._count = 0

    @property
    def name(self) -> str:
        """Name of the file, in the folder of the journals."""
        return self._name

    def go_on(self, name: str) -> None:
        """Append to the file of an earlier part of the run; a name that is none of ours is ignored."""
        if _NAME.fullmatch(name) and self._descriptor is None:
            self._name = name

    def begin_pass(self, epoch: int, position: int) -> None:
        """Note that the draws of ``epoch`` follow, from slot ``position`` on."""
        self.flush()
        self._epoch = epoch
        if self._descriptor is None and not self._has_failed:
            self._open()
        self._write(PASS + varint(epoch) + varint(position))
        self._in_pass = True

    def reach(self, position: int) -> None:
        """Note that the pass was gone through up to slot ``position``, which holds until more is drawn."""
        if self._in_pass:
            self.flush()
            self._write(END + varint(self._epoch) + varint(position))

    def end_pass(self, position: int) -> None:
        """Note that the pass ended, or was left, before slot ``position``: idempotent."""
        self.reach(position)
        self._in_pass = False

    def draw(self, token: Token | None) -> None:
        """Note what the next synthetic slot got."""
        if token is None:
            self._draws.append(0)
        elif (place := self._known.get(token.key or b"")) is not None:
            self._draws += varint(place)
        else:
            assert token.key is not None
            self._known[token.key] = place = len(self._known) + 1
            self._draws += varint(place) + varint(token.index) + token.key
        self._count += 1
        if self._count >= _DRAWS_A_BLOCK:
            self.flush()

    def miss(self, slots: Iterable[int]) -> None:
        """Note slots of this pass whose variant was gone when it was to be read: they showed its parent."""
        self.flush()
        self._write(MISSES + varint(self._epoch) + b"".join(map(varint, slots)))

    def flush(self) -> None:
        """Write what was noted so far."""
        if self._count:
            self._write(DRAWS + bytes(self._draws))
            self._draws.clear()
            self._count = 0
        if len(self._known) > _MOST_KNOWN:
            # A long run draws more variants than are to be kept in mind; those that are drawn again are named again.
            self._known.clear()
            self._write(FORGET)

    def close(self) -> None:
        """Write what was noted and close the file: idempotent; the next pass opens it again."""
        self.flush()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            others = sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name))
            for old in [path for path in others if path.name != self._name][: -(_KEPT_FILES - 1)]:
                with suppress(OSError):
                    old.unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            self._descriptor = os.open(self._folder / self._name, flags, 0o644)
            if os.fstat(self._descriptor).st_size == 0:
                os.write(self._descriptor, MAGIC)
        except OSError as error:
            self._fail(error)
        # A session knows no keys of those before: a process that was killed may not have written all of its own.
        self._known.clear()
        self._write(SESSION + json.dumps(self._settings).encode())

    def _write(self, content: bytes) -> None:
        if self._descriptor is None:
            return
        block = BLOCK.pack(len(content), xxhash.xxh3_64_intdigest(content)) + content
        try:
            if os.write(self._descriptor, block) < len(block):
                raise OSError("it was written in part")
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self._has_failed = True
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._on_failure(
            f"the journal in {self._folder} cannot be written ({error}), and this run cannot be replayed; "
            "make room, or pass a cache folder that can be written"
        )


def varint(number: int) -> bytes:
    r"""Return an integer that is not negative in base 128, the lowest seven bits first, as protocol buffers have it.

    Example:
        >>> varint(5), varint(300)
        (b'\x05', b'\xac\x02')
    """
    if number < 128:
        return bytes((number,))
    parts = bytearray()
    while number >= 128:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)

"""One LMDB environment a path and process, shared by its writer and its readers, opened anew after a fork."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lmdb

from genaug_data.cache.pages import check_metas, check_pages
from genaug_data.cache.rewriting import rewrite

_READERS = 1024
_DATA, _LOCK, _LENGTH = "data.mdb", "lock.mdb", "length"
_ATTEMPTS = 5
_SCRATCH = "compact-"
_NAMES = ("records", "index", "order", "rejected", "totals")
# Not in the caches of earlier versions.
_PICTURES = "pictures"


class TruncatedFile(lmdb.Error):
    """The file is shorter than it was."""


class ForeignFile(lmdb.Error):
    """In place of a file of the cache there is a link, a pipe or a folder."""


@dataclass(slots=True)
class _Open:
    environment: lmdb.Environment
    databases: dict[str, Any]
    process: int
    # Which files these are, by their inodes.
    files: tuple[int, ...]
    length: int = 0
    users: int = 0
    writers: int = 0
    transactions: int = 0
    lock: Any = field(default_factory=threading.RLock)


_opened: dict[str, _Open] = {}
_guard = threading.RLock()


def _hold() -> None:
    # A fork in the middle of an opening would give the child an environment that it does not know of, and that LMDB
    # would not open again; one in the middle of a transaction, an environment whose closing waits for it for ever.
    _guard.acquire()
    for opened in _opened.values():
        opened.lock.acquire()


def _let_go() -> None:
    for opened in _opened.values():
        opened.lock.release()
    _guard.release()


def _renew_guard() -> None:
    # A thread that held it was not forked along, and would never let go.
    global _guard
    _guard = threading.RLock()


os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_renew_guard)


class Handle:
    """A share in this process's environment of a folder.

    The environment is opened at the first use in each process: a handle that was inherited through a fork closes what
    it inherited (py-lmdb leaves the parent's locks alone then) and opens its own.

    Args:
        folder: that holds ``data.mdb``.
        map_size: bytes of address space, the hard bound of the file; None takes over what the file says.
    """

    def __init__(self, folder: Path, map_size: int | None = None) -> None:
        self._folder = folder
        self._place = os.path.realpath(folder)
        self._map_size = map_size
        self._process = 0
        # Files that could not be opened.
        self._refused: tuple[int, ...] = ()

    @contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[tuple[lmdb.Transaction, dict[str, Any]]]:
        """Open a transaction with ``buffers=True``; a buffer it returns is valid until it ends.

        Raises:
            FileNotFoundError: nothing was ever cached there.
        """
        opened = self._shared()
        with opened.lock:
            self._follow(opened)
            # The file may have been cut since it was opened.
            opened.length = _checked_length(self._place, opened.length)
            try:
                transaction = opened.environment.begin(write=write, buffers=True)
            except lmdb.MapResizedError:
                # Another process opened the file with a larger bound.
                opened.environment.set_mapsize(0)
                transaction = opened.environment.begin(write=write, buffers=True)
            opened.transactions += 1
            try:
                with transaction:
                    yield transaction, opened.databases
            finally:
                opened.transactions -= 1
            if write:
                self._note_length(opened)

    def resize(self, map_size: int) -> None:
        """Let the file grow up to ``map_size`` bytes, if that is more than now."""
        opened = self._shared()
        with opened.lock:
            if opened.environment.info()["map_size"] < map_size:
                opened.environment.set_mapsize(map_size)
            if _PICTURES not in opened.databases:
                opened.databases[_PICTURES] = opened.environment.open_db(_PICTURES.encode())

    def forget_dead_readers(self) -> None:
        """Free the slots of readers whose process was killed."""
        self._shared().environment.reader_check()

    def compact(self) -> None:
        """Put a file written anew in place of this one, atomically; every share in every process goes on with it.

        Only the writer may do so. Where it fails, the file is as it was.
        """
        opened = self._shared()
        for left in Path(self._place).glob(f"{_SCRATCH}*"):
            # Of one that was killed: it holds what may be forgotten by now.
            shutil.rmtree(left)
        data, lock, length = (os.path.join(self._place, name) for name in (_DATA, _LOCK, _LENGTH))
        with _guard, opened.lock, tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=self._place) as scratch:
            rewrite(opened.environment, opened.databases, scratch)
            copied = os.path.join(scratch, _DATA)
            with open(copied, "rb") as file:
                os.fsync(file.fileno())
            opened.environment.close()
            try:
                # First, as the copy is shorter: a process that finds the length of before takes it for a cut file.
                with suppress(FileNotFoundError):
                    os.unlink(length)
                os.replace(copied, data)
                # It counts the commits of the old file as long as any process has that open, so the new one needs its
                # own; and after it, lest who opens the old one in between makes it.
                os.unlink(lock)
            finally:
                opened.environment, opened.databases, opened.files = self._open()
                opened.length = os.stat(data).st_size
            self._note_length(opened)

    def close(self) -> None:
        """Give the share back: idempotent; the last one closes the environment of this process."""
        with _guard:
            opened = _opened.get(self._place)
            if opened is None or self._process != os.getpid():
                return
            self._process = 0
            with opened.lock:
                opened.users -= 1
                opened.writers -= self._map_size is not None
                if opened.users == 0:
                    del _opened[self._place]
                    opened.environment.close()

    def _note_length(self, opened: _Open) -> None:
        length = os.stat(os.path.join(self._place, _DATA)).st_size
        if length > opened.length or not os.path.exists(os.path.join(self._place, _LENGTH)):
            # For processes that open the file later.
            with suppress(OSError), open(os.path.join(self._place, _LENGTH), "wb") as file:
                file.write(length.to_bytes(8, "little"))
        opened.length = length

    def _shared(self) -> _Open:
        process = os.getpid()
        with _guard:
            if self._process == process:
                return _opened[self._place]
            opened = _opened.get(self._place)
            if opened is not None and opened.process != process:
                opened.environment.close()
                opened = None
            if opened is None:
                environment, databases, files = self._open()
                opened = _Open(environment, databases, process, files, _noted_length(self._place))
                _opened[self._place] = opened
            with opened.lock:
                self._follow(opened)
            opened.users += 1
            opened.writers += self._map_size is not None
            self._process = process
            return opened

    def _follow(self, opened: _Open) -> None:
        """Open the file that another process has written anew and put in place of the one that is open."""
        if opened.transactions or opened.files == _files_of(self._place):
            return
        if opened.writers:
            # Its lease was for the file that it knows.
            raise ForeignFile(f"{self._place}/{_DATA} was replaced by another one while it was written to")
        # Until there is another one, each use tries again.
        opened.files = ()
        opened.environment.close()
        opened.environment, opened.databases, opened.files = self._open()
        opened.length = _noted_length(self._place)

    def _open(self) -> tuple[lmdb.Environment, dict[str, Any], tuple[int, ...]]:
        for attempt in range(_ATTEMPTS):
            before = _files_of(self._place, missing=True)
            try:
                environment, databases = self._open_once()
            except lmdb.Error:
                # It may be just being replaced by one written anew; who reads a damaged one at every batch waits once.
                if before != self._refused:
                    time.sleep(0.02)
                if attempt == _ATTEMPTS - 1 or _files_of(self._place, missing=True) == before:
                    self._refused = before
                    raise
                continue
            files = _files_of(self._place)
            if 0 in before or files == before or attempt == _ATTEMPTS - 1:
                return environment, databases, files
            environment.close()
        raise AssertionError("the last attempt returns or raises")

    def _open_once(self) -> tuple[lmdb.Environment, dict[str, Any]]:
        create = self._map_size is not None
        if not create and not os.path.exists(os.path.join(self._place, _DATA)):
            raise FileNotFoundError(self._place)
        _check_plain(self._folder)
        path = os.path.join(self._place, _DATA)
        if os.path.exists(path):
            check_metas(path)
        writable = os.access(self._place, os.W_OK)
        environment = lmdb.open(
            self._place,
            map_size=self._map_size or 0,
            max_readers=_READERS,
            max_dbs=len(_NAMES) + 1,
            metasync=False,
            readahead=False,
            readonly=not writable,
            lock=writable,
        )
        try:
            _checked_length(self._place, _noted_length(self._place))
            with environment.begin() as transaction:
                if transaction.id():
                    check_pages(path, transaction.id(), thorough=create)
        except lmdb.Error:
            environment.close()
            raise
        try:
            # In a transaction of their own: py-lmdb loses handles that were opened in a read transaction.
            databases = {name: environment.open_db(name.encode(), create=create) for name in _NAMES}
        except lmdb.NotFoundError:
            # The writer has made the file and not yet what belongs into it.
            environment.close()
            raise FileNotFoundError(self._place) from None
        with suppress(lmdb.NotFoundError):
            databases[_PICTURES] = environment.open_db(_PICTURES.encode(), create=create)
        return environment, databases


def _files_of(place: str, *, missing: bool = False) -> tuple[int, ...]:
    """Return the inodes of data and lock file, 0 for one that is not there; by default the data has to be.

    Raises:
        FileNotFoundError: it is not.
    """
    data = os.path.join(place, _DATA)
    found = tuple(map(_inode_of, (data, os.path.join(place, _LOCK))))
    if not found[0] and not missing:
        raise FileNotFoundError(data)
    return found


def _inode_of(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0


def _check_plain(folder: Path) -> None:
    # LMDB would write through links, and wait for ever on a pipe.
    files = [(folder / name, stat.S_ISREG) for name in (_DATA, _LOCK, _LENGTH)]
    for path, is_right in ((folder, stat.S_ISDIR), *files):
        if os.path.lexists(path) and not is_right(os.lstat(path).st_mode):
            raise ForeignFile(f"{path} is a link, or not what a cache is made of")


def _checked_length(place: str, known: int) -> int:
    # LMDB never shortens its file, and reading beyond the end of a mapped one would kill the process. The number of
    # pages that it knows of says nothing: those at the end may never have been written.
    length = os.stat(os.path.join(place, _DATA)).st_size
    if length < known:
        raise TruncatedFile(f"{place}/data.mdb is shorter than it was, {length} instead of {known} bytes")
    return length


def _noted_length(place: str) -> int:
    try:
        with open(os.path.join(place, _LENGTH), "rb") as file:
            return int.from_bytes(file.read(8), "little")
    except FileNotFoundError:
        return 0

"""Whether the pages of LMDB's own trees can be followed: LMDB believes them, and a damaged one may kill the process."""

from __future__ import annotations

import struct
from typing import NamedTuple

import lmdb
import numpy as np

_HEADER, _NODE = 16, 8
_DATABASE = struct.Struct("<IHH5Q")
_META = struct.Struct("<IIQQ48s48sQQ")
_MAGIC, _VERSION = 0xBEEFC0DE, 1
_SIZES = (4096, 8192, 16384, 32768)
_BRANCH, _LEAF, _OVERFLOW, _METAPAGE = 1, 2, 4, 8
_PLAIN, _LARGE, _SUBTREE = 0, 1, 2
_INTEGER_KEYS = 8
_DEEPEST = 32
_NONE = (1 << 64) - 1


class DamagedFile(lmdb.Error):
    """A page that leads to records is not what LMDB writes."""


class _Tree(NamedTuple):
    """A tree as LMDB describes it; the root is ``_NONE`` where it is empty."""

    flags: int
    depth: int
    entries: int
    root: int


def check_metas(path: str) -> None:
    """Check what LMDB goes by when it opens the file: the two pages that it begins with.

    Args:
        path: of ``data.mdb``; an empty file passes, because LMDB makes a database of it.

    Raises:
        DamagedFile: the sentence says what is wrong.
    """
    content = _map(path)
    if len(content):
        for place in (0, 1):
            _meta(content, place)


def check_pages(path: str, commit: int, *, thorough: bool) -> None:
    """Follow every page that a commit leads to, as LMDB would, and check each before it is followed.

    That is all that LMDB goes by without a look: kind and number of each page, where its nodes begin and end, how deep
    a tree is, that nothing lies outside of the file and no page is reached twice. What the nodes hold is checked
    elsewhere, records by their checksum. It takes about a second for 100,000 large records.

    Args:
        path: of ``data.mdb``.
        commit: its number; a transaction of it is open meanwhile, so that none of its pages is written to.
        thorough: also check what only a writer goes by: the lists of free pages, and where large values begin.

    Raises:
        DamagedFile: the sentence says which page.
    """
    content = _map(path)
    if not len(content):
        raise DamagedFile("it is empty")
    size, last, number, free, main = _meta(content, commit & 1)
    if number != commit or not last >= 1:
        raise DamagedFile(f"its first pages do not describe commit {commit}")
    # Pages at the end that were given back in the commit that took them were never written: the file may be shorter.
    written = min(last, len(content) // size - 1)
    walk = _Walk(content, size, written, thorough)
    for described in walk.follow(main, _SUBTREE):
        inner = _tree(described.tobytes())
        if inner.flags:
            raise DamagedFile("a tree in it is of another kind")
        walk.follow(inner, None)
    if thorough:
        walk.check_free(free, last)


def _map(path: str) -> np.ndarray:
    try:
        return np.memmap(path, dtype=np.uint8, mode="r")
    except ValueError:
        return np.empty(0, dtype=np.uint8)


def _meta(content: np.ndarray, place: int) -> tuple[int, int, int, _Tree, _Tree]:
    size = int.from_bytes(content[_HEADER + 24 : _HEADER + 28].tobytes(), "little")
    page = content[place * size :][: _HEADER + _META.size].tobytes() if size in _SIZES else b""
    if len(page) < _HEADER + _META.size:
        raise DamagedFile("it does not begin as a database does")
    number, _, kind = struct.unpack_from("<QHH", page)
    magic, version, _, _, free, main, last, commit = _META.unpack_from(page, _HEADER)
    found = (number, kind & _METAPAGE, magic, version, int.from_bytes(free[:4], "little"))
    trees = _tree(free), _tree(main)
    if found != (place, _METAPAGE, _MAGIC, _VERSION, size) or [tree.flags for tree in trees] != [_INTEGER_KEYS, 0]:
        raise DamagedFile("it does not begin as a database does")
    return size, last, commit, *trees


def _tree(described: bytes) -> _Tree:
    _, flags, depth, _, _, _, entries, root = _DATABASE.unpack(described)
    return _Tree(flags, depth, entries, root)


class _Walk:
    """Goes through trees, and notes which pages they use."""

    def __init__(self, content: np.ndarray, size: int, last: int, thorough: bool) -> None:
        self._content = content
        self._size = size
        self._last = last
        self._thorough = thorough
        self._used = np.zeros(last + 1, dtype=bool)
        self._used[:2] = True

    def follow(self, tree: _Tree, wanted: int | None) -> list[np.ndarray]:
        """Check one tree, which may hold others only if those are wanted; returns the wanted values of its leaves."""
        if tree.root == _NONE and not tree.entries and not tree.depth:
            return []
        if not 1 <= tree.depth <= _DEEPEST:
            raise DamagedFile(f"a tree is {tree.depth} pages deep")
        pages, values, entries = [tree.root], [], 0
        for _ in range(tree.depth - 1):
            pages = [below for page in pages for below in self._branch(page)]
        for page in pages:
            count, found = self._leaf(page, wanted)
            entries += count
            values += found
        if entries != tree.entries:
            raise DamagedFile(f"a tree holds {entries} entries, and counts {tree.entries}")
        return values

    def check_free(self, tree: _Tree, last: int) -> None:
        """Check which pages the next commits may write to: none of them may be in use."""
        for value in self.follow(tree, _PLAIN):
            listed = value[: len(value) // 8 * 8].view("<u8")
            if not len(listed) or listed[0] >= len(listed):
                raise DamagedFile("a list of free pages is longer than it can be")
            pages = listed[1 : 1 + int(listed[0])]
            if (pages < 2).any() or (pages > last).any() or (pages[1:] >= pages[:-1]).any():
                raise DamagedFile("a list of free pages names one that cannot be")
            written = pages[pages <= self._last].astype(np.int64)
            if self._used[written].any():
                raise DamagedFile("a free page is in use")
            self._used[written] = True

    def _use(self, first: int, count: int) -> None:
        if not 2 <= first <= first + count - 1 <= self._last:
            raise DamagedFile(f"page {first} lies outside")
        if self._used[first : first + count].any():
            raise DamagedFile(f"page {first} is used twice")
        self._used[first : first + count] = True

    def _nodes(self, page: int, wanted: int) -> tuple[np.ndarray, np.ndarray]:
        """Check a page but for its nodes; returns its bytes, and where in them each node begins."""
        self._use(page, 1)
        content = self._content[page * self._size : (page + 1) * self._size]
        number, _, kind, lower, upper = struct.unpack("<QHHHH", content[:_HEADER].tobytes())
        if (number, kind) != (page, wanted):
            raise DamagedFile(f"page {page} says that it is page {number} of kind {kind}")
        if not _HEADER < lower <= upper <= self._size or lower % 2:
            raise DamagedFile(f"page {page} holds no nodes")
        places = content[_HEADER:lower].view("<u2").astype(np.int64)
        if places.min() < upper or places.max() + _NODE > self._size:
            raise DamagedFile(f"a node of page {page} lies outside")
        return content, places

    def _check_ends(self, page: int, places: np.ndarray, ends: np.ndarray) -> None:
        # LMDB keeps the nodes of a page side by side up to its end, each rounded up to two bytes.
        order = np.argsort(places)
        if (ends[order] + (ends[order] & 1) != np.append(places[order][1:], self._size)).any():
            raise DamagedFile(f"the nodes of page {page} do not end where the next begin")

    def _branch(self, page: int) -> list[int]:
        content, places = self._nodes(page, _BRANCH)
        low, middle, high, keys = _fields(content, places)
        self._check_ends(page, places, places + _NODE + keys)
        return (low | middle << 16 | high << 32).tolist()

    def _leaf(self, page: int, wanted: int | None) -> tuple[int, list[np.ndarray]]:
        content, places = self._nodes(page, _LEAF)
        low, high, kinds, keys = _fields(content, places)
        sizes, begins, is_large = low | high << 16, places + _NODE + keys, kinds == _LARGE
        self._check_ends(page, places, begins + np.where(is_large, 8, sizes))
        is_tree = kinds == _SUBTREE
        if not (is_large | (kinds == _PLAIN) | is_tree).all() or (is_tree.any() and wanted != _SUBTREE):
            raise DamagedFile(f"a node of page {page} is of no known kind")
        if (sizes[is_tree] != _DATABASE.size).any():
            raise DamagedFile(f"a tree in page {page} is not described")
        firsts = content[begins[is_large] + np.arange(8)[:, None]].T.copy().view("<u8")[:, 0]
        self._use_large(firsts, sizes[is_large])
        if wanted is None:
            return len(places), []
        inline = np.flatnonzero(is_tree if wanted == _SUBTREE else kinds == _PLAIN).tolist()
        found = [content[begins[place] : begins[place] + sizes[place]] for place in inline]
        large = zip(firsts.tolist(), sizes[is_large].tolist(), strict=True)
        return len(places), found + [self._content[first * self._size + _HEADER :][:size] for first, size in large]

    def _use_large(self, firsts: np.ndarray, sizes: np.ndarray) -> None:
        """Check where large values lie: each in pages of its own, from ``firsts`` on."""
        if not len(firsts):
            return
        counts = -(-(sizes + _HEADER) // self._size)
        if (firsts < 2).any() or (firsts > self._last).any():
            raise DamagedFile("a large value lies outside")
        begins = firsts.astype(np.int64)
        if self._thorough:
            headers = self._content[begins * self._size + np.arange(_HEADER)[:, None]].T.copy()
            numbers, kinds = headers[:, :8].copy().view("<u8")[:, 0], headers[:, 10:12].copy().view("<u2")[:, 0]
            pages = headers[:, 12:].copy().view("<u4")[:, 0].astype(np.int64)
            if (numbers != firsts).any() or (kinds != _OVERFLOW).any() or (pages < counts).any():
                raise DamagedFile("a large value does not begin as one does")
            counts = pages
        if (begins + counts - 1 > self._last).any():
            raise DamagedFile("a large value lies outside")
        each = np.repeat(begins - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
        if self._used[each].any() or len(np.unique(each)) < len(each):
            raise DamagedFile("a page of a large value is used twice")
        self._used[each] = True


def _fields(content: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the four numbers of two bytes each that every node begins with, int64 ``(4, N)``."""
    pairs = content[places + np.arange(_NODE)[:, None]].astype(np.int64)
    return pairs[::2] | pairs[1::2] << 8

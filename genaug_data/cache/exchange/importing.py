"""An export, read back into a cache."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from genaug_data.cache.exchange.annotation import from_plain
from genaug_data.cache.exchange.header import Header, read_header
from genaug_data.cache.exchange.layouts import LAYOUTS, Layout
from genaug_data.cache.exchange.manifest_line import MANIFEST, file_digest, unsealed
from genaug_data.cache.exchange.picture import from_png, mask_from_png
from genaug_data.cache.manifest import check_folder, read_manifest
from genaug_data.cache.reader import CacheReader
from genaug_data.cache.tombstones import read_tombstones
from genaug_data.cache.writer import CacheWriter
from genaug_data.errors import ConfigError, DataError
from genaug_data.sample import KEY_BYTES, Provenance, Sample, content_hash

_AT_ONCE = 16
_LONGEST_LINE = 1 << 28
_MOST_VALUES = 3 << 26
_BESIDE = 1 << 14
"""Bytes of a record, at most, beside image, annotation and what its line holds."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What :func:`import_` has read.

    Args:
        records: variants that are in the cache now.
        damaged: file and reason of each that was left out: damaged, changed, or missing.
        forgotten: variants that were left out because an example they were made from is forgotten.
    """

    records: int
    damaged: tuple[tuple[str, str], ...]
    forgotten: int


class _Row(NamedTuple):
    key: bytes
    sample: Sample
    made: Provenance


def import_(folder: str | Path, cache: str | Path, *, max_bytes: int | None = None, progress: bool = True) -> Imported:
    """Read what :func:`export` wrote, in any format, into a cache: the same keys, images, annotations and provenance.

    Each line of the manifest is checked by its digest, each image and annotation by its content hash, so that whatever
    was damaged or changed is left out and named. That is no signature: who can write the files can write both. A new
    cache takes over which gates its variants have passed; in one whose gates were others, the next run judges anew.

    Args:
        folder: of the export.
        cache: folder of the cache; new, or of the same generator on the same training set.
        max_bytes: bound of the cache, beyond which the oldest variants go; None keeps all.
        progress: whether to show a bar.

    Raises:
        ConfigError: ``max_bytes`` is below 1.
        DataError: the folder is no export.
        CacheError: the cache is another's.
        CacheLocked: a run is writing to it.

    Example:
        >>> import tempfile, torch
        >>> from genaug_data.cache.exchange import export
        >>> from genaug_data.sample import Recipe
        >>> scratch, made = Path(tempfile.mkdtemp()), Provenance(4, "ab" * 16, 0, "f", Recipe(), 1, (), 0.5)
        >>> with CacheWriter(scratch / "one", fingerprint="f", identity="f", max_bytes=1 << 20) as writer:
        ...     evicted = writer.put([(b"k" * 16, Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3), made)])
        >>> exported = export(scratch / "one", scratch / "files", to="coco", progress=False)
        >>> import_(scratch / "files", scratch / "two", progress=False).records
        1
        >>> CacheReader(scratch / "two").provenance(b"k" * 16) == made
        True
    """
    folder, cache = Path(folder), Path(cache)
    if max_bytes is not None and max_bytes < 1:
        raise ConfigError(f"max_bytes must be at least 1, got {max_bytes}; leave it out to keep all")
    header = read_header(folder)
    if header.to not in LAYOUTS:
        raise DataError(f"{folder} is of the format {header.to!r}, this version reads {', '.join(LAYOUTS)}")
    check_folder(cache, header.identity, header.fingerprint)
    is_new = read_manifest(cache) is None
    room = _room(folder, cache) if max_bytes is None else max_bytes
    damaged: list[tuple[str, str]] = []
    lines = forgotten = 0
    rows: list[_Row] = []
    layout = LAYOUTS[header.to](folder)
    with (
        CacheWriter(cache, fingerprint=header.fingerprint, identity=header.identity, max_bytes=room) as writer,
        tqdm(total=header.records, desc="import", unit="variant", disable=not progress) as bar,
    ):
        tombstones, keys = read_tombstones(cache), set()
        for name, found in _read(folder, layout):
            lines += 1
            bar.update()
            if isinstance(found, str):
                damaged.append((name, found))
            elif tombstones.cover_variant(found.made):
                forgotten += 1
            else:
                keys.add(found.key)
                rows.append(found)
            if len(rows) >= _AT_ONCE:
                writer.put(rows)
                rows = []
        writer.put(rows)
        _note_judges(writer, header, is_new)
        held = sum(writer.status(key) == "accepted" for key in keys)
    layout.close_read()
    if lines < header.records:
        damaged.append((MANIFEST, f"{header.records - lines} of {header.records} lines are missing"))
    return Imported(held, tuple(damaged), forgotten)


def _note_judges(writer: CacheWriter, header: Header, is_new: bool) -> None:
    if is_new and header.judged_by is not None:
        writer.set_judged_by(header.judged_by)
    elif not is_new and writer.judged_by() not in (None, header.judged_by):
        # Of no gates, so that the next run looks at all of them.
        writer.set_judged_by("")


def _room(folder: Path, cache: Path) -> int:
    with CacheReader(cache) as reader:
        room = reader.stats().bytes
    for _, line in _lines(folder):
        with suppress(DataError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
            fields = unsealed(line)
            sizes = [math.prod(fields["shape"]), math.prod(fields["annotation"].get("shape", []))]
            # A line holds an annotation in more bytes than a record does, but for that of a mask.
            room += 8 * len(line) + _BESIDE + sum(8 * size for size in sizes if 0 <= size <= _MOST_VALUES)
    return room


def _lines(folder: Path) -> Iterator[tuple[int, bytes]]:
    path = folder / MANIFEST
    try:
        with path.open("rb") as manifest:
            number = 0
            while line := manifest.readline(_LONGEST_LINE):
                number += 1
                yield number, line
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error}); export the cache again") from error


def _read(folder: Path, layout: Layout) -> Iterator[tuple[str, _Row | str]]:
    """Yield the name of each file, and what is in it or why it is left out."""
    seen: set[str] = set()
    for number, line in _lines(folder):
        name = f"{MANIFEST}, line {number}"
        try:
            fields = unsealed(line)
            name = str(fields["file"])
            row = _row(fields, layout)
            if fields["key"] in seen:
                raise DataError("its key is there twice")
            seen.add(fields["key"])
        except DataError as error:
            yield name, str(error)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            yield name, f"its line cannot be understood: {error!r}"
        else:
            yield name, row


def _row(fields: dict[str, Any], layout: Layout) -> _Row:
    key, annotation = bytes.fromhex(fields["key"]), fields["annotation"]
    if len(key) != KEY_BYTES:
        raise DataError(f"its key is {fields['key']!r}")
    channels, height, width = fields["shape"]
    if any(type(side) is not int or side < 1 for side in (channels, height, width)):
        raise DataError(f"its shape is {fields['shape']}")
    image = from_png(_content(fields, "file", layout), (channels, height, width))
    mask = None
    if "mask_file" in fields:
        content = _content(fields, "mask_file", layout)
        # Where some values do not fit into a PNG, the line has them all.
        mask = None if "runs" in annotation else mask_from_png(content, annotation["shape"])
    target = from_plain(annotation, mask)
    sample = Sample(image, target)
    if content_hash(sample).hex() != fields["content_hash"]:
        raise DataError("image or annotation was changed after it was written")
    return _Row(key, sample, Provenance.from_json(json.dumps(fields["provenance"])))


def _content(fields: dict[str, Any], name: str, layout: Layout) -> bytes:
    content = layout.read(fields[name])
    if file_digest(content) != fields[f"{name}_digest"]:
        raise DataError(f"{fields[name]} was damaged, or changed after it was written")
    return content

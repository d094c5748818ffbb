"""A cache, written as files that other programs read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from genaug_data.cache.exchange.annotation import is_mask, to_plain
from genaug_data.cache.exchange.card import Card
from genaug_data.cache.exchange.header import Header
from genaug_data.cache.exchange.layouts import LAYOUTS, Item, Layout
from genaug_data.cache.exchange.manifest_line import MANIFEST, file_digest, sealed
from genaug_data.cache.exchange.picture import mask_to_png, to_png
from genaug_data.cache.manifest import manifest_of
from genaug_data.cache.reader import CacheReader
from genaug_data.errors import ConfigError, SaveError
from genaug_data.sample import Provenance, Sample, content_hash

_AT_ONCE = 16

Format = Literal["imagefolder", "webdataset", "coco", "hf"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What :func:`export` has written.

    Args:
        records: variants.
        damaged: keys of those that could not be read, and are not there.
    """

    records: int
    damaged: tuple[bytes, ...]


def export(
    folder: str | Path,
    out: str | Path,
    *,
    to: Format = "imagefolder",
    classes: Sequence[str] = (),
    progress: bool = True,
) -> Exported:
    """Write all variants of a cache as PNG files, with a manifest, their whole provenance and a dataset card.

    Every format has ``manifest.jsonl``, from which :func:`import_` restores a cache bit by bit, and ``README.md``. The
    same cache gives the same files, in the order of the keys. One batch of images is in memory at a time; the files are
    written beside ``out``, which is there whole or not at all.

    Args:
        folder: of the cache.
        out: new or empty folder.
        to: "imagefolder" (folders by class; masks beside images), "webdataset" (tar shards), "coco"
            (``annotations.json``) or "hf" (Hugging Face, ``metadata.jsonl``).
        classes: names of the classes, for folders and tables; without, their numbers.
        progress: whether to show a bar.

    Raises:
        ConfigError: the format is unknown, or ``out`` is not empty.
        CacheError: there is no cache in the folder, or it cannot be read at all.
        SaveError: the files cannot be written.

    Example:
        >>> import tempfile, torch
        >>> from genaug_data.cache import CacheWriter
        >>> from genaug_data.sample import Recipe
        >>> folder, made = Path(tempfile.mkdtemp()), Provenance(4, "ab" * 16, 0, "f", Recipe(), 1, (), 0.5)
        >>> with CacheWriter(folder, fingerprint="f", identity="f", max_bytes=1 << 20) as writer:
        ...     evicted = writer.put([(b"k" * 16, Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3), made)])
        >>> export(folder, folder / "out", classes=["a", "b", "c", "cat"], progress=False).records
        1
        >>> sorted(path.name for path in (folder / "out").iterdir())
        ['README.md', 'cat', 'genaug-export.json', 'manifest.jsonl']
    """
    folder, out = Path(folder), Path(os.path.abspath(out))
    if to not in LAYOUTS:
        raise ConfigError(f"to must be one of {', '.join(LAYOUTS)}, got {to!r}")
    manifest = manifest_of(folder)
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise ConfigError(f"{out} is not empty; pass a new folder, as nothing is written over")
    scratch = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        _clear_up(out)
        scratch.mkdir(parents=True)
        with CacheReader(folder) as reader:
            reader.check_readable()
            done = _write(reader, LAYOUTS[to](scratch, classes), Card(to, classes), progress)
            Header(to, manifest.identity, manifest.fingerprint, reader.judged_by(), done.records).write(scratch)
        scratch.replace(out)
    except OSError as error:
        raise SaveError(f"{out} cannot be written ({error}); make room there or choose another folder") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return done


def _clear_up(out: Path) -> None:
    """Delete what an export to the same place has left that was killed: it holds images."""
    beginning = f".{out.name}."
    for left in out.parent.iterdir() if out.parent.is_dir() else ():
        number = left.name.removeprefix(beginning)
        if left.name.startswith(beginning) and number.isdecimal() and not _is_alive(int(number)):
            shutil.rmtree(left)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _write(reader: CacheReader, layout: Layout, card: Card, progress: bool) -> Exported:
    damaged: list[bytes] = []
    keys = sorted(entry.key for entry in reader.entries())
    with (layout.folder / MANIFEST).open("w") as manifest:
        for key, sample, made in _read(reader, keys, progress):
            if sample is None or made is None:
                damaged.append(key)
                continue
            mask, is_exact = mask_to_png(sample.target) if is_mask(sample.target) else (None, False)  # type: ignore[arg-type]
            mask = mask if layout.writes_masks else None
            item = Item(key.hex(), sample, made, to_png(sample.image), mask)
            fields = _fields(item, *layout.place(item), is_exact=is_exact)
            line = sealed(fields)
            layout.write(item, line)
            card.count(item, _kind(fields["annotation"]))
            manifest.write(line + "\n")
    layout.close()
    card.write(layout.folder)
    return Exported(len(keys) - len(damaged), tuple(damaged))


def _read(
    reader: CacheReader, keys: Sequence[bytes], progress: bool
) -> Iterator[tuple[bytes, Sample | None, Provenance | None]]:
    with tqdm(total=len(keys), desc="export", unit="variant", disable=not progress) as bar:
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            for key, sample in zip(part, reader.gather(part), strict=True):
                yield key, sample, None if sample is None else reader.provenance(key)
            bar.update(len(part))


def _fields(item: Item, file: str, mask_file: str | None, *, is_exact: bool) -> dict[str, Any]:
    in_file = mask_file is not None and is_exact
    return {
        "file": file,
        "file_digest": file_digest(item.image),
        **({} if item.mask is None else {"mask_file": mask_file, "mask_file_digest": file_digest(item.mask)}),
        "key": item.key,
        "shape": list(item.sample.image.shape),
        "content_hash": content_hash(item.sample).hex(),
        "annotation": to_plain(item.sample.target, with_mask=not in_file),
        "provenance": json.loads(item.made.to_json()),
    }


def _kind(annotation: dict[str, Any]) -> str:
    is_detection = annotation["kind"] == "named" and "boxes" in annotation["fields"]
    return "boxes" if is_detection else str(annotation["kind"])

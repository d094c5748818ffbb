"""Whose folder it is: a cache belongs to one generator on one training set."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from genaug_data.errors import CacheError

FORMAT = 3
_NAME = "genaug.json"
_MOST_BYTES = 1 << 20
_STATE = re.compile(r"genaug(-rank\d+)?\.safetensors")
_OURS = {
    _NAME,
    "variants",
    "writer.lock",
    "generator",
    "journals",
    "snapshots",
    "history",
    "report.html",
    "forgotten.json",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a cache folder says of itself.

    Args:
        format: version of the layout.
        identity: of generator and training set before any fit.
        fingerprint: of the fitted generator.
        created: seconds since the epoch.
    """

    format: int
    identity: str
    fingerprint: str
    created: float


def is_cache(folder: str | Path) -> bool:
    """Whether a folder has the manifest of a cache.

    Example:
        >>> is_cache("no/such/folder")
        False
    """
    return (Path(folder) / _NAME).is_file()


def read_manifest(folder: str | Path) -> Manifest | None:
    """Return the manifest of a cache folder, None where nothing is cached yet.

    Raises:
        CacheError: the folder holds files that are not ours, or a manifest that cannot be read.

    Example:
        >>> read_manifest("no/such/folder") is None
        True
    """
    folder = Path(folder)
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise CacheError(f"cache must be a folder, got the file {folder}; pass another path")
    names = set(os.listdir(folder))
    foreign = sorted(name for name in names - _OURS if not _is_state(folder / name))
    links = sorted(name for name in names & _OURS if (folder / name).is_symlink())
    if links:
        # Through it we would write to what is not ours.
        raise CacheError(f"{folder / links[0]} is a symbolic link; put the file itself there, or link the whole folder")
    if not (folder / _NAME).is_file():
        if foreign:
            raise CacheError(f"{folder} is no cache, it holds {foreign[0]!r}; pass an empty folder or a new one")
        return None
    try:
        manifest = _read(folder / _NAME)
    except (ValueError, TypeError, OSError, RecursionError) as error:
        raise CacheError(f"the manifest {folder / _NAME} cannot be read ({error}); pass another folder") from error
    if manifest.format != FORMAT:
        raise CacheError(
            f"{folder} has cache format {manifest.format}, this version reads {FORMAT}; pass another folder"
        )
    return manifest


def manifest_of(folder: str | Path) -> Manifest:
    """Return the manifest of a cache that must be there.

    Raises:
        CacheError: nothing is cached in the folder, or :func:`read_manifest` does.
    """
    # Whatever else lies there: the advice of read_manifest, on a new folder, is none for who wants to read.
    manifest = read_manifest(folder) if is_cache(folder) else None
    if manifest is None:
        raise CacheError(f"there is no cache in {folder}; pass the folder that was given as cache=")
    return manifest


def _is_state(path: Path) -> bool:
    # The state of a run may well be kept beside its cache, and may be saved before anything is cached.
    files = path.iterdir() if path.is_dir() else [path]
    return any(_STATE.fullmatch(file.name) for file in files)


def _read(path: Path) -> Manifest:
    with path.open("rb") as stored:
        text = stored.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES} bytes")
    manifest = Manifest(**json.loads(text))
    if not (isinstance(manifest.identity, str) and isinstance(manifest.fingerprint, str)):
        raise TypeError("its identity or fingerprint is no text")
    return manifest


def check_folder(folder: str | Path, identity: str, fingerprint: str | None = None) -> None:
    """Check that a folder can be the cache of a generator on a training set.

    Args:
        folder: may be missing or empty.
        identity: of generator and training set, as :func:`~genaug_data.generators.identity_of` returns it.
        fingerprint: of the fitted generator, once it is known.

    Raises:
        CacheError: it is no cache, or another's.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return
    held_generator, _, held_set = manifest.identity.rpartition(" on ")
    generator, _, training_set = identity.rpartition(" on ")
    for name, held, asked in (
        ("generator", held_generator, generator),
        ("training set", held_set, training_set),
        ("fit of the generator", manifest.fingerprint, fingerprint),
    ):
        if asked is not None and held != asked:
            raise CacheError(
                f"the cache in {folder} belongs to another {name}: it holds variants of {held!r}, this run makes "
                f"{asked!r}; pass another folder"
            )


def write_manifest(folder: Path, identity: str, fingerprint: str) -> None:
    """Claim a folder that nobody has claimed yet; never leaves half a manifest."""
    manifest = Manifest(FORMAT, identity, fingerprint, time.time())
    scratch = folder / "variants" / f"{_NAME}.{os.getpid()}"
    scratch.write_text(json.dumps(asdict(manifest), indent=1))
    scratch.replace(folder / _NAME)

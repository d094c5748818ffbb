"""Where one variant comes from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from genaug_data.cache.manifest import manifest_of
from genaug_data.cache.reader import CacheReader
from genaug_data.errors import CacheError, ConfigError
from genaug_data.sample import KEY_BYTES, Provenance, Target

_SHORT_TEXT = 60


@dataclass(frozen=True, slots=True)
class Traced:
    """All that is known of how a variant was made.

    Args:
        key: of the variant.
        status: whether it may train.
        made: its provenance.
        annotation: in a few words; empty of a rejected one, which is not kept.
    """

    key: bytes
    status: Literal["accepted", "rejected"]
    made: Provenance
    annotation: str

    def to_plain(self) -> dict[str, Any]:
        """Return the same as what JSON can say."""
        fields = json.loads(self.made.to_json())
        return {"key": self.key.hex(), "status": self.status, "annotation": self.annotation, **fields}


def trace(folder: str | Path, prefix: str) -> Traced:
    """Return how the variant was made whose key begins with ``prefix``, accepted or rejected.

    Args:
        folder: of the cache.
        prefix: hexadecimal digits, as many as tell it from the others.

    Raises:
        ConfigError: ``prefix`` is not hexadecimal, or several keys begin with it.
        CacheError: there is no cache in the folder, it is damaged, there is no such key, or its record is damaged.

    Example:
        >>> import tempfile
        >>> from genaug_data.cache import CacheWriter
        >>> from genaug_data.sample import Recipe, Sample
        >>> folder, made = tempfile.mkdtemp(), Provenance(4, "00", 0, "f", Recipe(), 1, (), 0.5)
        >>> with CacheWriter(folder, fingerprint="f", identity="f", max_bytes=1 << 20) as writer:
        ...     evicted = writer.put([(b"k" * 16, Sample(torch.zeros(1, 8, 8, dtype=torch.uint8), 3), made)])
        >>> found = trace(folder, "6b6b")
        >>> found.made.parent, found.annotation
        (4, 'class 3')
    """
    prefix = prefix.lower()
    if not re.fullmatch(rf"[0-9a-f]{{1,{2 * KEY_BYTES}}}", prefix):
        raise ConfigError(f"a key is up to {2 * KEY_BYTES} hexadecimal digits, got {prefix!r}; `cache list` shows them")
    manifest_of(folder)
    with CacheReader(folder) as reader:
        reader.check_readable()
        accepted = [entry.key for entry in reader.entries() if entry.key.hex().startswith(prefix)]
        rejected = {key: made for key, made in reader.rejections() if key.hex().startswith(prefix)}
        found = list(dict.fromkeys([*accepted, *rejected]))
        if len(found) > 1:
            raise ConfigError(
                f"{len(found)} keys begin with {prefix!r}, {found[0].hex()} and {found[1].hex()} among them; "
                "pass more digits"
            )
        if not found:
            raise CacheError(f"no key in {folder} begins with {prefix!r}; `genaug cache list` shows those there are")
        if not accepted:
            return Traced(found[0], "rejected", rejected[found[0]], "")
        described = reader.describe(found)[0]
    if described is None:
        raise CacheError(f"the record of {found[0].hex()} in {folder} is damaged; `genaug cache prune` drops it")
    return Traced(found[0], "accepted", described[0], described_annotation(described[1]))


def described_annotation(target: Target) -> str:
    """Return an annotation in a few words.

    Example:
        >>> described_annotation(3), described_annotation("a cat"), described_annotation(torch.zeros(4, 4).long())
        ('class 3', "caption 'a cat'", 'int64 (4, 4)')
    """
    match target:
        case int():
            return f"class {target}"
        case str():
            return f"caption {target if len(target) <= _SHORT_TEXT else target[: _SHORT_TEXT - 3] + '...'!r}"
        case torch.Tensor() if target.ndim == 1 and target.is_floating_point():
            return f"soft label {[round(value, 4) for value in target.tolist()]}"
        case Mapping():
            return ", ".join(f"{name} {described_annotation(value)}" for name, value in target.items())
    return f"{str(target.dtype).removeprefix('torch.')} {tuple(target.shape)}"

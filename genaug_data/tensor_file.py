"""Tensors and their description in one file: safetensors, written atomically, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from genaug_data.errors import SaveError

_DESCRIPTION = "genaug_data"


class DamagedFile(Exception):
    """The file is not what :func:`write_tensors` wrote."""


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], description: Mapping[str, Any]) -> None:
    """Write tensors and a JSON description: a reader sees the old file or the whole new one, never a part.

    Raises:
        SaveError: the file cannot be written, for want of room or permission.
    """
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    with _draft_of(path) as draft:
        # By ourselves, as save_file makes files that only their owner may read.
        draft.write_bytes(save(plain, metadata={_DESCRIPTION: json.dumps(description)}))


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """Read back what :func:`write_tensors` wrote; None if there is no such file.

    Raises:
        DamagedFile: the file cannot be understood.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            description = json.loads(stored.metadata()[_DESCRIPTION])
            return {name: stored.get_tensor(name) for name in stored.keys()}, description  # noqa: SIM118
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedFile(f"{path}: {error}") from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically.

    Raises:
        SaveError: as :func:`write_tensors`.
    """
    with _draft_of(path) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n")


def digest_of(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return 32 hexadecimal digits that stand for the names, types, shapes and bytes of CPU tensors."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        array = tensors[name].detach().contiguous().numpy()
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            draft.unlink()
        raise SaveError(f"{path} cannot be written ({error}); make room there or choose another folder") from error

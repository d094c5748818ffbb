"""Tensors and their description in one file: safetensors, written atomically, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

_DESCRIPTION = "genaug_data"


class DamagedFile(Exception):
    """The file is not what :func:`write_tensors` wrote."""


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], description: Mapping[str, Any]) -> None:
    """Write tensors and a JSON description: a reader sees the old file or the whole new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(plain, draft, metadata={_DESCRIPTION: json.dumps(description)})
    _publish(draft, path)


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
    """Write a JSON file atomically."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    _publish(draft, path)


def digest_of(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return 32 hexadecimal digits that stand for the names, types, shapes and bytes of CPU tensors."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        array = tensors[name].detach().contiguous().numpy()
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _publish(draft: Path, path: Path) -> None:
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(path)

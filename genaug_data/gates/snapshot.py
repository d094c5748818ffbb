"""The model under training at one step, on its way to the gates that judge by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from genaug_data.tensor_file import DamagedFile, digest_of, read_tensors, write_tensors


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The weights of the model under training, as they were at one step.

    Args:
        name: 32 hexadecimal digits that stand for the weights.
        step: steps of training that were observed before it.
        weights: a module's ``state_dict()``, on the CPU.

    Example:
        >>> Snapshot.of(torch.nn.Linear(2, 1).state_dict(), step=7).step
        7
    """

    name: str
    step: int
    weights: Mapping[str, torch.Tensor]

    @classmethod
    def of(cls, weights: Mapping[str, torch.Tensor], step: int) -> Snapshot:
        """Return a snapshot that shares no memory with ``weights``, on whatever device they are; waits for these."""
        copies = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in weights.items()}
        # As bytes, as NumPy knows no bfloat16.
        plain = {name: value.reshape(-1).view(torch.uint8) for name, value in copies.items()}
        return cls(digest_of(plain), step, copies)

    def write(self, folder: Path) -> Path:
        """Write this to a file of ``folder`` that is named after it, atomically, and return its path.

        Raises:
            SaveError: it cannot be written.
        """
        path = folder / f"{self.name}.safetensors"
        write_tensors(path, self.weights, {"name": self.name, "step": self.step})
        return path

    @classmethod
    def read(cls, path: Path) -> Snapshot | None:
        """Read back what :meth:`write` wrote; None if there is no such file any more, or it is damaged."""
        try:
            found = read_tensors(path)
            return None if found is None else cls(str(found[1]["name"]), int(found[1]["step"]), found[0])
        except (DamagedFile, KeyError, TypeError, ValueError):
            return None

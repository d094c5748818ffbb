"""How a user's dataset stores a class label, and the way to an int and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genaug_data.errors import DataError


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """The type of a user's class labels; frozen, picklable and comparable.

    Args:
        container: ``"int"``, ``"numpy"`` (a NumPy integer) or ``"tensor"`` (0-d).
        dtype: name of the integer type; empty for Python's int.

    Example:
        >>> LabelFormat.of(np.int64(3))
        LabelFormat(container='numpy', dtype='int64')
        >>> LabelFormat.of(torch.tensor(3)).read(torch.tensor(3))
        3
        >>> LabelFormat.of(torch.tensor(3)).write(4)
        tensor(4)
    """

    container: str
    dtype: str = ""

    @classmethod
    def of(cls, label: Any) -> LabelFormat:
        """Return the format of ``label``.

        Raises:
            DataError: ``label`` is no class index.
        """
        match label:
            case bool() | np.bool_():
                raise _no_index(label, "return int(label)")
            case int():
                return cls("int")
            case np.integer():
                return cls("numpy", str(label.dtype))
            case float() | np.floating():
                raise _no_index(label, "return int(label) if it is one")
            case torch.Tensor() | np.ndarray() if label.ndim > 0:
                raise DataError(
                    f"a class label must be one integer, found a vector or array of shape {tuple(label.shape)}: "
                    "return the class index, for example label.argmax() of a one-hot vector"
                )
            case torch.Tensor():
                if label.is_floating_point() or label.is_complex() or label.dtype == torch.bool:
                    raise _no_index(label, "return an integer tensor")
                return cls("tensor", str(label.dtype).removeprefix("torch."))
        raise _no_index(label, "return the class index")

    def read(self, label: Any) -> int:
        """Return ``label`` as int, at least 0.

        Raises:
            DataError: the label is not of this format, or negative.
        """
        found = LabelFormat.of(label)
        if found != self:
            raise DataError(
                f"a label is {found}, but the first one of the dataset is {self}: make them alike in the base dataset"
            )
        value = int(label)
        if value < 0:
            raise DataError(
                f"a class label must be at least 0, found {value}: leave unlabelled examples out of the dataset"
            )
        return value

    def write(self, label: int) -> Any:
        """Return ``label`` in this format."""
        if self.container == "numpy":
            return np.dtype(self.dtype).type(label)
        if self.container == "tensor":
            return torch.tensor(label, dtype=getattr(torch, self.dtype))
        return label


def _no_index(label: Any, advice: str) -> DataError:
    return DataError(
        f"a class label must be an integer index, found {label!r} of type {type(label).__name__}: "
        f"{advice} from the base dataset"
    )

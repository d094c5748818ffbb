"""How a user's dataset stores a soft label, and the way to a float tensor and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genaug_data.errors import DataError
from genaug_data.tasks.label_format import LabelFormat

_NAMES = ("float16", "float32", "float64")
_TYPES = {np.dtype(name): name for name in _NAMES} | {getattr(torch, name): name for name in _NAMES}
_ROUNDING = 1e-3
"""By how much the sum may miss 1: that of a thousand numbers of half precision does."""


@dataclass(frozen=True, slots=True)
class SoftLabelFormat:
    """The type of labels that give every class a probability; frozen, picklable and comparable.

    A class index among them is read as the vector that gives it all of the probability.

    Args:
        container: ``"tensor"`` or ``"numpy"``, one-dimensional.
        dtype: name of the float type.
        classes: number of classes.

    Example:
        >>> stored = SoftLabelFormat.of(torch.tensor([0.25, 0.75]))
        >>> stored
        SoftLabelFormat(container='tensor', dtype='float32', classes=2)
        >>> stored.read(torch.tensor([0.5, 0.5])), stored.read(1)
        (tensor([0.5000, 0.5000]), tensor([0., 1.]))
    """

    container: str
    dtype: str
    classes: int

    @classmethod
    def of(cls, label: Any) -> SoftLabelFormat:
        """Return the format of ``label``.

        Raises:
            DataError: ``label`` is no vector of floats, one for each of at least two classes.
        """
        if not is_vector(label) or label.dtype not in _TYPES or len(label) < 2:
            told = f"{label.dtype} {tuple(label.shape)}" if is_vector(label) else type(label).__name__
            raise DataError(
                f"a soft label must be a vector of {', '.join(_NAMES[:-1])} or {_NAMES[-1]} with the probability of "
                f"each class, two at least, found {told}: convert it in the base dataset, or return the class index"
            )
        return cls("numpy" if isinstance(label, np.ndarray) else "tensor", _TYPES[label.dtype], len(label))

    def read(self, label: Any) -> torch.Tensor:
        """Return ``label`` as a new tensor ``(classes,)`` of this type, which shares no memory with it.

        Raises:
            DataError: the label is not of this format, its values are no probabilities, or its index is no class.
        """
        if not is_vector(label):
            return self._one_hot(LabelFormat.of(label).read(label))
        found = SoftLabelFormat.of(label)
        if found != self:
            raise DataError(f"a label is {found}, but this dataset's are {self}: make them alike in the base dataset")
        vector = torch.as_tensor(np.array(label)) if found.container == "numpy" else label.detach().to("cpu", copy=True)
        total = float(vector.double().sum())
        # Also where one is NaN, which no comparison holds for.
        if not (bool((vector >= 0).all()) and abs(total - 1) <= _ROUNDING):
            raise DataError(
                f"a soft label must hold probabilities, none below 0 and of sum 1, found a least of "
                f"{float(vector.min()):g} and the sum {total:g}: divide by the sum, or take the softmax, in the base "
                "dataset; several labels at a time are not supported"
            )
        return vector

    def write(self, label: torch.Tensor) -> Any:
        """Return a tensor ``(classes,)`` in this format, in memory of its own."""
        vector = label.to(getattr(torch, self.dtype), copy=True)
        return vector.numpy() if self.container == "numpy" else vector

    def _one_hot(self, index: int) -> torch.Tensor:
        if index >= self.classes:
            raise DataError(
                f"a class label must be below the number of classes, {self.classes}, found {index}: "
                "correct the label, or pass task=ClassificationTask(num_classes=..., soft_labels=True)"
            )
        vector = torch.zeros(self.classes, dtype=getattr(torch, self.dtype))
        vector[index] = 1
        return vector


def is_vector(label: Any) -> bool:
    """Return whether ``label`` is a one-dimensional tensor or array."""
    return isinstance(label, (torch.Tensor, np.ndarray)) and label.ndim == 1

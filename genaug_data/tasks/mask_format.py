"""How a user's dataset stores a segmentation mask, and the way to an int64 tensor and back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from genaug_data.errors import DataError
from genaug_data.tasks.image_format import is_pil

_NAMES = ("uint8", "int8", "int16", "int32", "int64", "bool")
_TYPES = {np.dtype(name): name for name in _NAMES} | {getattr(torch, name): name for name in _NAMES}
_EXPECTED = "(H, W), (1, H, W) or (H, W, 1)"


@dataclass(frozen=True, slots=True)
class MaskFormat:
    """The type of a user's masks of class ids; frozen, picklable and comparable.

    Args:
        container: ``"PIL"``, ``"tensor"``, ``"tv_tensor"`` (torchvision's ``tv_tensors.Mask``) or ``"numpy"``.
        axes: ``"HW"``, ``"1HW"`` or ``"HW1"``.
        dtype: name of the integer or bool type.
        mode: PIL's mode, ``"L"`` or ``"P"`` (ids are palette indices); empty for other containers.
        palette: RGB bytes of mode ``"P"``; only for show, so no part of a comparison.

    Example:
        >>> stored = MaskFormat.of(np.ones((2, 3), dtype=np.uint8))
        >>> stored.read(np.ones((2, 3), dtype=np.uint8)).dtype
        torch.int64
    """

    container: str
    axes: str
    dtype: str
    mode: str = ""
    palette: bytes = field(default=b"", compare=False, repr=False)

    @classmethod
    def of(cls, mask: Any) -> MaskFormat:
        """Return the format of ``mask``.

        Raises:
            DataError: a mask of this type, mode or shape is not understood.
        """
        found = cls._of(mask)
        return replace(found, palette=bytes(mask.getpalette() or ())) if found.mode == "P" else found

    @classmethod
    def _of(cls, mask: Any) -> MaskFormat:
        if is_pil(mask):
            if mask.mode not in ("L", "P"):
                raise DataError(
                    f"a mask must be PIL mode L or P, whose values are class ids, found mode {mask.mode}: "
                    "turn it into class ids in the base dataset"
                )
            return cls("PIL", "HW", "uint8", mask.mode)
        if not isinstance(mask, (torch.Tensor, np.ndarray)):
            raise DataError(
                f"a mask must be a PIL image, a tensor or a NumPy array of class ids, found {type(mask).__name__}: "
                "return one of these from the base dataset"
            )
        if mask.dtype not in _TYPES:
            raise DataError(
                f"a mask must hold integer class ids, found {mask.dtype}: convert it in the base dataset, "
                "and keep scaling transforms such as ToTensor away from masks"
            )
        return cls(_container(mask), _axes(tuple(mask.shape)), _TYPES[mask.dtype])

    def read(self, mask: Any) -> torch.Tensor:
        """Return ``mask`` as a new int64 tensor ``(H, W)``, which shares no memory with it.

        Raises:
            DataError: the mask is not of this format.
        """
        found = MaskFormat._of(mask)
        if found != self:
            raise DataError(
                f"a mask is {found}, but the first one of the dataset is {self}: make them alike in the base dataset"
            )
        if self.container == "PIL":
            width, height = mask.size
            ids = np.frombuffer(mask.tobytes(), np.uint8).reshape(height, width)
            return torch.from_numpy(ids.astype(np.int64))
        if self.container == "numpy":
            values = torch.from_numpy(mask.astype(np.int64))
        else:
            values = mask.detach().as_subclass(torch.Tensor).to(torch.int64, copy=True)
        return values.squeeze(_LONELY_AXIS[self.axes]) if self.axes != "HW" else values

    def write(self, mask: torch.Tensor) -> Any:
        """Return an int64 tensor ``(H, W)`` as a mask of this format, in memory of its own."""
        values = mask.as_subclass(torch.Tensor).to(getattr(torch, self.dtype), copy=True)
        if self.axes != "HW":
            values = values.unsqueeze(_LONELY_AXIS[self.axes])
        if self.container == "PIL":
            from PIL import Image

            picture = Image.fromarray(values.numpy())
            if self.mode == "P":
                picture.putpalette(self.palette)
            return picture
        if self.container == "numpy":
            return np.ascontiguousarray(values.numpy())
        if self.container == "tv_tensor":
            from torchvision import tv_tensors

            return tv_tensors.Mask(values)
        return values


_LONELY_AXIS = {"1HW": 0, "HW1": 2}


def _container(mask: Any) -> str:
    if isinstance(mask, np.ndarray):
        return "numpy"
    if type(mask) is torch.Tensor:
        return "tensor"
    from torchvision import tv_tensors

    return "tv_tensor" if isinstance(mask, tv_tensors.Mask) else "tensor"


def _axes(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return "HW"
    if len(shape) == 3 and shape[0] == 1:
        return "1HW"
    if len(shape) == 3 and shape[2] == 1:
        return "HW1"
    raise DataError(
        f"a mask must be {_EXPECTED}, found shape {shape}: return one class id per pixel from the base dataset"
    )

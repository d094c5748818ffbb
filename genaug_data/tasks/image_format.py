"""How a user's dataset stores an image, and the way to a uint8 tensor and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genaug_data.errors import DataError

_PIL_MODES = {"L": 1, "RGB": 3}
_CHANNELS_OF_PICTURES = (1, 3, 4)
# NumPy takes 8 us to spell the name of a type.
_ARRAY_TYPES = {np.dtype(name): name for name in ("uint8", "float16", "float32", "float64")}


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """The type of a user's images; frozen, picklable and comparable.

    Args:
        container: ``"PIL"``, ``"tensor"``, ``"tv_tensor"`` (torchvision's ``tv_tensors.Image``) or ``"numpy"``.
        axes: order of the dimensions: ``"CHW"``, ``"HW"`` or ``"HWC"``; size and number of channels may vary.
        dtype: ``"uint8"``, or the name of a float type, whose values then lie in [0, 1].
        mode: PIL's mode, ``"L"`` or ``"RGB"``; empty for other containers.

    Example:
        >>> stored = ImageFormat.of(np.full((4, 5, 3), 0.2, dtype=np.float32))
        >>> stored
        ImageFormat(container='numpy', axes='HWC', dtype='float32', mode='')
        >>> image = stored.read(np.full((4, 5, 3), 0.2, dtype=np.float32))
        >>> image.shape, image.dtype, int(image[0, 0, 0])
        (torch.Size([3, 4, 5]), torch.uint8, 51)
        >>> stored.write(image).shape
        (4, 5, 3)
    """

    container: str
    axes: str
    dtype: str
    mode: str = ""

    @classmethod
    def of(cls, image: Any) -> ImageFormat:
        """Return the format of ``image``.

        Raises:
            DataError: an image of this type, mode or shape is not understood.
        """
        if isinstance(image, torch.Tensor):
            return cls._of_tensor(image)
        if isinstance(image, np.ndarray):
            return cls._of_array(image)
        if is_pil(image):
            if image.mode not in _PIL_MODES:
                raise DataError(
                    f"an image must be PIL mode L or RGB, found mode {image.mode}: "
                    "convert it in the base dataset, for example with image.convert('RGB')"
                )
            return cls("PIL", "HW" if image.mode == "L" else "HWC", "uint8", image.mode)
        raise DataError(
            f"an image must be a PIL image, a tensor or a NumPy array, found {type(image).__name__}: "
            "return one of these from the base dataset"
        )

    @classmethod
    def _of_tensor(cls, image: torch.Tensor) -> ImageFormat:
        dtype = str(image.dtype).removeprefix("torch.")
        if image.dtype != torch.uint8 and not image.is_floating_point():
            raise _wrong_dtype("tensor", dtype)
        if image.device.type != "cpu":
            raise DataError(
                f"an image of the base dataset must be in main memory, found one on {image.device}: return CPU tensors"
            )
        if image.ndim not in (2, 3):
            raise _wrong_rank("tensor", tuple(image.shape), "(C, H, W) or (H, W)")
        if image.ndim == 3 and _looks_like(image.shape, channels=2):
            raise DataError(
                f"an image tensor must be (C, H, W), found {tuple(image.shape)}, which looks like (H, W, C): "
                "permute it in the base dataset with image.permute(2, 0, 1)"
            )
        container = "tensor"
        if type(image) is not torch.Tensor:
            from torchvision import tv_tensors

            container = "tv_tensor" if isinstance(image, tv_tensors.Image) else "tensor"
        return cls(container, "CHW" if image.ndim == 3 else "HW", dtype)

    @classmethod
    def _of_array(cls, image: np.ndarray) -> ImageFormat:
        if image.dtype not in _ARRAY_TYPES:
            raise _wrong_dtype("NumPy array", image.dtype.name)
        if image.ndim not in (2, 3):
            raise _wrong_rank("NumPy array", image.shape, "(H, W, C) or (H, W)")
        if image.ndim == 3 and _looks_like(image.shape, channels=0):
            raise DataError(
                f"an image as NumPy array must be (H, W, C), found {image.shape}, which looks like (C, H, W): "
                "return image.transpose(1, 2, 0), or a tensor, from the base dataset"
            )
        return cls("numpy", "HWC" if image.ndim == 3 else "HW", _ARRAY_TYPES[image.dtype])

    def read(self, image: Any) -> torch.Tensor:
        """Return ``image`` as a new uint8 tensor ``(C, H, W)``, which shares no memory with it.

        Raises:
            DataError: the image is not of this format, or its values leave [0, 1].
        """
        found = ImageFormat.of(image)
        if found != self:
            raise DataError(
                f"an image is {found}, but the first one of the dataset is {self}: make them alike in the base dataset"
            )
        if self.container == "PIL":
            return _read_pil(image)
        values = image.detach().as_subclass(torch.Tensor) if isinstance(image, torch.Tensor) else _to_tensor(image)
        if self.axes == "HW":
            values = values.unsqueeze(0)
        elif self.axes == "HWC":
            values = values.permute(2, 0, 1)
        if self.dtype == "uint8":
            return values.clone(memory_format=torch.contiguous_format)
        return _to_bytes(values)

    def write(self, image: torch.Tensor) -> Any:
        """Return a uint8 tensor ``(C, H, W)`` as an image of this format.

        Raises:
            DataError: the number of channels does not fit this format.
        """
        self._check_channels(image.shape[0])
        if self.container == "PIL":
            return _write_pil(image, self.mode)
        values = image[0] if self.axes == "HW" else image
        if self.axes == "HWC":
            values = values.permute(1, 2, 0)
        if self.dtype != "uint8":
            values = values.to(torch.float64 if self.dtype == "float64" else torch.float32).div_(255)
            values = values.to(getattr(torch, self.dtype))
        if self.container == "numpy":
            return np.ascontiguousarray(values.numpy())
        if self.container == "tv_tensor":
            from torchvision import tv_tensors

            return tv_tensors.Image(values)
        return values

    def _check_channels(self, channels: int) -> None:
        needed = _PIL_MODES.get(self.mode) or (1 if self.axes == "HW" else channels)
        if channels != needed:
            raise DataError(f"an image of {self} has {needed} channel(s), found {channels}: keep the parent's channels")


def is_pil(value: Any) -> bool:
    """Tell whether ``value`` is a PIL image."""
    from PIL import Image

    return isinstance(value, Image.Image)


def _looks_like(shape: tuple[int, ...], channels: int) -> bool:
    other = 2 - channels
    return shape[channels] in _CHANNELS_OF_PICTURES and shape[other] not in _CHANNELS_OF_PICTURES


def _read_pil(image: Any) -> torch.Tensor:
    width, height = image.size
    # Through bytes: three times as fast as np.array(image) on small images, and always memory of our own.
    values = np.frombuffer(image.tobytes(), np.uint8).reshape(height, width, -1)
    return torch.from_numpy(values.transpose(2, 0, 1).copy())


def _write_pil(image: torch.Tensor, mode: str) -> Any:
    from PIL import Image

    # Half the time of Image.fromarray on small images.
    return Image.frombytes(mode, (image.shape[2], image.shape[1]), image.numpy().transpose(1, 2, 0).tobytes())


def _to_tensor(array: np.ndarray) -> torch.Tensor:
    # torch refuses negative strides and warns about read-only memory; a copy has neither.
    writable = array.flags.writeable and all(stride >= 0 for stride in array.strides)
    return torch.from_numpy(array if writable else array.copy())


def _to_bytes(values: torch.Tensor) -> torch.Tensor:
    values = values.to(torch.float64 if values.dtype == torch.float64 else torch.float32)
    low, high = (bound.item() for bound in values.aminmax())
    if low >= 0 and high <= 1:
        return values.mul(255).round_().to(torch.uint8, memory_format=torch.contiguous_format)
    if low >= 0 and 2 < high <= 255:
        raise DataError(
            f"float images must lie in [0, 1], found values from {low:.3g} to {high:.3g}, which looks like 0..255 "
            "stored as float: return uint8 from the base dataset"
        )
    raise DataError(
        f"float images must lie in [0, 1], found values from {low:.3g} to {high:.3g}, which looks normalised: "
        "take the normalisation out of the base dataset and pass it as transform="
    )


def _wrong_dtype(what: str, dtype: str) -> DataError:
    return DataError(
        f"an image as {what} must be uint8 or float in [0, 1], found {dtype}: convert it in the base dataset"
    )


def _wrong_rank(what: str, shape: tuple[int, ...], expected: str) -> DataError:
    return DataError(f"an image as {what} must be {expected}, found shape {shape}: reshape it in the base dataset")

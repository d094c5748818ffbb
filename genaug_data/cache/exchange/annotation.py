"""An annotation as JSON, from which it comes back bit by bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from genaug_data.errors import DataError
from genaug_data.sample import Target

_DTYPES = {"uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool"}
_MOST_ELEMENTS = 1 << 26


def is_mask(target: Target) -> bool:
    """Return whether an annotation is a mask: integers ``(H, W)``.

    Example:
        >>> is_mask(torch.zeros(4, 4, dtype=torch.int64)), is_mask(torch.zeros(4, 4)), is_mask(3)
        (True, False, False)
    """
    return (
        isinstance(target, torch.Tensor)
        and target.ndim == 2
        and target.dtype != torch.bool
        and not target.is_floating_point()
    )


def to_plain(target: Target, *, with_mask: bool = True) -> dict[str, Any]:
    """Return an annotation as what JSON can say.

    Args:
        target: as the cache stores it.
        with_mask: whether the values of a mask are included, as runs; without, a file must hold them.

    Example:
        >>> to_plain(torch.tensor([0.25, 0.75]))["values"], to_plain(torch.tensor([[7, 7], [7, 1]]))["runs"]
        ([0.25, 0.75], [[7, 3], [1, 1]])
    """
    match target:
        case int():
            return {"kind": "class", "value": target}
        case str():
            return {"kind": "caption", "value": target}
        case Mapping():
            return {"kind": "named", "fields": {name: _tensor(torch.as_tensor(one)) for name, one in target.items()}}
    if not is_mask(target):
        is_soft = target.ndim == 1 and target.is_floating_point()
        kind = "mask_tensor" if _is_of_type_mask(target) else "soft_label" if is_soft else "tensor"
        return {"kind": kind, **_tensor(target)}
    plain = {"kind": "mask", "of_type_mask": _is_of_type_mask(target), **_described(target)}
    return plain | ({"runs": _runs(target.numpy().ravel())} if with_mask else {})


def from_plain(plain: Mapping[str, Any], mask: np.ndarray | None = None) -> Target:
    """Return the annotation that :func:`to_plain` described.

    Args:
        plain: its description.
        mask: values ``(H, W)`` of a mask that are not in it.

    Raises:
        DataError: the description is not of that kind.

    Example:
        >>> from_plain(to_plain(torch.tensor([[7, 7], [7, 1]])))
        tensor([[7, 7],
                [7, 1]])
    """
    try:
        match plain["kind"]:
            case "class" if type(plain["value"]) is int:
                return plain["value"]
            case "caption" if isinstance(plain["value"], str):
                return plain["value"]
            case "named":
                return {str(name): _untensor(one) for name, one in plain["fields"].items()}
            case "soft_label" | "tensor":
                return _untensor(plain)
            case "mask_tensor":
                return _as_mask(_untensor(plain))
            case "mask":
                return _unmask(plain, mask)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise DataError(f"an annotation cannot be read: {error!r}") from error
    raise DataError(f"an annotation is of the kind {plain['kind']!r}, which is none")


def _is_of_type_mask(target: torch.Tensor) -> bool:
    return type(target).__name__ == "Mask"


def _as_mask(tensor: torch.Tensor) -> torch.Tensor:
    from torchvision.tv_tensors import Mask

    return Mask(tensor)


def _described(tensor: torch.Tensor) -> dict[str, Any]:
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}


def _tensor(tensor: torch.Tensor) -> dict[str, Any]:
    array = np.asarray(tensor.detach().cpu().numpy(), order="C")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        # JSON has no word for these.
        return {**_described(tensor), "hex": array.tobytes().hex()}
    return {**_described(tensor), "values": array.ravel().tolist()}


def _untensor(plain: Mapping[str, Any]) -> torch.Tensor:
    dtype, shape = _kind_of(plain)
    if "hex" in plain:
        array = np.frombuffer(bytearray.fromhex(plain["hex"]), dtype)
    else:
        array = np.array(plain["values"], dtype)
    return torch.from_numpy(array.reshape(shape))


def _kind_of(plain: Mapping[str, Any]) -> tuple[np.dtype, tuple[int, ...]]:
    if plain["dtype"] not in _DTYPES:
        raise ValueError(f"{plain['dtype']!r} is no type of tensors")
    shape = tuple(plain["shape"])
    if any(type(side) is not int or side < 0 for side in shape) or np.prod(shape, dtype=float) > _MOST_ELEMENTS:
        raise ValueError(f"{shape} is no shape")
    return np.dtype(plain["dtype"]), shape


def _runs(flat: np.ndarray) -> list[list[int]]:
    starts = np.flatnonzero(np.diff(flat, prepend=flat[:1] ^ 1 if len(flat) else flat))
    lengths = np.diff(starts, append=len(flat))
    return [[value, length] for value, length in zip(flat[starts].tolist(), lengths.tolist(), strict=True)]


def _unmask(plain: Mapping[str, Any], mask: np.ndarray | None) -> torch.Tensor:
    dtype, shape = _kind_of(plain)
    if "runs" in plain:
        runs = np.array(plain["runs"], dtype=np.int64).reshape(-1, 2)
        if (runs[:, 1] < 0).any() or int(runs[:, 1].sum()) != int(np.prod(shape)):
            raise ValueError("its runs do not fill the mask")
        array = np.repeat(runs[:, 0], runs[:, 1]).reshape(shape).astype(dtype)
    elif mask is None or mask.shape != shape:
        raise ValueError(f"a mask of {shape} is missing")
    else:
        array = mask.astype(dtype)
    return _as_mask(torch.from_numpy(array)) if plain["of_type_mask"] else torch.from_numpy(array)

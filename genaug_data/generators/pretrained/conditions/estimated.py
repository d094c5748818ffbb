"""What a network of the user's sees in a parent: depth, parts, pose."""

from __future__ import annotations

from collections.abc import Callable

import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.sample import Sample


class Estimated:
    """Depth, a segmentation, a pose, or whatever else a function makes of the image.

    Args:
        estimate: takes the image, uint8 ``(C, H, W)``, and returns float ``(H, W)``, ``(1, H, W)`` or ``(3, H, W)`` in
            [0, 1], the same for the same image.
        name: of the function: part of every variant's key, so that another one makes new variants.

    Raises:
        ConfigError: no name.

    Example:
        >>> brightness = Estimated(lambda image: image.float().mean(0) / 255, name="brightness")
        >>> brightness.image(Sample(torch.full((3, 2, 2), 255, dtype=torch.uint8), 0)).shape
        torch.Size([3, 2, 2])
    """

    def __init__(self, estimate: Callable[[torch.Tensor], torch.Tensor], *, name: str) -> None:
        if not name:
            raise ConfigError("an estimate needs a name, got none; pass name='depth-anything-small' or the like")
        self._estimate = estimate
        self._name = name

    @property
    def identity(self) -> str:
        """The name."""
        return f"Estimated({self._name!r})"

    def image(self, parent: Sample) -> torch.Tensor:
        """Return the estimate.

        Raises:
            GeneratorError: it is no image of the parent's size in [0, 1].
        """
        found = self._estimate(parent.image)
        size = tuple(parent.image.shape[-2:])
        shapes = (size, (1, *size), (3, *size))
        if not isinstance(found, torch.Tensor) or not found.is_floating_point() or tuple(found.shape) not in shapes:
            what = f"{found.dtype} {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
            raise GeneratorError(
                f"the estimate {self._name!r} returned {what}: return float of one of the shapes {shapes}"
            )
        low, high = (float(bound) for bound in found.aminmax())
        if not (low >= 0 and high <= 1):
            raise GeneratorError(
                f"the estimate {self._name!r} returned values from {low:g} to {high:g}: scale them to [0, 1]"
            )
        return found.float().cpu().expand(3, -1, -1)

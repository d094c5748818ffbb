"""The share of synthetic slots, epoch by epoch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from fractions import Fraction
from numbers import Real
from typing import Any, Literal

from genaug_data.errors import ConfigError

_FINEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Ratio:
    """The share of synthetic slots in every batch, as a function of the epoch alone, so that any run can be resumed.

    Args:
        start: share in epoch 0, in [0, 1).
        end: share from epoch ``epochs`` on, in [0, 1); None for ``start``.
        epochs: in which it goes from ``start`` to ``end``.
        shape: "linear", or "cosine": slow at both ends.
        until: epoch from which on no slot is synthetic, so that the last epochs see real examples alone; None for
            never.

    Raises:
        ConfigError: a share outside [0, 1) or nearer than a millionth to its ends, or an epoch below 1.

    Example:
        >>> ratio = Ratio(0.4, end=0.1, epochs=3, until=5)
        >>> [round(ratio.at(epoch), 3) for epoch in range(6)]
        [0.4, 0.3, 0.2, 0.1, 0.1, 0.0]
    """

    start: float
    end: float | None = None
    epochs: int = 1
    shape: Literal["linear", "cosine"] = "linear"
    until: int | None = None

    def __post_init__(self) -> None:
        for share in (self.start, self.start if self.end is None else self.end):
            if not isinstance(share, Real) or not 0 <= share < 1:
                raise ConfigError(
                    f"ratio must be in [0, 1), got {share!r}; 0.25 makes a quarter of every batch synthetic"
                )
            if share and not 0 < _exact(share) < 1:
                raise ConfigError(f"ratio must be 0 or keep a millionth from both ends, got {share}; pass 0 for none")
        if self.shape not in ("linear", "cosine"):
            raise ConfigError(f"the shape of a ratio must be 'linear' or 'cosine', got {self.shape!r}")
        for name in ("epochs", "until"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ConfigError(f"{name} of a ratio must be an epoch from 1 on, got {value!r}")

    @property
    def largest(self) -> float:
        """The largest share of any epoch."""
        return max(self.start, self.start if self.end is None else self.end)

    def at(self, epoch: int) -> float:
        """Return the share in ``epoch``."""
        if self.until is not None and epoch >= self.until:
            return 0.0
        if self.end is None:
            return self.start
        progress = min(max(epoch / self.epochs, 0.0), 1.0)
        if self.shape == "cosine":
            progress = (1 - math.cos(math.pi * progress)) / 2
        found = self.start + (self.end - self.start) * progress
        # Rounding must not lead past either end.
        return min(max(found, min(self.start, self.end)), self.largest)

    def fraction(self, epoch: int) -> Fraction:
        """Return the share in ``epoch`` to a millionth, exactly."""
        return _exact(self.at(epoch))

    def plain(self) -> float | dict[str, Any]:
        """Return what :func:`as_ratio` makes the same of, as JSON: the number alone where the share never changes."""
        return self.start if self.end is None and self.until is None else asdict(self)


def as_ratio(ratio: float | Ratio | dict[str, Any]) -> Ratio:
    """Return the schedule that a number, a schedule, or what :meth:`Ratio.plain` returned stands for.

    Raises:
        ConfigError: it stands for none.

    Example:
        >>> as_ratio(0.25).at(7)
        0.25
    """
    if isinstance(ratio, Ratio):
        return ratio
    if isinstance(ratio, dict):
        return Ratio(**ratio)
    if not isinstance(ratio, Real):
        raise ConfigError(f"ratio must be a number or a genaug_data.Ratio, got {ratio!r}")
    return Ratio(float(ratio))


def _exact(share: float) -> Fraction:
    return Fraction(share).limit_denominator(_FINEST)

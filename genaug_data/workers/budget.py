"""What generation may take, and how much of it is spent."""

from __future__ import annotations

from dataclasses import dataclass

from genaug_data.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds on generation in one run.

    Args:
        duty: share of the time that the generator may be busy, in (0, 1], at most.
        slowdown: share by which generation may slow training down on average; 0.1 lets a step take 10 % longer than
            without. The share of the time that the generator is busy follows from the steps that are observed, below
            ``duty``: where it runs on a device of its own, nothing is slowed and it is soon ``duty`` itself. None for
            no such bound. In mode "sync" training waits for variants, and none is needed. The fit of a generator
            does not heed it.
        images: variants that may be made, or None; in mode "sync" those that were found in the cache count as well, so
            that a run does not depend on what an earlier one has left there.
        seconds: that the generator may be busy, or None.
        patience: seconds of silence after which the generation process counts as hung and is started again; one call
            of the generator, or a ``fit`` that does not call its ``beat``, must not take longer.
        device: where it runs: "auto" is CUDA where there is one, "cpu", "cuda:1", ...

    Raises:
        ConfigError: a value outside its range.

    Example:
        >>> Budget(images=100).room(images=97, seconds=12.5)
        3
    """

    duty: float = 1.0
    slowdown: float | None = 0.1
    images: int | None = None
    seconds: float | None = None
    patience: float = 300.0
    device: str = "auto"

    def __post_init__(self) -> None:
        if not 0 < self.duty <= 1:
            raise ConfigError(f"duty must be in (0, 1], got {self.duty}; 0.5 keeps the generator busy half of the time")
        if not self.patience > 0:
            raise ConfigError(f"patience must be above 0 seconds, got {self.patience}; 300 is the default")
        if self.slowdown is not None and not 0 <= self.slowdown < float("inf"):
            raise ConfigError(
                f"slowdown must not be negative, got {self.slowdown}; 0.1 lets training steps take 10 % longer, None "
                "sets no bound"
            )
        for name in ("images", "seconds"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"{name} must not be negative, got {value}; None sets no bound")

    def room(self, images: int, seconds: float) -> float:
        """Return how many more variants may be ordered when so many are made or ordered, and so long was spent."""
        if self.seconds is not None and seconds >= self.seconds:
            return 0
        return float("inf") if self.images is None else max(self.images - images, 0)

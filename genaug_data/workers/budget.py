"""What generation may take, and how much of it is spent."""

from __future__ import annotations

from dataclasses import dataclass

from genaug_data.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds on generation in one run.

    Args:
        duty: share of the time that the generator may be busy, in (0, 1].
        images: variants that may be made, or None; in mode "sync" those that were found in the cache count as well, so
            that a run does not depend on what an earlier one has left there.
        seconds: that the generator may be busy, or None.
        patience: seconds of silence after which the generation process counts as hung and is started again; one call
            of the generator, or a ``fit`` that does not call its ``beat``, must not take longer.
        device: where it runs: "auto" is CUDA where there is one, "cpu", "cuda:1", ...

    Raises:
        ConfigError: a value outside its range.

    Example:
        >>> Budget(duty=0.25).rest(seconds=1.0)
        3.0
    """

    duty: float = 1.0
    images: int | None = None
    seconds: float | None = None
    patience: float = 300.0
    device: str = "auto"

    def __post_init__(self) -> None:
        if not 0 < self.duty <= 1:
            raise ConfigError(f"duty must be in (0, 1], got {self.duty}; 0.5 keeps the generator busy half of the time")
        if not self.patience > 0:
            raise ConfigError(f"patience must be above 0 seconds, got {self.patience}; 300 is the default")
        for name in ("images", "seconds"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigError(f"{name} must not be negative, got {value}; None sets no bound")

    def rest(self, seconds: float) -> float:
        """Return the seconds of rest that belong to ``seconds`` of work."""
        return seconds * (1 / self.duty - 1)

    def room(self, images: int, seconds: float) -> float:
        """Return how many more variants may be ordered when so many are made or ordered, and so long was spent."""
        if self.seconds is not None and seconds >= self.seconds:
            return 0
        return float("inf") if self.images is None else max(self.images - images, 0)

"""Which slot of the epoch gets which example: an exact share of synthetic ones, a permutation of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import torch.distributed
from torch.utils.data import DistributedSampler

from genaug_data.catalogue import Catalogue
from genaug_data.errors import ConfigError
from genaug_data.sample import Token
from genaug_data.seeding import derive, permutation, uniforms

_BLOCK = 4096


class HardExampleSampler(DistributedSampler):
    """Yields one :class:`~genaug_data.sample.Token` a slot, lazily, in the training process.

    Slot k is synthetic iff ``floor((k + 1) r) > floor(k r)``, so every window of B slots holds B r synthetic ones, give
    or take one, and any point of the stream is computable from k alone. A synthetic slot without a variant to show
    stays real and is counted as shortfall. It is an index sampler, because frameworks rebuild batch samplers, and a
    ``DistributedSampler``, because Lightning leaves those alone; in one process it is rank 0 of 1.

    Each pass is the next epoch unless :meth:`set_epoch` or :meth:`load_state_dict` says which.

    Args:
        size: number of real examples.
        catalogue: of the variants that may be drawn.
        ratio: share of synthetic slots, in [0, 1).
        mixing: "replace" keeps the number of steps, a synthetic slot displaces the real example of its slot; "extend"
            shows every real example in every epoch, which is longer by 1 / (1 - ratio).
        seed: of the permutations and of the draws.
        num_replicas: processes that share the epoch; read from ``torch.distributed`` where it runs, else 1.
        rank: of this process.
        shuffle: False shows the real examples in their own order.
        on_start: called at every first draw of a pass.

    Raises:
        ConfigError: ratio outside [0, 1), an unknown mixing, or no examples.

    Example:
        >>> tokens = list(HardExampleSampler(4, Catalogue(), ratio=0.5, shuffle=False))
        >>> [token.index for token in tokens]
        [0, 1, 2, 3]
    """

    def __init__(
        self,
        size: int,
        catalogue: Catalogue,
        *,
        ratio: float,
        mixing: Literal["replace", "extend"] = "replace",
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        if not 0 <= ratio < 1:
            raise ConfigError(f"ratio must be in [0, 1), got {ratio}; 0.25 makes a quarter of every batch synthetic")
        self._fraction = Fraction(ratio).limit_denominator(1_000_000)
        if ratio and not 0 < self._fraction < 1:
            raise ConfigError(f"ratio must be 0 or keep a millionth from both ends, got {ratio}; pass 0 for none")
        if mixing not in ("replace", "extend"):
            raise ConfigError(f"mixing must be 'replace' or 'extend', got {mixing!r}")
        if size < 1:
            raise ConfigError(f"the dataset is empty ({size} examples); there is nothing to draw")
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        if num_replicas is None:
            num_replicas = torch.distributed.get_world_size() if distributed else 1
        if rank is None:
            rank = torch.distributed.get_rank() if distributed else 0
        super().__init__(range(size), num_replicas=num_replicas, rank=rank, shuffle=shuffle, seed=seed)  # type: ignore[arg-type]
        self.size = size
        self.catalogue = catalogue
        self.ratio = ratio
        self.mixing = mixing
        self.on_start = on_start
        self.shortfall = 0
        self.synthetic = 0
        self.real = 0
        self.position = 0
        self._fresh = True

    def __len__(self) -> int:
        """Return the slots of one epoch on this rank."""
        share = -(-self.size // self.num_replicas)
        if self.mixing == "replace" or self.ratio == 0:
            return share
        synthetic, whole = self._fraction.numerator, self._fraction.denominator
        return (share - 1) * whole // (whole - synthetic) + 1

    def __iter__(self) -> Iterator[Token]:
        if not self._fresh:
            self.epoch += 1
            self.position = 0
        if self.on_start is not None:
            self.on_start()
        order, draws = self._streams()
        draw = self.catalogue.draw
        for start in range(self.position, len(self), _BLOCK):
            stop = min(start + _BLOCK, len(self))
            for index, is_synthetic, uniform in zip(*self._block(order, draws, start, stop), strict=True):
                self.position += 1
                self._fresh = False
                token = draw(uniform) if is_synthetic else None
                if token is not None:
                    self.synthetic += 1
                    yield token
                    continue
                self.real += 1
                self.shortfall += is_synthetic
                yield Token(index)

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be ``epoch``, from its first slot."""
        self.epoch = epoch
        self.position = 0
        self._fresh = True

    def state_dict(self) -> dict[str, Any]:
        """Return where the stream stands; far below 1 KB."""
        return {name: getattr(self, name) for name in ("seed", "epoch", "position", "real", "synthetic", "shortfall")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let the next pass go on from where :meth:`state_dict` was taken.

        Raises:
            ConfigError: the state was taken with another seed.
        """
        if state["seed"] != self.seed:
            raise ConfigError(
                f"the state was taken with seed {state['seed']}, this sampler has {self.seed}; use the same seed"
            )
        for name in ("epoch", "position", "real", "synthetic", "shortfall"):
            setattr(self, name, int(state[name]))
        self._fresh = self.position < len(self)

    def _streams(self) -> tuple[np.ndarray, int]:
        order = permutation(derive(self.seed, "order", self.epoch), self.size) if self.shuffle else np.arange(self.size)
        return order, derive(self.seed, "draw", self.epoch, self.rank)

    def _block(self, order: np.ndarray, draws: int, start: int, stop: int) -> tuple[list, list, list]:
        slots = np.arange(start, stop + 1, dtype=np.int64)
        before = slots * self._fraction.numerator // self._fraction.denominator
        slots, before, is_synthetic = slots[:-1], before[:-1], before[1:] > before[:-1]
        uniform = uniforms(draws, slots)
        place = slots if self.mixing == "replace" else slots - before
        if self.mixing == "extend":
            # A synthetic slot displaces nothing here, so the real example that stands in for it is any one.
            place = np.where(is_synthetic, (uniform * self.size).astype(np.int64), place)
        index = order[(place * self.num_replicas + self.rank) % self.size]
        return index.tolist(), is_synthetic.tolist(), uniform.tolist()

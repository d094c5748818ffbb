"""Which slot of the epoch gets which example: an exact share of synthetic ones, a permutation of the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import torch.distributed
from torch.utils.data import DistributedSampler

from genaug_data.catalogue import Catalogue
from genaug_data.errors import ConfigError
from genaug_data.in_flight import InFlight
from genaug_data.journal import JournalWriter
from genaug_data.ratio import Ratio, as_ratio
from genaug_data.sample import Token
from genaug_data.seeding import derive, permutation, uniforms

_BLOCK = 4096
_SETTINGS = ("seed", "size", "ratio", "mixing", "num_replicas", "rank", "shuffle")
_COUNTS = ("real", "synthetic", "shortfall")


class HardExampleSampler(DistributedSampler):
    """Yields one :class:`~genaug_data.sample.Token` a slot, lazily, in the training process.

    Slot k is synthetic iff ``floor((k + 1) r) > floor(k r)``, so every window of B slots holds B r synthetic ones, give
    or take one, and any point of the stream is computable from k alone. A synthetic slot without a variant to show
    stays real and is counted as shortfall. It is an index sampler, because frameworks rebuild batch samplers, and a
    ``DistributedSampler``, because Lightning leaves those alone; in one process it is rank 0 of 1.

    Each pass is the next epoch unless :meth:`set_epoch` or :meth:`load_state_dict` says which. After the latter, a
    :meth:`set_epoch` of the epoch that it goes on with, which every training loop calls, leaves it in the middle.

    Args:
        size: number of real examples.
        catalogue: of the variants that may be drawn.
        ratio: share of synthetic slots, in [0, 1), or a :class:`~genaug_data.Ratio` that says it for each epoch.
        mixing: "replace" keeps the number of steps, a synthetic slot displaces the real example of its slot; "extend"
            shows every real example in every epoch, which is longer by 1 / (1 - ratio).
        seed: of the permutations and of the draws.
        num_replicas: processes that share the epoch; read from ``torch.distributed`` where it runs, else 1.
        rank: of this process.
        shuffle: False shows the real examples in their own order.

    Attributes:
        on_start: called at the first draw of every pass.
        in_flight: what was drawn and not observed yet.
        journal: notes what synthetic slots got.

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
        ratio: float | Ratio,
        mixing: Literal["replace", "extend"] = "replace",
        seed: int = 0,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
    ) -> None:
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
        self.ratio = as_ratio(ratio)
        self.mixing = mixing
        self.in_flight = InFlight()
        self.on_start: Callable[[], None] | None = None
        self.journal: JournalWriter | None = None
        self.shortfall = 0
        self.synthetic = 0
        self.real = 0
        self._fresh = True
        self._resumed = False

    def __len__(self) -> int:
        """Return the slots of one epoch on this rank."""
        share = -(-self.size // self.num_replicas)
        ratio = self.ratio.fraction(self.epoch)
        if self.mixing == "replace" or ratio == 0:
            return share
        synthetic, whole = ratio.numerator, ratio.denominator
        return (share - 1) * whole // (whole - synthetic) + 1

    def __iter__(self) -> Iterator[Token]:
        if not self._fresh:
            self.leave_pass()
            self.epoch += 1
            self.in_flight.begin(0)
        self._resumed = False
        if self.on_start is not None:
            self.on_start()
        first = self.position
        self.in_flight.begin(first)
        if first == 0:
            self.catalogue.begin_pass()
        if self.journal is not None:
            self.journal.begin_pass(self.epoch, first)
        order, draws = self._streams()
        draw, note = self.catalogue.draw, self.in_flight.add
        for start in range(first, len(self), _BLOCK):
            stop = min(start + _BLOCK, len(self))
            slots = zip(range(start, stop), *self._block(order, draws, start, stop), strict=True)
            for slot, index, is_synthetic, uniform in slots:
                self._fresh = False
                token = draw(slot, uniform) if is_synthetic else None
                if is_synthetic and self.journal is not None:
                    self.journal.draw(token)
                if token is not None:
                    self.synthetic += 1
                else:
                    self.real += 1
                    self.shortfall += is_synthetic
                    token = Token(index)
                note(token)
                yield token

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be ``epoch``, from its first slot, or from where a loaded state of this epoch stands."""
        if not (self._resumed and epoch == self.epoch):
            self.leave_pass()
            self.epoch = epoch
            self.in_flight.begin(0)
        self._fresh = True

    def leave_pass(self) -> None:
        """Let the journal tell how far the pass was gone through, and take back what was drawn beyond: idempotent.

        So what a pass that is left early leaves behind does not depend on how far DataLoader workers had read ahead.
        """
        if self.journal is not None:
            self.journal.end_pass(self.in_flight.reached)
        if self.in_flight.is_observed:
            counts = self.observed_state_dict()
            for name in _COUNTS:
                setattr(self, name, counts[name])
            self.catalogue.take_back(token.key for token in self.in_flight.tokens if token.key is not None)
            self.in_flight.begin(self.in_flight.observed)

    @property
    def settings(self) -> dict[str, Any]:
        """What the order of the real examples follows from, as arguments of this class."""
        return {name: getattr(self, name) for name in _SETTINGS} | {"ratio": self.ratio.plain()}

    @property
    def position(self) -> int:
        """Slots of this pass that were drawn."""
        return self.in_flight.drawn

    def state_dict(self) -> dict[str, Any]:
        """Return where the drawing stands, which is ahead of the training step by what DataLoader workers hold.

        A StatefulDataLoader asks for it at every batch and keeps what belongs to the batch it hands out.
        """
        return {name: getattr(self, name) for name in ("seed", "epoch", "position", *_COUNTS)}

    def observed_state_dict(self) -> dict[str, Any]:
        """Return where the training step stands: behind the last row that was observed."""
        position, synthetic = self.in_flight.observed, self.in_flight.synthetic
        due = self._due(self.position) - self._due(position)
        counts = {"synthetic": synthetic, "real": self.position - position - synthetic, "shortfall": due - synthetic}
        return (
            self.state_dict() | {"position": position} | {name: getattr(self, name) - counts[name] for name in _COUNTS}
        )

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let the next pass go on from where :meth:`state_dict` was taken.

        Raises:
            ConfigError: the state was taken with another seed.
        """
        if state["seed"] != self.seed:
            raise ConfigError(
                f"the state was taken with seed {state['seed']}, this sampler has {self.seed}; use the same seed"
            )
        self.leave_pass()
        self.epoch = int(state["epoch"])
        at_end = state["position"] >= len(self)
        self.epoch += at_end
        self.in_flight.begin(0 if at_end else int(state["position"]))
        for name in _COUNTS:
            setattr(self, name, int(state[name]))
        self._fresh = self._resumed = True

    def _due(self, slot: Any) -> Any:
        # Synthetic slots before a slot, or before each of an array of them.
        ratio = self.ratio.fraction(self.epoch)
        return slot * ratio.numerator // ratio.denominator

    def _streams(self) -> tuple[np.ndarray, int]:
        order = permutation(derive(self.seed, "order", self.epoch), self.size) if self.shuffle else np.arange(self.size)
        return order, derive(self.seed, "draw", self.epoch, self.rank)

    def _block(self, order: np.ndarray, draws: int, start: int, stop: int) -> tuple[list, list, list]:
        slots = np.arange(start, stop + 1, dtype=np.int64)
        before = self._due(slots)
        slots, before, is_synthetic = slots[:-1], before[:-1], before[1:] > before[:-1]
        uniform = uniforms(draws, slots)
        place = slots if self.mixing == "replace" else slots - before
        if self.mixing == "extend":
            # A synthetic slot displaces nothing here, so the real example that stands in for it is any one.
            place = np.where(is_synthetic, (uniform * self.size).astype(np.int64), place)
        index = order[(place * self.num_replicas + self.rank) % self.size]
        return index.tolist(), is_synthetic.tolist(), uniform.tolist()

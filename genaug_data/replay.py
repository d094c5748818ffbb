"""An asynchronous run once more, token by token, from its journal."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from torch.utils.data import Sampler

from genaug_data.errors import ConfigError
from genaug_data.journal_reading import Journal, due_before
from genaug_data.ratio import as_ratio
from genaug_data.sample import Token
from genaug_data.sampler import HardExampleSampler


class ReplaySampler(Sampler[Token]):
    """Yields the tokens of a journal, epoch by epoch; pass it to a DataLoader in place of ``train.sampler()``.

    A slot whose variant could not be read in the run, so that it showed the parent, gets the parent's real example.

    Args:
        journal: as :func:`read_journal` returns it.

    Raises:
        ConfigError: an epoch is asked for that the journal does not tell of from its first slot on.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.epoch = min(journal.draws, default=0)
        self._recorded = _Recorded(journal)
        self._inner = HardExampleSampler(**journal.settings, catalogue=self._recorded)  # type: ignore[arg-type]

    @property
    def epochs(self) -> list[int]:
        """The epochs that the journal tells of."""
        return sorted(self.journal.draws)

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be ``epoch``."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the slots of the epoch that were gone through.

        Where the run was killed in it, these are the slots up to the last synthetic one that is known.
        """
        self._inner.epoch = self.epoch
        draws = self.journal.draws.get(self.epoch)
        if draws is None or draws.first > 0:
            known = "not" if draws is None else "not from its first slot on"
            raise ConfigError(f"epoch {self.epoch} is {known} in the journal; it tells of {self.epochs}")
        whole = min(self.journal.ends.get(self.epoch, len(self._inner)), len(self._inner))
        if len(draws.places) >= due_before(self.journal.settings, self.epoch, whole):
            return whole
        ratio = as_ratio(self.journal.settings["ratio"]).fraction(self.epoch)
        # Behind the last slot whose draw is known.
        return -(-len(draws.places) * ratio.denominator // ratio.numerator)

    def __iter__(self) -> Iterator[Token]:
        length = len(self)
        self._inner.set_epoch(self.epoch)
        self._recorded.begin(self.epoch)
        for _, token in zip(range(length), self._inner, strict=False):
            yield token


class _Recorded:
    """Gives the sampler what the journal says, in place of a catalogue."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._places = array("I")
        self._missed: set[int] = set()
        self._epoch = 0

    def begin(self, epoch: int) -> None:
        self._epoch = epoch
        self._places = self._journal.draws[epoch].places
        self._missed = self._journal.missed.get(epoch, set())

    def begin_pass(self) -> None:
        return

    def draw(self, slot: int, uniform: float) -> Token | None:
        place = self._places[due_before(self._journal.settings, self._epoch, slot)]
        if place == 0:
            return None
        token = self._journal.variants[place - 1]
        return Token(token.index) if slot in self._missed else token

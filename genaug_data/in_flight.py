"""What was drawn and not observed yet: how far a loader is ahead of the training step."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

import numpy as np

from genaug_data.meta import SampleMeta
from genaug_data.sample import Token

_MOST = 1 << 17


class Miss(NamedTuple):
    """A slot that was to show a variant and showed its parent's real example: the variant was gone, or damaged."""

    slot: int
    key: bytes


class InFlight:
    """The tokens of a pass, from its drawing by the sampler to the step that observes its row.

    DataLoader workers read ahead, so that the sampler's position says more than what was trained on. The rows of each
    observed batch are looked for among the tokens that were drawn; where batches were left out, what lies before is
    taken for seen as well. A loop that never observes has seen nothing until its pass ends.

    Attributes:
        drawn: slots of this pass that were drawn.
        tokens: of the last of them, those that were not observed yet.
        synthetic: of the slots that were drawn and not observed, those that got a variant.
        is_observed: whether any batch of this pass was.

    Example:
        >>> ahead = InFlight()
        >>> ahead.begin(position=0)
        >>> for index in (3, 1, 2):
        ...     ahead.add(Token(index))
        >>> ahead.observe(SampleMeta.pack([3, 1], [None, None]))
        []
        >>> ahead.drawn, ahead.observed
        (3, 2)
    """

    def __init__(self) -> None:
        self.drawn = 0
        self.tokens: deque[Token] = deque(maxlen=_MOST)
        self.synthetic = 0
        self.is_observed = False
        self._first = 0

    @property
    def observed(self) -> int:
        """Slots of this pass up to the last that was observed."""
        return self.drawn - len(self.tokens) if self.is_observed else self._first

    @property
    def reached(self) -> int:
        """Slots of this pass that were gone through: up to the last observed, or drawn where none is observed."""
        return self.observed if self.is_observed else self.drawn

    def begin(self, position: int) -> None:
        """Begin a pass at slot ``position``, or leave one there."""
        self.tokens.clear()
        self.drawn = self._first = position
        self.synthetic = 0
        self.is_observed = False

    def add(self, token: Token) -> None:
        """Note that the next slot was drawn."""
        if len(self.tokens) == _MOST and self.is_observed:
            self.synthetic -= self.tokens[0].key is not None
        self.synthetic += token.key is not None
        self.tokens.append(token)
        self.drawn += 1

    def observe(self, meta: SampleMeta) -> list[Miss]:
        """Strike off the rows of a batch, and return those that should have been variants and were not."""
        first = self._find(meta.index.tolist())
        if first is None:
            # Not of this pass, or from another sampler.
            return []
        take = self.tokens.popleft
        if not self.is_observed:
            # Those that there was no room for are behind what was observed now.
            self.synthetic = sum(token.key is not None for token in self.tokens)
            self.is_observed = True
        skipped = [take()[1] for _ in range(first)]
        slot = self.observed
        keys = [take()[1] for _ in range(len(meta))]
        variants = len(keys) - keys.count(None)
        self.synthetic -= variants + len(skipped) - skipped.count(None)
        synthetic = meta.synthetic
        if variants == np.count_nonzero(synthetic):
            return []
        return [
            Miss(slot + row, key)
            for row, (key, made) in enumerate(zip(keys, synthetic.tolist(), strict=True))
            if key is not None and not made
        ]

    def _find(self, wanted: list[int]) -> int | None:
        if [token[0] for token in islice(self.tokens, len(wanted))] == wanted:
            return 0
        ahead = [token[0] for token in self.tokens]
        for start in range(len(ahead) - len(wanted) + 1):
            if ahead[start] == wanted[0] and ahead[start : start + len(wanted)] == wanted:
                return start
        return None

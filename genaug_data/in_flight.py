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

    @property
    def observed(self) -> int:
        """Slots of this pass up to the last that was observed."""
        return self.drawn - len(self.tokens)

    def begin(self, position: int) -> None:
        """Begin a pass at slot ``position``, or leave one there."""
        self.tokens.clear()
        self.drawn = position

    def add(self, token: Token) -> None:
        """Note that the next slot was drawn."""
        self.tokens.append(token)
        self.drawn += 1

    def observe(self, meta: SampleMeta) -> list[Miss]:
        """Strike off the rows of a batch, and return those that should have been variants and were not."""
        first = self._find(meta.index.tolist())
        if first is None:
            # Not of this pass, or from another sampler.
            return []
        for _ in range(first):
            self.tokens.popleft()
        slot, take = self.observed, self.tokens.popleft
        keys = [take()[1] for _ in range(len(meta))]
        synthetic = meta.synthetic
        if len(keys) - keys.count(None) == np.count_nonzero(synthetic):
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

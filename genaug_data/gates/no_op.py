"""The gate against children that are their parent again."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genaug_data.gates.base import Gate
from genaug_data.sample import Sample, Verdict


class NoOp(Gate):
    """Rejects children that are equal or nearly equal to their parent: they would teach nothing.

    The score is the root mean square difference of the two images, values in [0, 1]. It must exceed ``tolerance``,
    or a tenth of the parent's contrast (standard deviation) where that is less, so that faint images can have variants.

    Args:
        tolerance: root mean square difference in [0, 1]; 0.01 is 2.55 grey levels.

    Example:
        >>> ramp = Sample(torch.arange(16, dtype=torch.uint8).reshape(1, 4, 4) * 16, 0)
        >>> NoOp().judge([ramp], [ramp])[0].reason
        'the image differs from its parent by 0.0000 (root mean square), more than 0.0100 is needed'
    """

    name = "no_op"
    cost = 2.0

    def __init__(self, tolerance: float = 0.01) -> None:
        self.tolerance = tolerance

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Judge each child against its parent."""
        return [self._assess(parent.image, child.image) for parent, child in zip(parents, children, strict=True)]

    def _assess(self, parent: torch.Tensor, child: torch.Tensor) -> Verdict:
        reference = parent.double() / 255
        difference = float((child.double() / 255 - reference).square().mean().sqrt())
        needed = min(self.tolerance, 0.1 * float(reference.std(correction=0)))
        if difference <= needed:
            return self.verdict(
                difference,
                f"the image differs from its parent by {difference:.4f} (root mean square), "
                f"more than {needed:.4f} is needed",
                threshold=needed,
            )
        return self.verdict(difference, threshold=needed)

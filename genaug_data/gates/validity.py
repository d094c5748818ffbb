"""The gate against images that show nothing."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genaug_data.gates.base import Gate
from genaug_data.sample import Sample, Verdict


class Validity(Gate):
    """Rejects children that are blank, constant or saturated where their parent is not.

    Two figures are taken of each image: its contrast (the largest standard deviation of a channel, in grey levels)
    and the share of its values that are not clipped (neither 0 nor 255). A child must reach a share of the parent's
    figure, so that parents that are dark, white or constant by nature pass on what they are. The score is the
    share of the needed figures that is reached, the lesser of the two, and 1 for every accepted child.

    Args:
        contrast: grey levels that are always enough.
        share: of the parent's figure that is always enough, in (0, 1).

    Example:
        >>> ramp = Sample(torch.arange(16, dtype=torch.uint8).reshape(1, 4, 4) * 16, 0)
        >>> black = Sample(torch.zeros(1, 4, 4, dtype=torch.uint8), 0)
        >>> Validity().judge([ramp, black], [black, black])[0].reason
        'the image is blank (black): its contrast is 0.0 grey levels, 73.8 in the parent and at least 4.0 needed'
        >>> Validity().judge([black], [black])[0].accepted
        True
    """

    name = "validity"
    cost = 1.0

    def __init__(self, contrast: float = 4.0, share: float = 0.25) -> None:
        self.contrast = contrast
        self.share = share

    def assess(self, parents: Sequence[Sample], children: Sequence[Sample]) -> list[Verdict]:
        """Judge each child against its parent."""
        return [self._assess(parent.image, child.image) for parent, child in zip(parents, children, strict=True)]

    def _assess(self, parent: torch.Tensor, child: torch.Tensor) -> Verdict:
        contrast, unclipped = _contrast(child), _unclipped(child)
        parent_contrast, parent_unclipped = _contrast(parent), _unclipped(parent)
        needed_contrast = min(self.contrast, self.share * parent_contrast)
        needed_unclipped = self.share * parent_unclipped
        if contrast < needed_contrast:
            return self.verdict(
                contrast / needed_contrast,
                f"the image is {_look(child)}: its contrast is {contrast:.1f} grey levels, {parent_contrast:.1f} in "
                f"the parent and at least {needed_contrast:.1f} needed",
                threshold=1.0,
            )
        if unclipped < needed_unclipped:
            return self.verdict(
                unclipped / needed_unclipped,
                f"the image is saturated: {1 - unclipped:.1%} of its values are 0 or 255, {1 - parent_unclipped:.1%} "
                f"in the parent and at most {1 - needed_unclipped:.1%} allowed",
                threshold=1.0,
            )
        return self.verdict(1.0, threshold=1.0)


def _contrast(image: torch.Tensor) -> float:
    return float(image.flatten(1).double().std(dim=1, correction=0).max())


def _unclipped(image: torch.Tensor) -> float:
    return float(((image > 0) & (image < 255)).double().mean())


def _look(image: torch.Tensor) -> str:
    mean = float(image.double().mean())
    if mean < 5:
        return "blank (black)"
    return "blank (white)" if mean > 250 else "constant"

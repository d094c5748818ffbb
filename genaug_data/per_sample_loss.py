"""A criterion of torch that also tells the selection what every row lost, for training steps that return one loss."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from genaug_data.dataset import GenerativeAugmentDataset
from genaug_data.errors import ConfigError
from genaug_data.meta import SampleMeta


class PerSampleLoss(nn.Module):
    """Wraps a criterion so that a training step stays as it is: it observes each batch and returns one loss.

    The loss is the mean over rows of ``meta.weight() * loss of the row``; that of a row is the mean over its elements,
    for masks over those that are not the criterion's ``ignore_index``. In ``eval()`` mode, or without meta, it is
    the criterion itself.

    Args:
        criterion: a loss of torch with ``reduction``, such as ``nn.CrossEntropyLoss``; it is left as it is.
        train: the wrapped dataset whose batches it sees.

    Raises:
        ConfigError: the criterion has no ``reduction``, so that the loss of a row cannot be had from it.

    Example:
        >>> import tempfile
        >>> base = [(torch.full((1, 8, 8), 20 * i, dtype=torch.uint8), i % 2) for i in range(8)]
        >>> train = GenerativeAugmentDataset(base, cache=tempfile.mkdtemp(), ratio=0)
        >>> criterion = PerSampleLoss(nn.CrossEntropyLoss(), train)
        >>> images, labels, meta = next(iter(train.loader(batch_size=8)))
        >>> round(criterion(torch.zeros(8, 2), labels, meta).item(), 4)
        0.6931
        >>> train.close()
    """

    def __init__(self, criterion: nn.Module, train: GenerativeAugmentDataset) -> None:
        super().__init__()
        if not hasattr(criterion, "reduction"):
            raise ConfigError(
                f"criterion must have a reduction, {type(criterion).__name__} has none; compute the loss of each row "
                "yourself and call train.observe"
            )
        self.criterion = criterion
        # Shares the criterion's buffers, so that class weights move with it; in a tuple, so that they are saved once.
        rows: Any = copy.copy(criterion)
        rows.reduction = "none"
        self._rows = (rows,)
        self._train = train

    def forward(self, logits: torch.Tensor, target: torch.Tensor, meta: SampleMeta | None = None) -> torch.Tensor:
        """Return the loss of a batch, a scalar, after observing it.

        Args:
            logits: ``(B, classes)`` or ``(B, classes, H, W)``.
            target: class ids ``(B,)`` or ``(B, H, W)``, or soft labels ``(B, classes)``.
            meta: of the batch.

        Raises:
            DataError: as :meth:`GenerativeAugmentDataset.observe` says.
        """
        if meta is None or not self.training:
            return self.criterion(logits, target)
        losses = self._rows[0](logits, target)
        self._train.observe(meta, losses, logits, target)
        if losses.ndim > 1:
            counted = target.ne(getattr(self.criterion, "ignore_index", -1))
            losses = losses.flatten(1).sum(1) / counted.flatten(1).sum(1).clamp(min=1)
        return (losses * meta.weight(losses.device)).mean()

"""What one training step says of each of its rows, from the step's own loss and logits."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from genaug_data.errors import DataError


class RowStatistics(NamedTuple):
    """Names of the rows of a statistics matrix ``(7, B)``, in their order; NaN where the step did not say.

    Args:
        loss: mean over the row's valid elements.
        entropy: of the predicted distribution over log C, in [0, 1].
        probability: that the network gives the given label.
        margin: largest minus second largest probability, in [0, 1].
        aum: logit of the given label minus the largest other logit (area under the margin, arXiv:2001.10528).
        correct: 1 if the given label has the largest logit; for masks, the share of such pixels.
        label: the given label; 0 for masks.
    """

    loss: torch.Tensor
    entropy: torch.Tensor
    probability: torch.Tensor
    margin: torch.Tensor
    aum: torch.Tensor
    correct: torch.Tensor
    label: torch.Tensor


def check_feedback(
    loss: torch.Tensor, logits: torch.Tensor | None = None, target: torch.Tensor | None = None, rows: int | None = None
) -> None:
    """Check that loss, logits and labels belong to one batch.

    Args:
        loss: one value a row, or one an element.
        logits: ``(B, C)`` or ``(B, C, H, W)``, at least two classes.
        target: class ids, ``(B,)`` or ``(B, H, W)``.
        rows: of the batch; None for as many as the loss has.

    Raises:
        DataError: they do not; the sentence says which and what to pass.

    Example:
        >>> check_feedback(torch.tensor([0.1, 0.2]), rows=2)
    """
    if loss.ndim == 0:
        raise DataError("loss must hold one value a row, got a scalar; compute it with reduction='none'")
    rows = len(loss) if rows is None else rows
    for name, value in (("loss", loss), ("logits", logits), ("target", target)):
        if value is not None and (value.ndim == 0 or len(value) != rows):
            found = len(value) if value.ndim else "a scalar"
            raise DataError(f"{name} must have the batch's {rows} rows, got {found}; pass the whole batch's")
    if logits is None:
        return
    if target is None:
        raise DataError(f"logits of shape {tuple(logits.shape)} came without target; pass the labels too")
    if logits.ndim < 2 or logits.shape[1] < 2 or logits.shape[:1] + logits.shape[2:] != target.shape:
        raise DataError(
            f"logits must be (B, classes, ...) and target (B, ...), got {tuple(logits.shape)} and {tuple(target.shape)}; "
            "a binary problem needs two logits a row"
        )
    if target.is_floating_point() or target.dtype == torch.bool:
        raise DataError(
            f"target must hold class ids as integers, got {target.dtype}; pass the labels before any mixing"
        )


@torch.no_grad()
def row_statistics(
    loss: torch.Tensor,
    logits: torch.Tensor | None = None,
    target: torch.Tensor | None = None,
    ignore_index: int | None = None,
) -> torch.Tensor:
    """Return the statistics of each row, float32 ``(7, B)`` as :class:`RowStatistics` names them, on the loss's device.

    No value is read back, so a GPU is not synchronised. Half precision is computed in float32.

    Args:
        loss: ``(B,)``, or ``(B, H, W)`` for masks.
        logits: ``(B, C)`` or ``(B, C, H, W)``, or None.
        target: class ids ``(B,)`` or ``(B, H, W)``; what is outside 0..C-1 does not count.
        ignore_index: a label that does not count.

    Raises:
        DataError: as :func:`check_feedback` says.

    Example:
        >>> rows = RowStatistics(*row_statistics(torch.ones(1), torch.tensor([[0.0, 0.0]]), torch.tensor([1])))
        >>> rows.entropy.item(), rows.probability.item()
        (1.0, 0.5)
    """
    check_feedback(loss, logits, target)
    count = len(loss)
    losses = loss.detach().float().reshape(count, -1)
    if logits is None or target is None:
        unknown = torch.full_like(losses[:, 0], math.nan)
        return torch.stack([losses.mean(1), *[unknown] * 6])
    scores = logits.detach().to(losses.device).float().reshape(count, logits.shape[1], -1)
    labels = target.detach().to(losses.device).long().reshape(count, -1)
    valid = (labels >= 0) & (labels < scores.shape[1])
    if ignore_index is not None:
        valid &= labels != ignore_index
    place = torch.where(valid, labels, 0).unsqueeze(1)
    log_probability = scores.log_softmax(1)
    probability = log_probability.exp()
    two_best = probability.topk(2, dim=1).values
    own = scores.gather(1, place)
    other = scores.scatter(1, place, -math.inf).amax(1, keepdim=True)
    elements = torch.stack(
        [
            losses.expand_as(labels)
            if losses.shape == labels.shape
            else losses.mean(1, keepdim=True).expand_as(labels),
            -(probability * log_probability).sum(1) / math.log(scores.shape[1]),
            probability.gather(1, place)[:, 0],
            two_best[:, 0] - two_best[:, 1],
            (own - other)[:, 0],
            (own > other)[:, 0].float(),
        ]
    )
    # A row without any valid element divides by zero and becomes NaN, which is what "not said" looks like.
    means = torch.where(valid, elements, 0.0).sum(2) / valid.sum(1)
    is_mask = labels.shape[1] > 1
    label = torch.zeros_like(means[0]) if is_mask else torch.where(valid[:, 0], labels[:, 0].float(), math.nan)
    return torch.cat([means, label.unsqueeze(0)])

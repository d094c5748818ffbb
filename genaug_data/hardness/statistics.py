"""What one training step says of each of its rows, from the step's own loss and logits."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from genaug_data.errors import DataError


class RowStatistics(NamedTuple):
    """Names of the rows of a statistics matrix ``(9, B)``, in their order; NaN where the step did not say.

    Of a soft label q, the given label is the most probable class; only ``probability`` and ``error_norm`` are of all of
    it. The probability is the overlap ``sum_k min(p_k, q_k)``: that of the class itself where q is one-hot, and 1 as
    soon as the network says what the label says. The mean over q would stay below 1 then, and a soft label look broken.

    Args:
        loss: mean over the row's valid elements.
        entropy: of the predicted distribution over log C, in [0, 1].
        probability: that the network gives the given label; its overlap with a soft label.
        margin: largest minus second largest probability, in [0, 1].
        aum: logit of the given label minus the largest other logit (area under the margin, arXiv:2001.10528).
        correct: 1 if the given label has the largest logit, alone; for masks, the share of such pixels.
        label: the given label; 0 for masks.
        error_norm: L2 norm of the predicted distribution minus the one-hot or soft label, in [0, sqrt(2)]
            (arXiv:2107.07075).
        lead: probability of the given label minus the largest other one, in [-1, 1].
    """

    loss: torch.Tensor
    entropy: torch.Tensor
    probability: torch.Tensor
    margin: torch.Tensor
    aum: torch.Tensor
    correct: torch.Tensor
    label: torch.Tensor
    error_norm: torch.Tensor
    lead: torch.Tensor


def check_feedback(
    loss: torch.Tensor,
    logits: torch.Tensor | None = None,
    target: torch.Tensor | None = None,
    rows: int | None = None,
    *,
    soft_labels: bool = False,
) -> None:
    """Check that loss, logits and labels belong to one batch.

    Args:
        loss: ``(B,)``, or ``(B, H, W)`` for masks.
        logits: ``(B, C)`` or ``(B, C, H, W)``, at least two classes.
        target: class ids, ``(B,)`` or ``(B, H, W)``; or soft labels, float ``(B, C)``.
        rows: of the batch; None for as many as the loss has.
        soft_labels: whether the task has soft labels; without them, such a target is that of mixed rows.

    Raises:
        DataError: they do not; the sentence says which and what to pass.

    Example:
        >>> check_feedback(torch.tensor([0.1, 0.2]), rows=2)
    """
    for name, value in (("loss", loss), ("logits", logits), ("target", target)):
        if value is not None and (not isinstance(value, torch.Tensor) or value.layout is not torch.strided):
            kind = value.layout if isinstance(value, torch.Tensor) else type(value).__name__
            raise DataError(f"{name} must be a dense torch tensor, got {kind}; convert it with torch.as_tensor")
    if loss.ndim == 0:
        raise DataError("loss must hold one value a row, got a scalar; compute it with reduction='none'")
    rows = len(loss) if rows is None else rows
    for name, value in (("loss", loss), ("logits", logits), ("target", target)):
        if value is not None and (value.ndim == 0 or len(value) != rows):
            found = len(value) if value.ndim else "a scalar"
            raise DataError(f"{name} must have the batch's {rows} rows, got {found}; pass the whole batch's")
        if value is not None and value.is_meta:
            raise DataError(f"{name} is on the device meta, which holds no values; pass the tensor that was computed")
    if logits is None:
        return
    if target is None:
        raise DataError(f"logits of shape {tuple(logits.shape)} came without target; pass the labels too")
    if soft_labels and target.is_floating_point() and logits.ndim == 2 and logits.shape == target.shape:
        target = target[:, 0].long()
    if logits.ndim < 2 or logits.shape[1] < 2 or logits.shape[:1] + logits.shape[2:] != target.shape:
        raise DataError(
            f"logits must be (B, classes, ...) and target (B, ...), got {tuple(logits.shape)} and "
            f"{tuple(target.shape)}; a binary problem needs two logits a row"
        )
    if loss.shape[1:].numel() not in (1, target.shape[1:].numel()):
        raise DataError(
            f"loss must be (B,) or have the shape {tuple(target.shape)} of target, got {tuple(loss.shape)}; "
            "take the mean over the other dimensions"
        )
    if target.is_floating_point() or target.dtype == torch.bool:
        raise DataError(
            f"target must hold class ids as integers, got {target.dtype}; pass the labels before any mixing, or "
            "task=ClassificationTask(soft_labels=True) if every label is a vector"
        )


@torch.no_grad()
def row_statistics(
    loss: torch.Tensor,
    logits: torch.Tensor | None = None,
    target: torch.Tensor | None = None,
    ignore_index: int | None = None,
) -> torch.Tensor:
    """Return the statistics of each row, float32 ``(9, B)`` as :class:`RowStatistics` names them, on the loss's device.

    No value is read back, so a GPU is not synchronised. Half precision is computed in float32. Masks give the mean over
    their valid pixels; a row without any valid element gives NaN throughout.

    Args:
        loss: ``(B,)``, or ``(B, H, W)`` for masks.
        logits: ``(B, C)`` or ``(B, C, H, W)``, or None.
        target: class ids ``(B,)`` or ``(B, H, W)``; what is outside 0..C-1 does not count. Or soft labels, float
            ``(B, C)``; a row that is all zero, or not finite, does not count.
        ignore_index: a label that does not count.

    Raises:
        DataError: as :func:`check_feedback` says.

    Example:
        >>> rows = RowStatistics(*row_statistics(torch.ones(1), torch.tensor([[0.0, 0.0]]), torch.tensor([1])))
        >>> rows.entropy.item(), rows.probability.item()
        (1.0, 0.5)
    """
    check_feedback(loss, logits, target, soft_labels=True)
    losses = loss.detach().float().flatten(1) if loss.ndim > 1 else loss.detach().float().unsqueeze(1)
    if logits is None or target is None:
        mean = losses.mean(1)
        return torch.stack([mean, *[torch.full_like(mean, math.nan)] * 8])
    scores = logits.detach().to(losses.device, non_blocking=losses.is_cuda).float()
    given = target.detach().to(losses.device, non_blocking=losses.is_cuda)
    soft = given.float() if given.is_floating_point() else None
    labels = given.long() if soft is None else _most_probable(soft)
    valid = (labels >= 0) & (labels < scores.shape[1])
    if ignore_index is not None:
        valid &= labels != ignore_index
    # (elements, B, pixels), with one pixel for a class label.
    elements = _element_statistics(scores, torch.where(valid, labels, 0), soft).flatten(2 if labels.ndim > 1 else 1)
    valid = valid.flatten(1) if labels.ndim > 1 else valid.unsqueeze(1)
    elements = elements.view(len(elements), *valid.shape)
    elements = torch.cat([losses.expand(valid.shape).unsqueeze(0), elements])
    # A row without any valid element divides by zero and becomes NaN, which is what "not said" looks like.
    means = torch.where(valid, elements, 0.0).sum(2) / valid.sum(1)
    own = torch.zeros_like(means[0]) if labels.ndim > 1 else labels.float()
    label = torch.where(valid.any(1), own, math.nan)
    return torch.cat([means[:-2], label.unsqueeze(0), means[-2:]])


def _most_probable(soft: torch.Tensor) -> torch.Tensor:
    """Return the class of each soft label, int64 ``(B,)``; -1 for one that says nothing."""
    says = soft.isfinite().all(1) & (soft.sum(1) > 0)
    return torch.where(says, soft.argmax(1), -1)


def _element_statistics(scores: torch.Tensor, labels: torch.Tensor, soft: torch.Tensor | None) -> torch.Tensor:
    """Return entropy, probability, margin, AUM, correctness, error and lead of each element, ``(7, *labels.shape)``."""
    place = labels.unsqueeze(1)
    log_probability = scores.log_softmax(1)
    probability = log_probability.exp()
    # A class that the user masked with -inf has probability 0; clamped, its share of the entropy is 0 and not NaN.
    entropy = -(probability * log_probability.clamp(min=-1e4)).sum(1) / math.log(scores.shape[1])
    best = probability.argmax(1, keepdim=True)
    # topk would say both in one call, but takes twice as long on masks.
    second = probability.scatter(1, best, -1.0).amax(1)
    own = scores.gather(1, place).squeeze(1)
    other = scores.scatter(1, place, -math.inf).amax(1)
    given = probability.gather(1, place)
    overlap = given.squeeze(1)
    first = probability.gather(1, best).squeeze(1)
    lead = given.squeeze(1) - torch.where(best == place, second.unsqueeze(1), first.unsqueeze(1)).squeeze(1)
    if soft is not None:
        overlap = torch.minimum(probability, soft).sum(1)
        error_norm = torch.linalg.vector_norm(probability - soft, dim=1)
    else:
        # The distribution is not needed any more, so its own memory takes the difference to the label.
        error_norm = torch.linalg.vector_norm(probability.scatter_(1, place, given - 1), dim=1)
    return torch.stack([entropy, overlap, first - second, own - other, (own > other).float(), error_norm, lead])

"""What a user's network says of one image, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import torch

from genaug_data.errors import ConfigError, DataError
from genaug_data.gates.quality.under_training import UnderTraining
from genaug_data.sample import Sample

Predictor: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""From uint8 images ``(B, C, H, W)`` to logits, ``(B, classes)`` or ``(B, classes, H, W)``; called with one image."""


def logits_of(
    predict: Predictor, image: torch.Tensor, of: Literal["image", "pixels", "either"] = "either"
) -> torch.Tensor:
    """Return what a network says of one image: float64 ``(classes,)`` or ``(classes, H, W)``, on the CPU.

    Args:
        predict: the network.
        image: uint8 ``(C, H, W)``.
        of: what it has to tell the classes of.

    Raises:
        ConfigError: it returned something else, or what is not finite.

    Example:
        >>> logits_of(lambda images: images.flatten(1).float(), torch.tensor([[[3, 5]]], dtype=torch.uint8)).tolist()
        [3.0, 5.0]
    """
    with torch.no_grad():
        found: Any = predict(image.unsqueeze(0))
    if not isinstance(found, torch.Tensor) or not found.is_floating_point() or found.dim() not in (2, 4):
        told = f"{found.dtype} {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
        raise ConfigError(
            f"a network must return float logits (B, classes) or (B, classes, H, W), got {told} for one image; wrap "
            "it in a function that does"
        )
    if len(found) != 1 or (found.dim() == 4 and found.shape[2:] != image.shape[1:]):
        raise ConfigError(
            f"a network returned logits of shape {tuple(found.shape)} for one image of {tuple(image.shape)}; return "
            "one row an image, and for masks the size of the image"
        )
    if (of == "image" and found.dim() != 2) or (of == "pixels" and found.dim() != 4):
        wanted = "(B, classes)" if of == "image" else "(B, classes, H, W)"
        raise ConfigError(
            f"this gate needs logits {wanted}, got {tuple(found.shape)} for one image; pass a network for "
            f"{'classification' if of == 'image' else 'segmentation'}"
        )
    if not found.isfinite().all():
        raise ConfigError("a network returned logits that are NaN or infinite; check its weights and its input")
    return found[0].detach().cpu().double()


def settled(predict: Predictor, gate: str) -> Predictor:
    """Return a network, unless it is the model under training, whose answers change.

    Raises:
        ConfigError: it is; the sentence names the gate.
    """
    if isinstance(predict, UnderTraining):
        raise ConfigError(
            f"the gate {gate!r} judges by a trained network, got the model under training; pass a trained one, or use "
            "Agreement"
        )
    return predict


def label_of(sample: Sample, classes: int) -> int:
    """Return the class id of a sample.

    Raises:
        DataError: its annotation is none, or none of so many classes.
    """
    label = sample.target
    if not isinstance(label, int) or not 0 <= label < classes:
        told = label if isinstance(label, (int, str)) else type(label).__name__
        raise DataError(
            f"the annotation {told!r} is no id of the {classes} classes that the network tells apart; this gate is for "
            "classification"
        )
    return label


def mask_of(sample: Sample) -> torch.Tensor:
    """Return the mask of a sample as a plain int64 tensor ``(H, W)``.

    Raises:
        DataError: its annotation is none.
    """
    mask = sample.target
    if not isinstance(mask, torch.Tensor) or mask.shape != sample.image.shape[1:]:
        raise DataError(
            f"the annotation is a {type(mask).__name__} and no mask of the size of its image; this gate is for "
            "segmentation"
        )
    return mask.as_subclass(torch.Tensor).long()

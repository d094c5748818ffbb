"""What a variant is conditioned on: the class of its parent, its parent's mask, or the parent itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from genaug_data.errors import GeneratorError
from genaug_data.sample import class_id

IGNORED_BY_DEFAULT = 255


@dataclass(frozen=True, slots=True)
class Condition:
    """The way from annotations to what the network is given; the null condition stands for "no annotation".

    Args:
        kind: ``"class"``: an index into an embedding, null is the index after the last; ``"mask"``: one channel of
            zeros and ones per class, null is all zero, and so are pixels that belong to no class; ``"image"``: the
            parent's own channels, values in [-1, 1], null is all zero; there is nothing to encode.
        classes: the class ids that occur, ascending; gaps are fine; none for ``"image"``.

    Example:
        >>> Condition("class", (2, 7)).encode([7, 2, None], (1, 1)).tolist()
        [1, 0, 2]
    """

    kind: Literal["class", "mask", "image"]
    classes: tuple[int, ...] = ()

    def channels_beside(self, image_channels: int) -> int:
        """Return how many channels the network is given beside those of the noisy image."""
        return {"class": 0, "mask": len(self.classes), "image": image_channels}[self.kind]

    def encode(self, targets: Sequence[Any], size: tuple[int, int]) -> torch.Tensor:
        """Return annotations as the network takes them.

        Args:
            targets: class ids, soft labels (the most probable class counts), or masks int64 ``(H, W)``; None for no
                annotation.
            size: ``(H, W)`` of the images.

        Returns:
            int64 ``(B,)`` for classes, float32 ``(B, K, H, W)`` for masks.

        Raises:
            GeneratorError: an annotation of another kind, or of a class that was not there to learn from.
        """
        for target in targets:
            if target is not None and kind_of(target) != self.kind:
                raise GeneratorError(
                    f"the model was fitted on annotations of kind {self.kind}, found {kind_of(target)}: "
                    "fit it on the data that it is to vary"
                )
        if self.kind == "class":
            places = {known: place for place, known in enumerate(self.classes)}
            places[None] = len(self.classes)  # type: ignore[index]
            labels: list[Any] = [class_id(target) for target in targets]
            unknown = set(labels) - set(places)
            if unknown:
                raise GeneratorError(
                    f"class {min(unknown)} was not in the training set that the model was fitted on, whose classes "
                    f"are {_brief(self.classes)}: fit it on data that has that class"
                )
            return torch.tensor([places[label] for label in labels], dtype=torch.int64)
        ids = torch.tensor(self.classes, dtype=torch.int64).view(-1, 1, 1)
        blank = torch.zeros(len(self.classes), *size)
        return torch.stack([blank if mask is None else (mask == ids).float() for mask in targets])

    def drop(self, encoded: torch.Tensor, dropped: torch.Tensor | None = None) -> torch.Tensor:
        """Return ``encoded`` with the null condition where ``dropped``, bool ``(B,)``; everywhere if that is None."""
        if dropped is None:
            dropped = torch.ones(len(encoded), dtype=torch.bool, device=encoded.device)
        if self.kind == "class":
            return encoded.masked_fill(dropped, len(self.classes))
        return encoded * (~dropped).view(-1, 1, 1, 1)


def kind_of(target: Any) -> Literal["class", "mask"]:
    """Return what kind of condition an annotation is.

    Raises:
        GeneratorError: it is neither a class id or soft label nor a mask.
    """
    if class_id(target) is not None:
        return "class"
    if isinstance(target, torch.Tensor) and target.ndim == 2 and not target.is_floating_point():
        return "mask"
    found = f"a tensor {tuple(target.shape)}" if isinstance(target, torch.Tensor) else type(target).__name__
    raise GeneratorError(
        f"the generator needs class ids or masks as annotations, found {found}: pass another generator"
    )


def classes_in(target: Any, ignore_index: int) -> Iterable[int]:
    """Return the class ids that occur in an annotation, without the ignored one of a mask."""
    label = class_id(target)
    if label is not None:
        return (label,)
    kind_of(target)  # refuses what is no mask either
    return (known for known in target.as_subclass(torch.Tensor).unique().tolist() if known != ignore_index)


def _brief(classes: Sequence[int]) -> str:
    shown = ", ".join(map(str, classes[:10]))
    return shown if len(classes) <= 10 else f"{shown}, ... ({len(classes)} of them)"

"""Sets as metrics see them: features of images or masks, read in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from tqdm import tqdm

from genaug_data.errors import ConfigError, DataError
from genaug_data.features import Features
from genaug_data.generators.examples import UnlabelledImages
from genaug_data.sample import Sample
from genaug_data.tasks import SampleView, resolve_task
from genaug_data.tasks.view import first_item

_EXPECTED = {"image": "images, uint8 (N, C, H, W)", "mask": "masks, integers (N, H, W)"}
_AXES = {"image": 4, "mask": 3}
_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def read_features(
    samples: Any,
    features: Features | None = None,
    *,
    part: Literal["image", "mask"] = "image",
    batch_size: int = 64,
    progress: bool = True,
) -> torch.Tensor:
    """Return the features of a set, to be passed to any number of metrics.

    Samples of one shape that follow each other share a batch; no more than a batch of them is in memory.

    Args:
        samples: as :class:`~genaug_data.metrics.SetMetric` takes it.
        features: from uint8 images ``(N, C, H, W)``, or masks int64 ``(N, H, W)``, to floats ``(N, D)``.
        part: what is read of a sample.
        batch_size: samples at a time.
        progress: whether to show a bar.

    Returns:
        On the CPU, floats ``(N, D)``; ``samples`` itself where that is features already.

    Raises:
        DataError: the set is empty, is no set of images or masks, or its features are not finite.
        ConfigError: there are no ``features`` to read samples with, or they return something else.

    Example:
        >>> images = torch.arange(8, dtype=torch.uint8).reshape(2, 1, 2, 2)
        >>> read_features(images, lambda images: images.flatten(1).float(), progress=False).tolist()
        [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]
    """
    if isinstance(samples, np.ndarray):
        samples = torch.from_numpy(samples)
    if isinstance(samples, torch.Tensor) and samples.is_floating_point():
        found = samples.detach().cpu()
        if found.ndim != 2 or not len(found):
            raise DataError(
                f"floats must be features (N, D), at least one, found {tuple(found.shape)}: "
                f"pass {_EXPECTED[part]} where they are not"
            )
    else:
        if features is None:
            raise ConfigError(
                f"{part}s need features to be compared, got none: pass features=, or what read_features made of the set"
            )
        items = _items(samples, part)
        # One pass that keeps features alone: the images of a set need not fit in memory.
        with tqdm(total=len(samples), desc=f"reading {part}s", unit=part, disable=not progress) as bar, torch.no_grad():
            parts = []
            for batch in _batches(items, batch_size):
                parts.append(_extract(features, batch))
                bar.update(len(batch))
        found = _joined(parts)
    if not bool(found.isfinite().all()):
        raise DataError("features hold values that are NaN or infinite; check the network and its input")
    return found


def _items(samples: Any, part: Literal["image", "mask"]) -> Iterator[torch.Tensor]:
    """Return the images ``(C, H, W)`` or masks ``(H, W)`` of a set, read one by one."""
    if isinstance(samples, torch.Tensor):
        allowed = (torch.uint8,) if part == "image" else _INTEGERS
        if samples.ndim != _AXES[part] or samples.dtype not in allowed or not len(samples):
            raise DataError(
                f"a tensor must hold {_EXPECTED[part]}, at least one, or features, float (N, D), "
                f"found {samples.dtype} {tuple(samples.shape)}"
            )
        return iter(samples.cpu() if part == "image" else samples.cpu().long())
    read = _image if part == "image" else _mask
    return (read(sample) for sample in _in_order(_as_samples(samples, part)))


def _as_samples(samples: Any, part: Literal["image", "mask"]) -> Sequence[Sample]:
    if isinstance(first_item(samples), Sample):
        return samples
    if part == "image":
        return UnlabelledImages(samples)
    return SampleView(samples, resolve_task("segmentation", samples))


def _in_order(samples: Sequence[Sample]) -> Iterator[Sample]:
    # By index: datasets without an iterator of their own need not raise IndexError at their end.
    return (samples[place] for place in range(len(samples)))


def _image(sample: Sample) -> torch.Tensor:
    if sample.image.dtype != torch.uint8 or sample.image.ndim != 3:
        raise DataError(
            f"an image must be uint8 (C, H, W), found {sample.image.dtype} {tuple(sample.image.shape)}; convert it"
        )
    return sample.image


def _mask(sample: Sample) -> torch.Tensor:
    mask = sample.target
    if not isinstance(mask, torch.Tensor) or mask.ndim != 2 or mask.dtype not in _INTEGERS:
        told = f"{mask.dtype} {tuple(mask.shape)}" if isinstance(mask, torch.Tensor) else type(mask).__name__
        raise DataError(f"an annotation must be a mask, integers (H, W), found {told}: pass a set for segmentation")
    return mask.as_subclass(torch.Tensor).long()


def _batches(items: Iterator[torch.Tensor], size: int) -> Iterator[torch.Tensor]:
    held: list[torch.Tensor] = []
    for item in items:
        if held and (len(held) == size or item.shape != held[0].shape):
            yield torch.stack(held)
            held = []
        held.append(item)
    if held:
        yield torch.stack(held)


def _extract(features: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor) -> torch.Tensor:
    found = features(batch)
    if not isinstance(found, torch.Tensor) or found.ndim != 2 or len(found) != len(batch):
        told = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
        raise ConfigError(f"features must return floats (N, D), got {told} for {len(batch)}; flatten what each has")
    if not found.is_floating_point():
        raise ConfigError(f"features must return floats, got {found.dtype}; convert them")
    return found.detach().cpu()


def _joined(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    widths = sorted({part.shape[1] for part in parts})
    if len(widths) > 1:
        raise ConfigError(
            f"features must have one width for all, got {widths[0]} and {widths[-1]}: "
            "bring samples to one size first, or use features that do, such as Pixels"
        )
    return torch.cat(list(parts))

"""CLIPScore: how well images fit the words that they were made from."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from genaug_data.errors import ConfigError, DataError, SampleSizeWarning
from genaug_data.features.colour import in_colour
from genaug_data.features.networks import pooled
from genaug_data.metrics.base import Estimate
from genaug_data.sample import Sample

_GROUPS, _NEEDED = 20, 100


class CLIPScore:
    """Mean of ``100 cos(image, text)`` in a CLIP model, at least 0 (arXiv:2104.08718, without its factor of 2.5).

    It has no absolute scale: compare images made from the same words, by the same CLIP. The mean of N images is known
    to ``1 / sqrt(N)`` of the spread between images, a tenth of it for the 100 that this needs. The standard deviation
    is the standard error of the mean, found from that between groups of images, 20 of them where there are as many.

    Args:
        model: a folder that ``save_pretrained`` wrote with its processor, or an id in the Hugging Face cache; nothing
            is downloaded, and weights are read from safetensors only.
        device: of the model.
        batch_size: images at a time.
        progress: whether to show a bar.

    Raises:
        ConfigError: the model is not there, or ``batch_size`` is below 1.

    Example:
        >>> import tempfile
        >>> from genaug_data.testing.tiny_models import save_clip
        >>> score = CLIPScore(save_clip(tempfile.mkdtemp()), progress=False)
        >>> image = torch.zeros(3, 30, 30, dtype=torch.uint8)
        >>> score([Sample(image, "a cat"), Sample(image, "a dog")] * 50).synthetic
        100
    """

    def __init__(
        self, model: str | Path, *, device: torch.device | str = "cpu", batch_size: int = 32, progress: bool = True
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be at least 1, got {batch_size}; 32 is the default")
        self._clip, self._processor = _load(str(model))
        self._device = torch.device(device)
        self.batch_size = batch_size
        self.progress = progress

    def __call__(self, samples: Sequence[Sample], prompts: Sequence[str] | None = None) -> Estimate:
        """Return the mean score.

        Args:
            samples: images uint8 ``(C, H, W)`` of 1, 3 or 4 channels.
            prompts: the words of each; None for their annotations, which are captions then. What is longer than the
                text encoder takes is cut off.

        Raises:
            DataError: there are no samples, not as many prompts, or an annotation is no caption.

        Warns:
            SampleSizeWarning: there are fewer than 100 samples.
        """
        from torchmetrics.multimodal import CLIPScore as Score

        count = len(samples)
        if not count or (prompts is not None and len(prompts) != count):
            told = "" if prompts is None else f" and {len(prompts)} prompts"
            raise DataError(f"CLIPScore needs samples, and one prompt for each, found {count} samples{told}; pass them")
        if count < _NEEDED:
            warnings.warn(
                f"CLIPScore of {count} samples means little: it needs {_NEEDED}", SampleSizeWarning, stacklevel=2
            )
        metric = Score(lambda: (_AsTensors(self._clip), self._process))
        size = min(self.batch_size, -(-count // _GROUPS))
        groups: list[tuple[int, float]] = []
        with tqdm(total=count, desc="CLIPScore", unit="image", disable=not self.progress) as bar, torch.no_grad():
            for start in range(0, count, size):
                places = range(start, min(start + size, count))
                before = float(metric.score)
                words = [_words(samples[place], place, prompts) for place in places]
                metric.update([self._shown(samples[place]) for place in places], words)
                groups.append((len(places), float(metric.score) - before))
                bar.update(len(places))
        return Estimate(float(metric.compute()), _standard_error(groups), 0, count)

    def _shown(self, sample: Sample) -> torch.Tensor:
        return in_colour(sample.image.unsqueeze(0))[0].to(self._device)

    def _process(self, **inputs: Any) -> Any:
        # Cut off before the end token: torchmetrics would cut that as well, and CLIP reads the text there.
        return self._processor(**inputs, truncation=True) if "text" in inputs else self._processor(**inputs)


class _AsTensors(nn.Module):
    """A CLIP model whose embeddings are tensors, as torchmetrics expects them; transformers 5 returns more than those.

    Args:
        clip: of transformers, any version.
    """

    def __init__(self, clip: Any) -> None:
        super().__init__()
        self.clip = clip
        self.config = clip.config

    def get_image_features(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return pooled(self.clip.get_image_features(pixel_values))

    def get_text_features(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return pooled(self.clip.get_text_features(input_ids, attention_mask))


def _load(model: str) -> tuple[Any, Any]:
    from transformers import CLIPModel, CLIPProcessor

    try:
        clip = CLIPModel.from_pretrained(model, local_files_only=True, use_safetensors=True)
        return clip.eval(), CLIPProcessor.from_pretrained(model, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no CLIP model with safetensors and a processor is at {model!r} on this machine: pass the folder of one, "
            "or fetch it with `hf download` first"
        ) from error


def _words(sample: Sample, place: int, prompts: Sequence[str] | None) -> str:
    words = sample.target if prompts is None else prompts[place]
    if not isinstance(words, str):
        raise DataError(
            f"the annotation of sample {place} must be a caption, found {type(words).__name__}: "
            "pass prompts= with the words of each"
        )
    return words


def _standard_error(groups: Sequence[tuple[int, float]]) -> float:
    """Return the standard error of the mean of all, given number and sum of each group."""
    if len(groups) < 2:
        return math.nan
    count = sum(size for size, _ in groups)
    mean = sum(total for _, total in groups) / count
    squares = sum((total - size * mean) ** 2 for size, total in groups)
    return math.sqrt(squares * len(groups) / (len(groups) - 1)) / count

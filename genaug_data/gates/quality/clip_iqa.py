"""Image quality by CLIP: is it a good photo or a bad one."""

from __future__ import annotations

from pathlib import Path

import torch

from genaug_data.gates.quality.clip import Clip

_SCALE = 100.0


class ClipIqa:
    """CLIP-IQA (arXiv:2207.12396): the probability of the first of two opposite prompts.

    The same number as ``CLIPImageQualityAssessment`` of torchmetrics has for these prompts, which takes no model from a
    folder, and in its version 1.9 none of transformers 5.

    Args:
        clip: the model, or its folder or id.
        prompts: of good images, and of bad ones.

    Example:
        >>> import tempfile
        >>> from genaug_data.testing.tiny_models import save_clip
        >>> quality = ClipIqa(save_clip(tempfile.mkdtemp()))
        >>> bool(0 <= quality(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))[0] <= 1)
        True
    """

    def __init__(self, clip: Clip | str | Path, prompts: tuple[str, str] = ("Good photo.", "Bad photo.")) -> None:
        self._clip = clip if isinstance(clip, Clip) else Clip(clip)
        self._prompts = prompts

    @property
    def fingerprint(self) -> str:
        """Prompts and model."""
        return f"ClipIqa({self._prompts}, {self._clip.fingerprint})"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the quality of uint8 images ``(B, C, H, W)``: float64 ``(B,)`` in [0, 1]."""
        good_and_bad = self._clip.texts(self._prompts)
        return torch.stack([(_SCALE * (good_and_bad @ self._clip.image(image))).softmax(0)[0] for image in images])

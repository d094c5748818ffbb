"""Features of a network that was saved as a TorchScript file, as that of SSCD is."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from genaug_data.errors import ConfigError, brief
from genaug_data.features.colour import in_colour


class TorchScriptFeatures:
    """A TorchScript network on images scaled to one size and normalised, such as SSCD for copies (arXiv:2202.10261).

    The file is read at the first use, once a process.

    Args:
        path: of the file; SSCD's are linked from its repository, ``sscd_disc_mixup.torchscript.pt`` for instance.
        size: height and width that images are scaled to.
        mean: of each channel that the network was trained with, values in [0, 1].
        std: likewise.
        device: where it looks at images.

    Raises:
        ConfigError: there is no such file, or ``size`` is below 1.

    Example:
        >>> TorchScriptFeatures("sscd_disc_mixup.torchscript.pt")
        Traceback (most recent call last):
        ...
        genaug_data.errors.ConfigError: there is no TorchScript file sscd_disc_mixup.torchscript.pt; pass the path of \
one that is on this machine
    """

    def __init__(
        self,
        path: str | Path,
        *,
        size: int = 288,
        mean: tuple[float, float, float] = (0.485, 0.456, 0.406),
        std: tuple[float, float, float] = (0.229, 0.224, 0.225),
        device: str = "cpu",
    ) -> None:
        if size < 1:
            raise ConfigError(f"size must be at least 1, got {size}; SSCD was published with 288 and 320")
        self.path = Path(path)
        if not self.path.is_file():
            raise ConfigError(f"there is no TorchScript file {path}; pass the path of one that is on this machine")
        self.size, self.mean, self.std, self.device = size, mean, std, device

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the file, and what is done to images."""
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "blake2b") if hasattr(hashlib, "file_digest") else _digest(file)
        return f"TorchScriptFeatures({digest.hexdigest()[:32]}, {self.size}, {self.mean}, {self.std})"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return features, float ``(B, D)``, of uint8 images ``(B, C, H, W)`` of 1, 3 or 4 channels."""
        scaled = functional.interpolate(
            in_colour(images).float() / 255,
            (self.size, self.size),
            mode="bilinear",
            antialias=True,
            align_corners=False,
        )
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.std))
        with torch.no_grad():
            return self._network(((scaled - mean) / std).to(self.device)).cpu()

    def __getstate__(self) -> dict[str, Any]:
        # A script does not travel to another process; its path does.
        return {name: value for name, value in vars(self).items() if name != "_network"}

    @cached_property
    def _network(self) -> Any:
        try:
            return torch.jit.load(str(self.path), map_location=self.device).eval()
        except RuntimeError as error:
            raise ConfigError(
                f"{self.path} cannot be read as TorchScript ({brief(error)}); pass a file that "
                "torch.jit.save has written"
            ) from error


def _digest(file: Any) -> Any:
    digest = hashlib.blake2b()
    for block in iter(lambda: file.read(1 << 20), b""):
        digest.update(block)
    return digest

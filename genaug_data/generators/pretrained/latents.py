"""Parents as the autoencoder of a pretrained model sees them: encoded once, for all of their variants."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import torch

from genaug_data.generators.pretrained.recent import Recent, Tensors
from genaug_data.sample import Sample

_AUTOENCODERS = ("AutoencoderKL", "AutoencoderTiny")
_MOST_BYTES = 256 << 20


class Latents:
    """Encodes images with the autoencoder of a loaded pipeline, many at once, and keeps the latest results.

    Pipelines draw a latent image from the autoencoder's posterior, one image a call; here it is the posterior's mode,
    which is the same for each variant of a parent.

    Args:
        pipeline: of diffusers.
        most_bytes: that are kept.
    """

    def __init__(self, pipeline: Any, most_bytes: int = _MOST_BYTES) -> None:
        self._vae = pipeline.vae
        self._kept = Recent(most_bytes)
        config = pipeline.vae.config
        # Three channels are an image for sure, and these two autoencoders are scaled and shifted in the same way.
        self.usable = (
            type(pipeline.vae).__name__ in _AUTOENCODERS
            and config.latent_channels > 3
            and getattr(config, "latents_mean", None) is None
        )

    def __call__(self, images: torch.Tensor, parents: Sequence[Sample]) -> torch.Tensor:
        """Return what the pipeline takes in the place of images: ``(B, latent channels, H / f, W / f)``.

        Args:
            images: float ``(B, 3, H, W)`` in [0, 1], on the device of the pipeline.
            parents: of which they are; equal ones are encoded only once.
        """
        keys: list[str | bytes] = [_key(parent, tuple(images.shape[-2:])) for parent in parents]

        def work_out(missing: Sequence[str | bytes]) -> list[Tensors]:
            found = self._encode(images[[keys.index(key) for key in missing]])
            # Copies, so that one latent image does not hold the memory of its whole batch.
            return [{"latent": latent.clone()} for latent in found]

        return torch.stack([kept["latent"] for kept in self._kept.get(keys, work_out)])

    def _encode(self, images: torch.Tensor) -> torch.Tensor:
        vae, config = self._vae, self._vae.config
        dtype = vae.dtype
        # Such an autoencoder overflows in half precision.
        upcast = bool(getattr(config, "force_upcast", False)) and dtype == torch.float16
        if upcast:
            vae.to(torch.float32)
        output = vae.encode(images.mul(2).sub(1).to(vae.dtype))
        if upcast:
            vae.to(dtype)
        latents = output.latents if hasattr(output, "latents") else output.latent_dist.mode()
        return (latents.to(dtype) - (getattr(config, "shift_factor", None) or 0.0)) * config.scaling_factor


def _key(parent: Sample, size: tuple[int, ...]) -> bytes:
    digest = hashlib.blake2b(repr((tuple(parent.image.shape), size)).encode(), digest_size=16)
    digest.update(parent.image.contiguous().numpy().data)
    return digest.digest()

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from genaug_data.generators.pretrained import DiffusersModel
from genaug_data.generators.pretrained.latents import Latents
from genaug_data.generators.pretrained.pipeline import Pipeline
from genaug_data.sample import Sample
from genaug_data.testing.tiny_models import save_autoencoder_tiny
from tests.generators.pretrained.families import furthest, opened, requests, samples

Folders = Callable[[str], Path]


def loaded(folder: Path, **settings: Any) -> Any:
    return Pipeline(DiffusersModel(str(folder), **settings), "AutoPipelineForImage2Image").load(torch.float32, 0)


def colours(parents: list[Sample]) -> torch.Tensor:
    return torch.stack([parent.image for parent in parents]) / 255


def counted(vae: torch.nn.Module) -> list[int]:
    """Return a list that grows by the number of images with each call of the encoder."""
    counts: list[int] = []
    encode = vae.encode
    vae.encode = lambda images: (counts.append(len(images)), encode(images))[1]
    return counts


@pytest.mark.parametrize("family", ["stable_diffusion", "stable_diffusion_xl", "stable_diffusion_3", "flux"])
def test_a_latent_image_is_the_mode_scaled_and_shifted(folder_of: Folders, family: str) -> None:
    pipeline, parents = loaded(folder_of(family)), samples(3)
    latents = Latents(pipeline)
    assert latents.usable
    scale, shift = {
        "stable_diffusion": (0.18215, 0.0),
        "stable_diffusion_xl": (0.13025, 0.0),
        "stable_diffusion_3": (8.0, 0.1),
        "flux": (8.0, 0.1),
    }[family]
    with torch.no_grad():
        found = latents(colours(parents), parents)
        for image, latent in zip(colours(parents), found, strict=True):
            mode = pipeline.vae.encode(image[None] * 2 - 1).latent_dist.mode()[0]
            assert (latent - (mode - shift) * scale).abs().max() < 1e-5


def test_a_tiny_autoencoder_has_no_posterior(model: Path, tmp_path: Path) -> None:
    tiny = save_autoencoder_tiny(tmp_path / "tiny", scaling_factor=0.5, shift_factor=0.25)
    pipeline, parents = loaded(model, autoencoder=str(tiny)), samples(3)
    with torch.no_grad():
        found = Latents(pipeline)(colours(parents), parents)
        expected = (pipeline.vae.encode(colours(parents) * 2 - 1).latents - 0.25) * 0.5
    assert (found - expected).abs().max() < 1e-5


@torch.no_grad()
def test_each_parent_is_encoded_once_at_each_size(model: Path) -> None:
    pipeline, parents = loaded(model), samples(3)
    counts, latents = counted(pipeline.vae), Latents(pipeline)
    images = colours(parents)
    both = latents(images[[0, 1, 0]], [parents[0], parents[1], parents[0]])
    again = latents(images[[1, 2]], parents[1:])
    assert counts == [2, 1]
    assert both[0].equal(both[2])
    assert both[1].equal(again[0])
    padded = torch.nn.functional.pad(images[:1], (0, 16))
    assert latents(padded, parents[:1]).shape == (1, 4, 8, 16)
    assert counts == [2, 1, 1]


@torch.no_grad()
def test_no_more_than_a_number_of_bytes_is_kept(model: Path) -> None:
    pipeline, parents = loaded(model), samples(3)
    # Each latent image is 4 channels of 8 by 8 floats.
    counts, latents = counted(pipeline.vae), Latents(pipeline, most_bytes=2 * 4 * 8 * 8 * 4)
    images = colours(parents)
    for place in (0, 1, 2, 2, 1, 0):
        latents(images[[place]], [parents[place]])
    assert counts == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("AsymmetricAutoencoderKL", {}),
        ("AutoencoderKL", {"latent_channels": 3}),
        ("AutoencoderKL", {"latents_mean": [0.0, 0.0, 0.0, 0.0]}),
    ],
)
def test_an_autoencoder_of_another_kind_is_left_to_the_pipeline(name: str, settings: dict[str, Any]) -> None:
    config = SimpleNamespace(**{"latent_channels": 4, "scaling_factor": 1.0, **settings})
    assert not Latents(SimpleNamespace(vae=type(name, (), {"config": config})())).usable


def test_variants_of_a_parent_share_its_latent_image(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers import AutoencoderKL

    counts, encode = [], AutoencoderKL.encode
    monkeypatch.setattr(
        AutoencoderKL, "encode", lambda self, images: (counts.append(len(images)), encode(self, images))[1]
    )
    generator, parents = opened(model, batch_size=2), samples(2)
    first = generator.generate([parents[0], parents[1], parents[0]], requests(3))
    assert sum(counts) == 2
    assert furthest(generator.generate([parents[0], parents[1], parents[0]], requests(3)), first) == 0
    assert sum(counts) == 2
    assert furthest(first[:1], first[2:]) > 1

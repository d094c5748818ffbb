"""Layers of low rank in a pipeline of diffusers, through its own loader and peft."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from genaug_data.errors import GeneratorError, brief

_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
_WEIGHTS = "_genaug_data_lora_weights"


def new_layers(denoiser: torch.nn.Module, rank: int, draw: torch.Generator) -> dict[str, torch.Tensor]:
    """Return layers for all projections of a UNet's attention, which change nothing yet, by diffusers' names.

    Args:
        denoiser: UNet.
        rank: of each layer.
        draw: of the half of the weights that are not zero.
    """
    layers = {}
    for name, module in denoiser.named_modules():
        if name.endswith(_ATTENTION):
            down = torch.randn(rank, int(module.in_features), generator=draw) / rank
            layers[f"unet.{name}.lora_A.weight"] = down
            layers[f"unet.{name}.lora_B.weight"] = torch.zeros(int(module.out_features), rank)
    return layers


def attach(pipeline: Any, source: Any, weight: float, **which: Any) -> str:
    """Add layers to a pipeline, beside those that it has, and return the name that they got.

    Args:
        pipeline: of diffusers.
        source: what its loader takes: tensors by diffusers' names, or a folder.
        weight: that their result is multiplied by; 0 is the pipeline as it was.
        which: file in the folder.

    Raises:
        GeneratorError: they do not fit to it.
    """
    if not hasattr(pipeline, "load_lora_weights"):
        raise GeneratorError(f"a {type(pipeline).__name__} takes no LoRA; leave it out or pass another model")
    weights = pipeline.__dict__.setdefault(_WEIGHTS, {})
    name = f"lora_{len(weights)}"
    try:
        with _quietly():
            pipeline.load_lora_weights(source, adapter_name=name, **which)
            attached = any(name in names for names in pipeline.get_list_adapters().values())
    except Exception as error:
        raise GeneratorError(
            f"the LoRA does not fit the model ({brief(error)[:300]}); pass one that was fitted on this model"
        ) from error
    if not attached:
        raise GeneratorError("the LoRA holds no weights for any part of the model; pass one that was fitted on it")
    weights[name] = weight
    # Loading makes the last one alone active.
    pipeline.set_adapters(list(weights), list(weights.values()))
    return name


def parameters_of(denoiser: torch.nn.Module, name: str) -> dict[str, torch.nn.Parameter]:
    """Return the weights of attached layers, by diffusers' names."""
    return {
        f"unet.{long.replace(f'.{name}.weight', '.weight')}": parameter
        for long, parameter in denoiser.named_parameters()
        if long.endswith(f".{name}.weight")
    }


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep to ourselves what diffusers and peft tell of parts without layers and of a second LoRA: both are meant."""
    from diffusers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config` attribute", UserWarning)
            warnings.filterwarnings("ignore", "Adapter .* was active which is now deleted", UserWarning)
            yield
    finally:
        logging.set_verbosity(before)

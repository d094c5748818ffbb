"""Which pretrained model, made of what, and how it is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import torch

from genaug_data.errors import ConfigError
from genaug_data.generators.pretrained.adapters.base import Adapter
from genaug_data.generators.pretrained.files import tidy

_CHOICES = {"dtype": ("auto", "float32", "bfloat16", "float16"), "attention": ("sdpa", "xformers")}


@dataclass(frozen=True, slots=True)
class DiffusersModel:
    """A model of the diffusers library: Stable Diffusion 1.x, 2.x, XL, Turbo, 3, LCM, Flux, or one built like them.

    It must be on this machine; nothing is downloaded, and no pickled weights are read. A name alone is short for one
    with the defaults.

    Args:
        name: folder of a saved pipeline, or the id of a model in the Hugging Face cache of this machine.
        revision: of a model by id.
        dtype: of the weights; "auto" is bfloat16 on a GPU that has it, float32 elsewhere.
        scheduler: name of a scheduler of diffusers that takes the place of the model's own, "LCMScheduler" for example;
            its steps are spaced "trailing", as the few steps of distilled models need.
        autoencoder: folder or id of an ``AutoencoderTiny`` that takes the place of the model's own: several times
            faster, a little less sharp.
        unet: folder or id of a UNet that takes the place of the model's own: fine-tuned, or with concepts erased.
        adapters: that are added to it: loaded ones, and ones that are fitted on the training set first.
        attention: "sdpa" is torch's own; "xformers" needs a wheel of it that loads with this torch.
        channels_last: whether convolutions run in that memory format, which is faster on GPUs in half precision.
        compile: whether the repeated blocks of the denoiser are compiled, which takes a minute; each batch is filled up
            to ``batch_size`` then, as another shape would be compiled anew.
        offload: whether each part is on the GPU only while it works, which is slower and needs the least memory.

    Raises:
        ConfigError: ``dtype`` or ``attention`` is none of these, or ``adapters`` are no list.

    Example:
        >>> DiffusersModel("models/sd-turbo", dtype="bfloat16").identity
        "DiffusersModel('models/sd-turbo', dtype='bfloat16')"
    """

    name: str
    revision: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    scheduler: str | None = None
    autoencoder: str | None = None
    unet: str | None = None
    adapters: Sequence[Adapter] = ()
    attention: Literal["sdpa", "xformers"] = "sdpa"
    channels_last: bool = False
    compile: bool = False
    offload: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.adapters, str) or not isinstance(self.adapters, Sequence):
            raise ConfigError(
                f"adapters must be a list, got a {type(self.adapters).__name__}; pass [...] of it, also where it is one"
            )
        for name in ("name", "autoencoder", "unet"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tidy(getattr(self, name)))
        for field, choices in _CHOICES.items():
            if getattr(self, field) not in choices:
                raise ConfigError(
                    f"{field} must be one of {choices}, got {getattr(self, field)!r}; leave it out for the first"
                )

    @property
    def identity(self) -> str:
        """All that decides what is made and is known before anything is read."""
        decisive = ("revision", "dtype", "scheduler", "autoencoder", "unet")
        changed = [
            field for field in fields(self) if field.name in decisive and getattr(self, field.name) != field.default
        ]
        said = [repr(self.name), *(f"{field.name}={getattr(self, field.name)!r}" for field in changed)]
        said += [adapter.identity for adapter in self.adapters]
        return f"DiffusersModel({', '.join(said)})"

    def dtype_on(self, device: torch.device) -> torch.dtype:
        """Return the type of the weights on a device.

        Example:
            >>> DiffusersModel("models/sd-turbo").dtype_on(torch.device("cpu"))
            torch.float32
        """
        if self.dtype != "auto":
            return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[self.dtype]
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32

"""A pipeline of diffusers that is loaded where it is used, and known by its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from genaug_data.errors import ConfigError, GeneratorError, brief
from genaug_data.generators.base import ParentBatch
from genaug_data.generators.pretrained.prompts import PromptPolicy

_CHUNK = 1 << 20
_MOST_PROMPTS = 4096
_DTYPES = ("float32", "bfloat16", "float16")
_PICKLED = (".bin", ".ckpt", ".pt", ".pth")


class Pipeline:
    """A diffusers pipeline by model id or folder, loaded at its first use, from safetensors only.

    What is pickled with a generator is the name, never the weights: each process loads its own.

    Args:
        model: folder of a saved pipeline, or the id of a model that the Hugging Face cache of this machine holds.
        kind: name of the class of diffusers that loads it, "AutoPipelineForImage2Image" for example.
        revision: of a model by id.
        dtype: of the weights: "float32", "bfloat16" or "float16".

    Raises:
        ConfigError: ``dtype`` is none of these.
    """

    def __init__(self, model: str, kind: str, *, revision: str | None = None, dtype: str = "float32") -> None:
        if dtype not in _DTYPES:
            raise ConfigError(f"dtype must be one of {_DTYPES}, got {dtype!r}; bfloat16 is half as large as float32")
        self.model = str(model)
        self.kind = kind
        self.revision = revision
        self.dtype = dtype
        self._loaded: Any = None
        self._digest: str | None = None
        self._device: torch.device | None = None
        self._encoded: dict[str, torch.Tensor] = {}

    @property
    def identity(self) -> str:
        """Class, model and revision, known before anything is read."""
        return f"{self.kind}({self.model!r}, revision={self.revision!r}, dtype={self.dtype})"

    @property
    def digest(self) -> str:
        """Hash of every weight and configuration file, hexadecimal, so that a changed model makes new variants.

        Raises:
            GeneratorError: there is no such model on this machine, or a part of it is only there pickled.
        """
        if self._digest is None:
            folder = self._folder()
            found = hashlib.blake2b(digest_size=8)
            for file in sorted(folder.rglob("*")):
                if file.is_file() and (file.suffix in (".safetensors", ".json", ".txt")):
                    found.update(f"{file.relative_to(folder)} {file.stat().st_size} ".encode())
                    with file.open("rb") as opened:
                        while chunk := opened.read(_CHUNK):
                            found.update(chunk)
            self._digest = found.hexdigest()
        return self._digest

    def on(self, device: torch.device) -> Any:
        """Return the pipeline on a device.

        Raises:
            GeneratorError: as :attr:`digest`, or it cannot be loaded.
        """
        if self._loaded is None:
            self._loaded = self._load(self._folder())
        if self._device != device:
            self._loaded.to(device)
            self._device = device
        return self._loaded

    def multiple(self, device: torch.device) -> int:
        """Return what both sides of an image must be multiples of: they are halved by autoencoder and denoiser."""
        loaded = self.on(device)
        denoiser = getattr(loaded, "unet", None)
        halvings = 1 if denoiser is None else len(denoiser.config.down_block_types) - 1
        # Some pipelines insist on multiples of 8, whatever their parts could do with.
        return max(8, loaded.vae_scale_factor * 2**halvings)

    def call(self, device: torch.device, batch: ParentBatch, prompts: PromptPolicy, **inputs: Any) -> torch.Tensor:
        """Return what the pipeline makes of a batch, float ``(B, 3, H, W)`` in [0, 1].

        Every sample has a generator of random numbers of its own, so that an image does not depend on its batch. They
        draw on the CPU, so that a seed means the same on every device.

        Args:
            device: where it runs.
            batch: whose recipe, annotations and seeds it is told.
            prompts: turns annotations into words.
            inputs: what else this kind of pipeline takes.

        Raises:
            GeneratorError: it cannot be loaded, an annotation has no prompt, or the recipe leaves nothing to do.
        """
        recipe = batch.recipe
        strength = inputs.get("strength", 1.0)
        if int(recipe.steps * strength) < 1:
            raise GeneratorError(f"strength * steps must be at least 1, got {strength} * {recipe.steps}; raise either")
        told = [prompts.prompt(target) for target in batch.targets]
        return self.on(device)(
            **self._words(device, told, prompts.negative if recipe.guidance_scale > 1 else None),
            guidance_scale=recipe.guidance_scale,
            num_inference_steps=recipe.steps,
            generator=[torch.Generator().manual_seed(seed) for seed in batch.seeds],
            output_type="pt",
            **inputs,
        ).images

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None, "_device": None, "_encoded": {}}

    def _words(self, device: torch.device, told: list[str], negative: str | None) -> dict[str, Any]:
        """Return prompts as the pipeline takes them: where there is one text encoder, each is encoded only once."""
        loaded = self.on(device)
        encoders = [name for name in loaded.components if name.startswith("text_encoder")]
        if encoders != ["text_encoder"]:
            return {"prompt": told, "negative_prompt": None if negative is None else [negative] * len(told)}
        words = {"prompt_embeds": torch.cat([self._encode(device, text) for text in told])}
        if negative is not None:
            words["negative_prompt_embeds"] = self._encode(device, negative).expand_as(words["prompt_embeds"])
        return words

    def _encode(self, device: torch.device, text: str) -> torch.Tensor:
        if text not in self._encoded:
            if len(self._encoded) >= _MOST_PROMPTS:
                self._encoded.clear()
            self._encoded[text] = self.on(device).encode_prompt(text, device, 1, False)[0].detach()
        return self._encoded[text].to(device)

    def _folder(self) -> Path:
        folder = Path(self.model)
        if not folder.is_dir():
            from huggingface_hub import snapshot_download
            from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

            try:
                folder = Path(snapshot_download(self.model, revision=self.revision, local_files_only=True))
            except (HFValidationError, LocalEntryNotFoundError, OSError) as error:
                raise GeneratorError(
                    f"the model {self.model!r} is neither a folder nor in this machine's Hugging Face cache; run "
                    f"`hf download {self.model}` where there is a network, or pass the folder of a saved pipeline"
                ) from error
        index = folder / "model_index.json"
        if not index.is_file():
            raise GeneratorError(f"{folder} is no pipeline of diffusers: model_index.json is missing; pass its folder")
        self._check_parts(folder, json.loads(index.read_text()))
        return folder

    def _check_parts(self, folder: Path, parts: dict[str, Any]) -> None:
        """Refuse a model that lacks a part, or has one as a pickle only, before diffusers says so at length."""
        for name, found in parts.items():
            if name.startswith("_") or not isinstance(found, list) or found[0] is None:
                continue
            part = folder / name
            if not part.is_dir():
                raise GeneratorError(f"the model in {folder} lacks its part {name}/; download all of it again")
            files = [file for file in part.iterdir() if file.is_file()]
            pickled = [file.name for file in files if file.suffix in _PICKLED]
            if pickled and not any(file.suffix == ".safetensors" for file in files):
                raise GeneratorError(
                    f"the part {name}/ of the model in {folder} has pickled weights only ({pickled[0]}), which could "
                    "run code; convert it with save_pretrained(safe_serialization=True)"
                )

    def _load(self, folder: Path) -> Any:
        import diffusers
        from diffusers.utils import logging
        from transformers.utils import logging as of_parts

        logging.disable_progress_bar()
        of_parts.disable_progress_bar()
        try:
            loaded = getattr(diffusers, self.kind).from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=getattr(torch, self.dtype)
            )
        except Exception as error:
            raise GeneratorError(
                f"diffusers cannot load the model in {folder} as {self.kind} ({brief(error)}); download it again, or "
                "pass a model of that kind"
            ) from error
        loaded.set_progress_bar_config(disable=True)
        return loaded

"""Prompts as a pretrained model takes them: encoded once each, with the text encoders on the device only then."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import torch

from genaug_data.generators.pretrained.precision import in_float32
from genaug_data.generators.pretrained.quiet import quiet
from genaug_data.generators.pretrained.recent import Recent, Tensors

_MOST_BYTES = 512 << 20
_OF_A_CLASS = re.compile(r"<class-\d+>")
"""What ``ClassPrompt.anonymous`` names a class by."""


class Words:
    """Encodes prompts with the text encoders of a loaded pipeline, and keeps the results on the CPU.

    Args:
        pipeline: of diffusers: Stable Diffusion, XL or 3, Flux, or another that encodes as they do.
        device: where prompts are encoded.
        settled: whether something else decides where the text encoders are; if not, they are taken out of the pipeline,
            and are on the device only while they work.
    """

    def __init__(self, pipeline: Any, device: torch.device, *, settled: bool = False) -> None:
        self._pipeline = pipeline
        self._device = device
        self._encoders: dict[str, torch.nn.Module] = {}
        if not settled:
            parts = pipeline.components
            self._encoders = {name: parts[name] for name in parts if name.startswith("text_encoder") and parts[name]}
            self._take_out()
        self._widened = False
        self._prompts = Recent(_MOST_BYTES)
        self._negatives = Recent(_MOST_BYTES)
        self._takes = inspect.signature(pipeline.__call__).parameters
        self._encodes = inspect.signature(pipeline.encode_prompt).parameters

    def __call__(self, prompts: Sequence[str], negative: str | None) -> Tensors:
        """Return the arguments of the pipeline for these prompts, ``(B, ...)`` on the device.

        Args:
            prompts: ``B`` of them.
            negative: what no image should show, "" for nothing; None where there is no guidance.
        """
        rows = self._prompts.get(prompts, lambda missing: self._encode(missing, self._told))
        words = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
        # Flux takes negatives but encodes none: its guidance is told to the model.
        if negative is not None and "negative_prompt_embeds" in self._takes and "negative_prompt" in self._encodes:
            [against] = self._negatives.get([negative], lambda missing: self._encode(missing, self._against))
            words |= {name: value.expand(len(prompts), *value.shape[1:]) for name, value in against.items()}
        return {name: value.to(self._device) for name, value in words.items()}

    def cut(self, prompt: str) -> int:
        """Return how many tokens of a prompt are left out, as it is longer than the first text encoder takes."""
        tokenizer = getattr(self._pipeline, "tokenizer", None)
        if tokenizer is None:
            return 0
        if hasattr(self._pipeline, "maybe_convert_prompt"):
            # A learned token stands for several vectors, each of which takes a place.
            prompt = self._pipeline.maybe_convert_prompt(prompt, tokenizer)
        found = len(tokenizer(prompt, truncation=False, verbose=False)["input_ids"])
        return max(0, found - int(tokenizer.model_max_length))

    def unlearned(self, prompt: str) -> list[str]:
        """Return the tokens of classes in a prompt that the first tokenizer does not know."""
        tokenizer = getattr(self._pipeline, "tokenizer", None)
        if tokenizer is None:
            return []
        unknown = (None, tokenizer.unk_token_id)
        return [token for token in _OF_A_CLASS.findall(prompt) if tokenizer.convert_tokens_to_ids(token) in unknown]

    def in_float32(self) -> Words:
        """Return a copy that knows nothing yet, and whose text encoders work with float32 weights."""
        other = copy(self)
        other._prompts, other._negatives = Recent(_MOST_BYTES), Recent(_MOST_BYTES)
        other._widened = True
        return other

    def _take_out(self) -> None:
        for name in self._encoders:
            setattr(self._pipeline, name, None)

    @contextmanager
    def _encoders_at_work(self) -> Iterator[None]:
        try:
            for name, encoder in self._encoders.items():
                setattr(self._pipeline, name, encoder.to(self._device))
            yield
        finally:
            for encoder in self._encoders.values():
                encoder.to("cpu")
            self._take_out()

    @torch.no_grad()
    def _encode(self, texts: Sequence[Any], encode: Any) -> list[Tensors]:
        with quiet(), in_float32(self._encoders.values() if self._widened else ()), self._encoders_at_work():
            return [{name: value.to("cpu") for name, value in encode(text).items()} for text in texts]

    def _told(self, text: str) -> Tensors:
        return embedded(self._pipeline, text, self._device)

    def _against(self, negative: str) -> Tensors:
        """Return what guidance leads away from; of "" what the pipeline takes where it is told nothing."""
        arguments = _arguments(self._pipeline, "", self._device, guided=True)
        found = self._pipeline.encode_prompt(**arguments, negative_prompt=negative or None)
        return dict(zip(("negative_prompt_embeds", "negative_pooled_prompt_embeds"), found[1::2], strict=False))


def embedded(pipeline: Any, text: str | list[str], device: torch.device) -> Tensors:
    """Return what a pipeline's denoiser is told by a prompt or several, with gradients where they are recorded.

    Args:
        pipeline: of diffusers, with its text encoders on the device.
        text: one prompt, or ``B`` of them.
        device: where they are encoded.

    Returns:
        ``prompt_embeds``, ``(B, ...)``, and ``pooled_prompt_embeds`` where the pipeline takes them.
    """
    found = pipeline.encode_prompt(**_arguments(pipeline, text, device, guided=False))
    words = {"prompt_embeds": found[0]}
    if "pooled_prompt_embeds" in inspect.signature(pipeline.__call__).parameters:
        # Four results are embedded and pooled, each with its negative; Flux has no negatives.
        words["pooled_prompt_embeds"] = found[2] if len(found) == 4 else found[1]
    return words


def _arguments(pipeline: Any, text: str | list[str], device: torch.device, *, guided: bool) -> dict[str, Any]:
    possible = {
        "prompt": text,
        "prompt_2": None,
        "prompt_3": None,
        "device": device,
        "num_images_per_prompt": 1,
        "do_classifier_free_guidance": guided,
    }
    takes = inspect.signature(pipeline.encode_prompt).parameters
    return {name: value for name, value in possible.items() if name in takes}

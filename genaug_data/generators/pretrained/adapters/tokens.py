"""New tokens in the text encoders of a pipeline, of one vector or several each, by diffusers' convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from genaug_data.errors import GeneratorError

_ENDS_AT_THE_LARGEST = 2
"""Id of the end in the settings of old CLIP encoders, which transformers takes as a sign to look for the largest."""

ENCODERS = {"text_encoder": "tokenizer", "text_encoder_2": "tokenizer_2"}


def encoders_of(pipeline: Any) -> list[str]:
    """Return the names of the text encoders that learn tokens.

    Raises:
        GeneratorError: the pipeline does not expand tokens of several vectors.
    """
    found = [name for name in ENCODERS if getattr(pipeline, name, None) is not None]
    if not found or not hasattr(pipeline, "maybe_convert_prompt"):
        raise GeneratorError(f"a {type(pipeline).__name__} learns no tokens; leave textual inversion out for it")
    return found


def names_of(token: str, vectors: int) -> list[str]:
    """Return what the vectors of a token are called; diffusers puts all of them in the place of the first.

    Example:
        >>> names_of("<class-0>", 3)
        ['<class-0>', '<class-0>_1', '<class-0>_2']
    """
    return [token, *(f"{token}_{number}" for number in range(1, vectors))]


def add_tokens(pipeline: Any, encoder: str, tokens: Mapping[str, torch.Tensor]) -> None:
    """Teach new tokens to one text encoder and its tokenizer.

    Args:
        pipeline: of diffusers.
        encoder: name of the text encoder.
        tokens: by name, ``(vectors, width)``.

    Raises:
        GeneratorError: a token is known already, or the text encoder has vectors of another width.
    """
    model, tokenizer = getattr(pipeline, encoder), getattr(pipeline, ENCODERS[encoder])
    table = model.get_input_embeddings().weight.detach()
    names = [name for token, vectors in tokens.items() for name in names_of(token, len(vectors))]
    known = [name for name in names if name in tokenizer.get_vocab()]
    if known:
        raise GeneratorError(f"the model knows the token {known[0]!r} already; choose another name")
    for token, vectors in tokens.items():
        if vectors.shape[1] != table.shape[1]:
            raise GeneratorError(
                f"the vectors of {token!r} have width {vectors.shape[1]}, the model's {encoder} has {table.shape[1]}; "
                "pass vectors that were learned on this model"
            )
    tokenizer.add_tokens(names)
    # By ourselves: resizing by transformers draws the new rows from torch's global generator before they are set.
    grown = table.new_zeros(max(len(table), len(tokenizer)), table.shape[1])
    grown[: len(table)] = table
    grown[tokenizer.convert_tokens_to_ids(names)] = torch.cat(list(tokens.values())).to(table)
    model.set_input_embeddings(torch.nn.Embedding.from_pretrained(grown, freeze=True))
    model.config.vocab_size = len(grown)
    _find_the_end(model, tokenizer)


def _find_the_end(model: torch.nn.Module, tokenizer: Any) -> None:
    """Let a text encoder find the end of a prompt by its id: old ones take the largest id, which is ours now."""
    for module in model.modules():
        if getattr(module, "eos_token_id", None) == _ENDS_AT_THE_LARGEST:
            module.eos_token_id = tokenizer.eos_token_id


def learn_tokens(pipeline: Any, encoder: str, tokens: Mapping[str, torch.nn.Parameter]) -> None:
    """Let tokens that were added take their vectors from parameters, so that these and nothing else are learned.

    Args:
        pipeline: of diffusers.
        encoder: name of the text encoder.
        tokens: by name, ``(vectors, width)``, on the encoder's device.
    """
    embedding, tokenizer = getattr(pipeline, encoder).get_input_embeddings(), getattr(pipeline, ENCODERS[encoder])
    names = [name for token, vectors in tokens.items() for name in names_of(token, len(vectors))]
    places = torch.full((len(embedding.weight),), -1, device=embedding.weight.device)
    places[tokenizer.convert_tokens_to_ids(names)] = torch.arange(len(names), device=places.device)

    def take(module: torch.nn.Module, given: tuple[torch.Tensor, ...], found: torch.Tensor) -> torch.Tensor:
        place = places[given[0]]
        return torch.where(place[..., None] < 0, found, torch.cat(list(tokens.values()))[place.clamp(min=0)])

    embedding.register_forward_hook(take)

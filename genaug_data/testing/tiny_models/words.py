"""Tokenizers and text encoders of tiny models: every byte, or every letter, is a token."""

from __future__ import annotations

import string
from typing import Any

WIDTH = 32
_TOKENS = 77


def clip_tokenizer() -> Any:
    """Return a tokenizer like CLIP's, for which every byte is a token."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=_TOKENS)


def clip_encoder(tokenizer: Any, *, projects: bool = False) -> Any:
    """Return a text encoder of CLIP that is ``WIDTH`` wide.

    Args:
        tokenizer: as :func:`clip_tokenizer` returns it.
        projects: whether it embeds a prompt as a whole as well.
    """
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        bos_token_id=len(tokenizer) - 2,
        eos_token_id=len(tokenizer) - 1,
        pad_token_id=len(tokenizer) - 1,
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=_TOKENS,
        projection_dim=WIDTH,
    )
    return (CLIPTextModelWithProjection if projects else CLIPTextModel)(config).eval()


def t5_tokenizer() -> Any:
    """Return a tokenizer like T5's, for which every printable letter of ASCII is a token."""
    from transformers import T5TokenizerFast

    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    letters = [(letter, -3.0) for letter in string.digits + string.ascii_letters + string.punctuation]
    return T5TokenizerFast(vocab=[*special, *letters], extra_ids=0, model_max_length=_TOKENS)


def t5_encoder(tokenizer: Any, width: int) -> Any:
    """Return the encoder of a T5.

    Args:
        tokenizer: as :func:`t5_tokenizer` returns it.
        width: of the embeddings.
    """
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=len(tokenizer), d_model=width, d_kv=8, d_ff=width, num_layers=1, num_heads=2)
    return T5EncoderModel(config).eval()


def heeding(transformer: Any) -> Any:
    """Return a transformer whose random weights are enlarged where a prompt comes in, so that it shows in an image."""
    transformer.time_text_embed.text_embedder.linear_2.weight.data.mul_(3)
    transformer.proj_out.weight.data.mul_(3)
    return transformer.eval()

"""A tiny CLIP, whole: images and words in one space."""

from __future__ import annotations

from pathlib import Path

from genaug_data.testing.tiny_models.saving import save, seeded
from genaug_data.testing.tiny_models.words import WIDTH, clip_tokenizer

_PIXELS = 30


def save_clip(folder: str | Path, *, seed: int = 0) -> Path:
    """Write a CLIP model of random weights with its processor, 30x30 pixels, every byte a token.

    Args:
        folder: where it goes.
        seed: of the weights.

    Returns:
        ``folder``.

    Example:
        >>> import tempfile
        >>> sorted(path.name for path in save_clip(tempfile.mkdtemp()).glob("*.safetensors"))
        ['model.safetensors']
    """
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

    tokenizer = clip_tokenizer()
    small = {"hidden_size": WIDTH, "intermediate_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2}
    # Weights that are small, as those of a model before its training, would embed all alike.
    large = {"projection_dim": WIDTH, "initializer_factor": 4.0}
    end = len(tokenizer) - 1
    words = {"vocab_size": len(tokenizer), "bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end}
    vision = {"image_size": _PIXELS, "patch_size": 10}
    config = CLIPConfig(text_config=small | large | words, vision_config=small | large | vision, projection_dim=WIDTH)
    crop = {"height": _PIXELS, "width": _PIXELS}
    with seeded(seed):
        save(CLIPModel(config).eval(), folder)
    CLIPProcessor(CLIPImageProcessor(size={"shortest_edge": _PIXELS}, crop_size=crop), tokenizer).save_pretrained(
        folder
    )
    return Path(folder)

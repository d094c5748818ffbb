"""A tiny CLIP."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from genaug_data.testing.tiny_models.saving import save, seeded
from genaug_data.testing.tiny_models.words import clip_tokenizer

_PIXELS, _WIDTH = 16, 16


def save_clip(folder: str | Path, *, seed: int = 0) -> Path:
    """Write a CLIP and its processor and return their folder; every byte of a text is a token.

    Args:
        folder: to write to.
        seed: of the weights.
    """
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor

    tokenizer = clip_tokenizer()
    layers: dict[str, Any] = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    layers |= {"num_attention_heads": 2, "projection_dim": _WIDTH}
    ends = {"bos_token_id": len(tokenizer) - 2, "eos_token_id": len(tokenizer) - 1, "pad_token_id": len(tokenizer) - 1}
    text = {**layers, **ends, "vocab_size": len(tokenizer), "max_position_embeddings": tokenizer.model_max_length}
    # Weights that are small, as those of a model before its training, would embed all images alike.
    vision = {**layers, "image_size": _PIXELS, "patch_size": 4, "initializer_factor": 6.0}
    config = CLIPConfig(
        text_config=text, vision_config=vision, projection_dim=_WIDTH, logit_scale_init_value=math.log(100)
    )
    with seeded(seed):
        model = CLIPModel(config).eval()
    size = {"height": _PIXELS, "width": _PIXELS}
    images = CLIPImageProcessor(size={"shortest_edge": _PIXELS}, crop_size=size)
    save(CLIPProcessor(image_processor=images, tokenizer=tokenizer), folder)
    return save(model, folder)

"""A safety checker of random weights: what it flags is decided by a threshold."""

from __future__ import annotations

from typing import Any

_PIXELS = 16


def safety_parts(flagged_above: float | None) -> dict[str, Any]:
    """Return a pipeline's arguments for a safety checker, or for none.

    An image is flagged where the cosine of its embedding and that of a random concept is above the threshold: below
    -1 that is every image, above 1 none, and between the two it depends on what an image shows.

    Args:
        flagged_above: the threshold; None for a pipeline without a safety checker.
    """
    if flagged_above is None:
        return {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    from transformers import CLIPImageProcessor

    size = {"height": _PIXELS, "width": _PIXELS}
    processor = CLIPImageProcessor(size={"shortest_edge": _PIXELS}, crop_size=size)
    return {"safety_checker": _checker(flagged_above), "feature_extractor": processor, "requires_safety_checker": True}


def _checker(flagged_above: float) -> Any:
    import torch
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": _PIXELS,
        "patch_size": 4,
        "projection_dim": 8,
        # Weights that are small, as those of a model before its training, would embed all images alike.
        "initializer_factor": 20.0,
    }
    # It has no text encoder, but its settings want one that is sound.
    text = {"vocab_size": 8, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    checker = StableDiffusionSafetyChecker(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))
    with torch.no_grad():
        # All concepts are one, so that one threshold decides.
        checker.concept_embeds.copy_(torch.randn(8).expand_as(checker.concept_embeds))
        checker.concept_embeds_weights.fill_(flagged_above)
        checker.special_care_embeds_weights.fill_(2.0)
    return checker.eval()

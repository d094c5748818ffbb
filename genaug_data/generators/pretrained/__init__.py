"""Pretrained diffusion models of the diffusers library as generators."""

from genaug_data.generators.pretrained.image_to_image import ImageToImage
from genaug_data.generators.pretrained.inpainting import Inpainting
from genaug_data.generators.pretrained.model import DiffusersModel
from genaug_data.generators.pretrained.prompts import (
    CaptionPrompt,
    ClassPrompt,
    DomainPrompt,
    FixedPrompt,
    ParaphrasePrompt,
    PromptPolicy,
)
from genaug_data.generators.pretrained.text_to_image import TextToImage

__all__ = [
    "CaptionPrompt",
    "ClassPrompt",
    "DiffusersModel",
    "DomainPrompt",
    "FixedPrompt",
    "ImageToImage",
    "Inpainting",
    "ParaphrasePrompt",
    "PromptPolicy",
    "TextToImage",
]

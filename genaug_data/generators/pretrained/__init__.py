"""Pretrained diffusion models of the diffusers library as generators."""

from genaug_data.generators.pretrained.image_to_image import ImageToImage
from genaug_data.generators.pretrained.inpainting import Inpainting
from genaug_data.generators.pretrained.prompts import ClassPrompt, FixedPrompt, PromptPolicy
from genaug_data.generators.pretrained.text_to_image import TextToImage

__all__ = ["ClassPrompt", "FixedPrompt", "ImageToImage", "Inpainting", "PromptPolicy", "TextToImage"]

"""Pretrained diffusion models of the diffusers library as generators."""

from genaug_data.generators.pretrained.image_to_image import ImageToImage
from genaug_data.generators.pretrained.prompts import ClassPrompt, FixedPrompt, PromptPolicy

__all__ = ["ClassPrompt", "FixedPrompt", "ImageToImage", "PromptPolicy"]

"""Pretrained diffusion models of the diffusers library as generators."""

from genaug_data.generators.pretrained.conditions import Canny, Condition, DrawnAnnotation, Estimated
from genaug_data.generators.pretrained.controlnet import ControlNet
from genaug_data.generators.pretrained.image_to_image import ImageToImage
from genaug_data.generators.pretrained.inpainting import Inpainting
from genaug_data.generators.pretrained.inter_class import InterClass
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
    "Canny",
    "CaptionPrompt",
    "ClassPrompt",
    "Condition",
    "ControlNet",
    "DiffusersModel",
    "DomainPrompt",
    "DrawnAnnotation",
    "Estimated",
    "FixedPrompt",
    "ImageToImage",
    "Inpainting",
    "InterClass",
    "ParaphrasePrompt",
    "PromptPolicy",
    "TextToImage",
]

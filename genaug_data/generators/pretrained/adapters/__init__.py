"""What is added to a pretrained model: a few weights, learned on the training set or read from a file."""

from genaug_data.generators.pretrained.adapters.base import Adapter
from genaug_data.generators.pretrained.adapters.lora import Lora, LoraFile
from genaug_data.generators.pretrained.adapters.textual_inversion import TextualInversion, TextualInversionFile

__all__ = ["Adapter", "Lora", "LoraFile", "TextualInversion", "TextualInversionFile"]

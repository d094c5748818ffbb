"""What a pretrained model is told about a parent."""

from genaug_data.generators.pretrained.prompts.base import PromptPolicy
from genaug_data.generators.pretrained.prompts.by_class import ClassPrompt
from genaug_data.generators.pretrained.prompts.caption import CaptionPrompt
from genaug_data.generators.pretrained.prompts.domain import DomainPrompt
from genaug_data.generators.pretrained.prompts.fixed import FixedPrompt
from genaug_data.generators.pretrained.prompts.paraphrase import ParaphrasePrompt

__all__ = ["CaptionPrompt", "ClassPrompt", "DomainPrompt", "FixedPrompt", "ParaphrasePrompt", "PromptPolicy"]

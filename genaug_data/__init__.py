"""genaug_data: generative data augmentation that can be trusted inside a PyTorch training loop."""

from genaug_data.errors import GenaugError

__all__ = ["GenaugError"]

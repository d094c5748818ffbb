"""What is added to a pretrained model: a few weights, learned on the training set or read from a file."""

from genaug_data.generators.pretrained.adapters.base import Adapter

__all__ = ["Adapter"]

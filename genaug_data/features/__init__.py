"""Features of images: the contract, and ready networks."""

from genaug_data.features.base import Features, name_of
from genaug_data.features.torch_script import TorchScriptFeatures

__all__ = ["Features", "TorchScriptFeatures", "name_of"]

"""Features of images: the contract, and ready networks."""

from genaug_data.features.base import Features, name_of
from genaug_data.features.networks import ModuleFeatures, Pixels, TransformersFeatures
from genaug_data.features.torch_script import TorchScriptFeatures

__all__ = ["Features", "ModuleFeatures", "Pixels", "TorchScriptFeatures", "TransformersFeatures", "name_of"]

"""Models of random weights, written to disk: to try what is meant for pretrained ones, without any download."""

from genaug_data.testing.tiny_models.autoencoders import save_autoencoder_tiny
from genaug_data.testing.tiny_models.clip import save_clip
from genaug_data.testing.tiny_models.controlnet import save_controlnet
from genaug_data.testing.tiny_models.flux import save_flux
from genaug_data.testing.tiny_models.latent_consistency import save_latent_consistency
from genaug_data.testing.tiny_models.stable_diffusion import save_stable_diffusion
from genaug_data.testing.tiny_models.stable_diffusion_3 import save_stable_diffusion_3
from genaug_data.testing.tiny_models.stable_diffusion_xl import save_stable_diffusion_xl

__all__ = [
    "save_autoencoder_tiny",
    "save_clip",
    "save_controlnet",
    "save_flux",
    "save_latent_consistency",
    "save_stable_diffusion",
    "save_stable_diffusion_3",
    "save_stable_diffusion_xl",
]

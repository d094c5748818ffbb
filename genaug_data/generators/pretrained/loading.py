"""From the files of a model to a pipeline of diffusers, as fast as it was asked to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from genaug_data.errors import GeneratorError, brief
from genaug_data.generators.pretrained.files import ModelFiles, read_settings
from genaug_data.generators.pretrained.quiet import quiet

if TYPE_CHECKING:
    from genaug_data.generators.pretrained.model import DiffusersModel


def load_pipeline(files: ModelFiles, kind: str, dtype: torch.dtype, **parts: Any) -> Any:
    """Return a pipeline of diffusers on the CPU, from safetensors on this machine alone.

    Args:
        files: of the model.
        kind: name of the class of diffusers that loads it, "AutoPipelineForImage2Image" for example.
        dtype: of the weights.
        parts: that are not among the model's own.

    Raises:
        GeneratorError: it cannot be loaded.
    """
    import diffusers

    controlnet = {"controlnet": parts.pop("controlnet")} if "controlnet" in parts else {}
    found = getattr(diffusers, kind)
    try:
        with quiet():
            pipeline = found.from_pretrained(
                files.folder,
                local_files_only=True,
                use_safetensors=True,
                dtype=dtype,
                variant=files.variant,
                **parts,
            )
            if controlnet:
                # In two steps: in one, diffusers looks for a class by a name that not every saved pipeline leads to.
                pipeline = found.from_pipe(pipeline, **controlnet)
    except Exception as error:
        raise GeneratorError(
            f"diffusers cannot load the model in {files.folder} as {kind} ({brief(error)}); download it again, or "
            "pass a model of that kind"
        ) from error
    _check_channels(pipeline, files, kind)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def load_part(files: ModelFiles, family: str, dtype: torch.dtype) -> Any:
    """Return one network of diffusers on the CPU, from safetensors on this machine alone.

    Args:
        files: of the network.
        family: part of the name that its class has: "Autoencoder", "ControlNet" or "UNet".
        dtype: of the weights.

    Raises:
        GeneratorError: it is no such network, or cannot be loaded.
    """
    import diffusers

    name = str(read_settings(files.folder / "config.json").get("_class_name"))
    if family not in name or not hasattr(diffusers, name):
        raise GeneratorError(f"{files.folder} holds a {name} and no {family} of diffusers; pass the folder of one")
    try:
        with quiet():
            return getattr(diffusers, name).from_pretrained(
                files.folder, local_files_only=True, use_safetensors=True, dtype=dtype, variant=files.variant
            )
    except Exception as error:
        raise GeneratorError(
            f"diffusers cannot load the {name} in {files.folder} ({brief(error)}); download it again"
        ) from error


def replace_scheduler(pipeline: Any, name: str) -> None:
    """Let a scheduler of diffusers take the place of the pipeline's own, with its settings, spaced for few steps.

    Raises:
        GeneratorError: there is no such scheduler, or it does not fit.
    """
    import diffusers

    kind = getattr(diffusers, name, None)
    if not name.endswith("Scheduler") or kind is None:
        raise GeneratorError(f"diffusers has no scheduler {name!r}; pass 'LCMScheduler' or another name of its list")
    own = type(pipeline.scheduler)
    # Only schedulers of flow matching mix an image and noise in this way.
    if hasattr(kind, "scale_noise") != hasattr(own, "scale_noise"):
        raise GeneratorError(
            f"the model was trained for schedulers like its {own.__name__}, got {name!r}, which noises images in "
            "another way; leave it out"
        )
    try:
        pipeline.scheduler = kind.from_config(pipeline.scheduler.config, timestep_spacing="trailing")
    except Exception as error:
        raise GeneratorError(
            f"the scheduler {name} cannot take the place of the model's own ({brief(error)}); pass another, or leave "
            "it out"
        ) from error


def place(pipeline: Any, model: DiffusersModel, device: torch.device) -> None:
    """Move the parts of a pipeline to the device and make them as fast as the model's settings ask for.

    Raises:
        GeneratorError: what was asked for is not to be had on this device or with these libraries.
    """
    denoiser = denoiser_of(pipeline)
    if model.channels_last:
        denoiser.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)
    if model.offload:
        if device.type == "cpu":
            raise GeneratorError("offload moves parts between a GPU and the CPU, got the device cpu; leave it out here")
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.to(device)
    if model.attention == "xformers":
        _use_xformers(denoiser)
    if model.compile:
        if getattr(denoiser, "_repeated_blocks", None):
            denoiser.compile_repeated_blocks()
        else:
            denoiser.compile()


def denoiser_of(pipeline: Any) -> Any:
    """Return the network that denoises: a UNet or a transformer."""
    unet = getattr(pipeline, "unet", None)
    return pipeline.transformer if unet is None else unet


def _check_channels(pipeline: Any, files: ModelFiles, kind: str) -> None:
    """Refuse a denoiser that sees a mask as well, where there is none to see."""
    config = denoiser_of(pipeline).config
    expected = getattr(config, "out_channels", None)
    if "Inpaint" not in kind and expected is not None and config.in_channels > expected:
        raise GeneratorError(
            f"the model in {files.folder} is fine-tuned for inpainting: its denoiser takes {config.in_channels} "
            f"channels, not {expected}; use Inpainting, or pass a model that is not"
        )


def multiple_of(pipeline: Any) -> int:
    """Return what both sides of an image must be multiples of: they are halved by autoencoder and denoiser."""
    levels = getattr(denoiser_of(pipeline).config, "down_block_types", None)
    halvings = 1 if levels is None else len(levels) - 1
    # Some pipelines insist on multiples of 8, whatever their parts could do with.
    return max(8, int(pipeline.vae_scale_factor) * 2**halvings)


def _use_xformers(denoiser: Any) -> None:
    try:
        denoiser.enable_xformers_memory_efficient_attention()
    except Exception as error:
        raise GeneratorError(
            f"xformers cannot be used here ({brief(error)}); its wheel must be built for this torch and GPU: "
            'leave out attention="xformers", torch\'s own attention is as fast'
        ) from error

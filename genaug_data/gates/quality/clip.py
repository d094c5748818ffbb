"""CLIP: how well an image fits a text (arXiv:2103.00020)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from genaug_data.errors import GeneratorError, brief
from genaug_data.features.colour import in_colour
from genaug_data.generators.pretrained.files import ModelFiles, tidy
from genaug_data.generators.pretrained.quiet import quiet


class Clip:
    """A CLIP of the transformers library, by folder or by id in this machine's Hugging Face cache; never downloaded.

    Weights are read from safetensors only, at the first use and once a process.

    Args:
        model: folder that ``save_pretrained`` wrote model and processor to, or id.
        revision: of a model by id.
        device: where it looks at images: "auto" is CUDA where there is one.

    Example:
        >>> import tempfile
        >>> from genaug_data.testing.tiny_models import save_clip
        >>> clip = Clip(save_clip(tempfile.mkdtemp()))
        >>> clip.image(torch.zeros(3, 8, 8, dtype=torch.uint8)).shape, clip.texts(["a cat", "a dog"]).shape
        (torch.Size([16]), torch.Size([2, 16]))
    """

    def __init__(self, model: str | Path, *, revision: str | None = None, device: str = "auto") -> None:
        self.model = tidy(model)
        self.device = device
        self._files = ModelFiles(self.model, revision=revision, index="config.json")
        self._texts: dict[tuple[str, ...], torch.Tensor] = {}

    @property
    def fingerprint(self) -> str:
        """Name and hash of all weights and settings.

        Raises:
            GeneratorError: it is not on this machine.
        """
        return f"Clip({self.model}, {self._files.digest})"

    @property
    def scale(self) -> float:
        """What cosines are multiplied with to become logits, as CLIP has learned it: 100 in those of OpenAI."""
        return float(self._loaded[0].logit_scale.detach().exp())

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """Return the direction of one image, float64 ``(D,)`` of length 1, on the CPU.

        Args:
            image: uint8 ``(C, H, W)`` of 1, 3 or 4 channels; an alpha channel is left out.
        """
        model, processor, device = self._loaded
        coloured = in_colour(image.unsqueeze(0))[0]
        pixels = processor.image_processor(images=coloured, return_tensors="pt", input_data_format="channels_first")
        with torch.no_grad():
            found = model.get_image_features(pixel_values=pixels["pixel_values"].to(device))
        return _direction(found)[0]

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the directions of texts, float64 ``(N, D)`` of length 1, on the CPU; they are kept."""
        known = tuple(texts)
        if known not in self._texts:
            model, processor, device = self._loaded
            tokens = processor.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt").to(device)
            with torch.no_grad():
                found = model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
            self._texts[known] = _direction(found)
        return self._texts[known]

    def probabilities(self, image: torch.Tensor, texts: Sequence[str]) -> torch.Tensor:
        """Return the probability of each text, float64 ``(N,)``, as CLIP classifies without examples."""
        return (self.scale * (self.texts(texts) @ self.image(image))).softmax(0)

    @cached_property
    def _loaded(self) -> tuple[Any, Any, torch.device]:
        from transformers import CLIPModel, CLIPProcessor

        folder = self._files.folder
        wanted = ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device
        try:
            with quiet():
                model = CLIPModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
                processor = CLIPProcessor.from_pretrained(folder, local_files_only=True)
        except Exception as error:
            raise GeneratorError(
                f"transformers cannot load the CLIP in {folder} ({brief(error)}); pass the folder of a CLIP model with "
                "its processor"
            ) from error
        device = torch.device(wanted)
        return model.eval().requires_grad_(False).to(device), processor, device

    def __getstate__(self) -> dict[str, Any]:
        # A copy in another process reads the weights itself.
        return {name: value for name, value in vars(self).items() if name != "_loaded"} | {"_texts": {}}


def _direction(found: Any) -> torch.Tensor:
    # Newer versions of transformers return the features as a part of an output.
    features = found if isinstance(found, torch.Tensor) else found.pooler_output
    return functional.normalize(features.double().cpu(), dim=-1)

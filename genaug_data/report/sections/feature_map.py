"""Where real and synthetic images lie among each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from genaug_data.cache.thumbnail import thumbnail
from genaug_data.report.blocks import Block, Chart, Text
from genaug_data.report.charts import Series, scatter
from genaug_data.report.pictures import decoded
from genaug_data.report.run import Features, Run
from genaug_data.report.sections.base import Missing, Section
from genaug_data.tasks.view import spaced

_OF_A_KIND, _LEAST, _SIDE, _AT_ONCE, _COMPONENTS = 300, 10, 16, 64, 30


class FeatureMap(Section):
    """A t-SNE map (van der Maaten and Hinton 2008) of real and synthetic features."""

    name, title = "map", "Map of real and synthetic images"
    about = "A t-SNE map: near points are alike. Synthetic images should lie among the real ones, not beside them."

    def blocks(self, run: Run) -> list[Block]:
        """Return the map of up to 300 images of each kind."""
        try:
            from sklearn.decomposition import PCA
            from sklearn.manifold import TSNE
        except ModuleNotFoundError:
            raise Missing("The map needs scikit-learn, which is not installed; pip install scikit-learn.") from None
        real, synthetic = _real(run), _synthetic(run)
        if min(len(real), len(synthetic)) < _LEAST:
            raise Missing(
                f"A map needs at least {_LEAST} real and {_LEAST} synthetic images, there are {len(real)} and "
                f"{len(synthetic)}."
            )
        features = _features([*real, *synthetic], run.features)
        components = min(_COMPONENTS, len(features) - 1, features.shape[1])
        with np.errstate(all="ignore"):
            flat = PCA(components, random_state=0, svd_solver="full").fit_transform(features)
            places = TSNE(perplexity=min(30.0, (len(flat) - 1) / 3), init="random", random_state=0).fit_transform(flat)
        points = [(float(x), float(y)) for x, y in places]
        kinds = [Series("real", points[: len(real)]), Series("synthetic", points[len(real) :])]
        how = "the given features" if run.features is not None else f"pixels, at {_SIDE}x{_SIDE}"
        told = f"{len(real)} real and {len(synthetic)} synthetic images, by {how}."
        if run.samples is None:
            told += " The real ones are those that variants were made from."
        return [Chart("", scatter(kinds)), Text(told)]


def _real(run: Run) -> list[torch.Tensor]:
    if run.samples is not None:
        return [run.samples[index].image for index in spaced(len(run.samples), _OF_A_KIND)]
    pictures = list(run.parents.values())
    chosen = [pictures[place] for place in spaced(len(pictures), _OF_A_KIND)] if pictures else []
    return [image for content in chosen if (image := decoded(content)) is not None]


def _synthetic(run: Run) -> list[torch.Tensor]:
    chosen = [run.children[place] for place in spaced(len(run.children), _OF_A_KIND)] if run.children else []
    images = [image for image in run.images(chosen) if image is not None]
    if run.samples is not None:
        return images
    # Made small in the same way as the real ones, lest the map tell the two apart by that.
    return [image for found in images if (image := decoded(thumbnail(found))) is not None]


def _features(images: Sequence[torch.Tensor], features: Features | None) -> np.ndarray:
    if features is None:
        small = [
            functional.interpolate(_rgb(image)[None].float() / 255, (_SIDE, _SIDE), mode="area") for image in images
        ]
        return torch.cat(small).flatten(1).numpy()
    shape = Counter(tuple(image.shape) for image in images).most_common(1)[0][0]
    if any(tuple(image.shape) != shape for image in images):
        images = [_resized(image, shape[1:]) for image in images]
    batches = torch.stack(list(images)).split(_AT_ONCE)
    with torch.no_grad():
        return torch.cat([features(batch).flatten(1).float().cpu() for batch in batches]).numpy()


def _resized(image: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    scaled = functional.interpolate(image[None].float(), size, mode="bilinear", antialias=True)[0]
    return scaled.round().clamp(0, 255).byte()


def _rgb(image: torch.Tensor) -> torch.Tensor:
    return image if image.shape[0] == 3 else image[:1].expand(3, -1, -1)

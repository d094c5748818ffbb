"""A run's figures and pictures in whatever logger a training already has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from genaug_data.errors import ConfigError
from genaug_data.report.families import Family

PREFIX = "genaug"
_COLUMNS = 8


def log_figures(
    logger: Any, figures: Mapping[str, float], step: int, families: Sequence[Family] = (), *, prefix: str = PREFIX
) -> None:
    """Hand figures, and pictures where it takes them, to a logger.

    Args:
        logger: a TensorBoard ``SummaryWriter``, or anything else with ``add_scalar(tag, value, step)`` and perhaps
            ``add_images(tag, images, step)``; or a Weights & Biases run, or anything else with ``log(figures, step=)``.
        figures: by name; a name's spaces become underscores.
        step: of the training.
        families: real examples with their variants, shown by ``add_images`` in rows of eight: the real one first.
        prefix: of every tag, before a slash.

    Raises:
        ConfigError: the logger has none of these.

    Example:
        >>> class Printer:
        ...     def log(self, figures, step):
        ...         print(step, figures)
        >>> log_figures(Printer(), {"images made": 3.0}, step=7)
        7 {'genaug/images_made': 3.0}
    """
    named = {f"{prefix}/{name.replace(',', '').replace(' ', '_')}": value for name, value in figures.items()}
    if callable(getattr(logger, "add_scalar", None)):
        for tag, value in named.items():
            logger.add_scalar(tag, value, step)
        if families and callable(getattr(logger, "add_images", None)):
            logger.add_images(f"{prefix}/hardest", grid(families), step)
    elif callable(getattr(logger, "log", None)):
        logger.log(named, step=step)
    else:
        raise ConfigError(
            f"a logger must have add_scalar or log, got {type(logger).__name__}; pass a SummaryWriter or a run of W&B"
        )


def grid(families: Sequence[Family]) -> torch.Tensor:
    """Return a row of eight images for each family: the real example, up to seven variants, and black ones behind.

    Args:
        families: at least one; those whose images are of another size than the first are left out.

    Returns:
        uint8 ``(8 F, 3, H, W)``.

    Example:
        >>> from genaug_data.sample import Sample
        >>> blank = Sample(torch.zeros(1, 6, 4, dtype=torch.uint8), 3)
        >>> grid([Family(0, 0.5, blank, (blank,))]).shape
        torch.Size([8, 3, 6, 4])
    """
    shape = families[0].parent.image.shape
    rows = []
    for family in families:
        images = [sample.image for sample in (family.parent, *family.children)][:_COLUMNS]
        if all(image.shape == shape for image in images):
            rows += [image if image.shape[0] == 3 else image[:1].expand(3, -1, -1) for image in images]
            rows += [torch.zeros(3, *shape[1:], dtype=torch.uint8)] * (_COLUMNS - len(images))
    return torch.stack(rows)

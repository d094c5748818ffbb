"""Which generator ``generator="auto"`` means."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from genaug_data.errors import ConfigError

if TYPE_CHECKING:
    from genaug_data.generators.base import SampleGenerator
    from genaug_data.tasks import Task


def resolve_generator(generator: str | Any, task: Task) -> SampleGenerator:
    """Return the generator that a user's argument names.

    Args:
        generator: ``"auto"``, which fits an :class:`~genaug_data.generators.InDomainDiffusion` on the training set
            and refuses images too large for the device; or any object with ``fingerprint`` and ``generate``.
        task: as :func:`~genaug_data.tasks.resolve_task` returns it.

    Raises:
        ConfigError: an unknown name, or an object that is no generator.

    Example:
        >>> from genaug_data.tasks import SegmentationTask
        >>> type(resolve_generator("auto", SegmentationTask())).__name__
        'InDomainDiffusion'
    """
    if isinstance(generator, str):
        if generator != "auto":
            raise ConfigError(f'generator must be "auto" or a generator, got {generator!r}')
        from genaug_data.generators.in_domain import InDomainDiffusion

        return InDomainDiffusion(ignore_index=getattr(task, "ignore_index", 255), max_size="auto")
    if isinstance(generator, type):
        raise ConfigError(
            f"generator must be an object, got the class {generator.__name__}; write {generator.__name__}()"
        )
    # Asked statically: a fingerprint may not be there to be read before the fit.
    missing = [name for name in ("fingerprint", "generate") if inspect.getattr_static(generator, name, None) is None]
    if missing:
        raise ConfigError(
            f"generator must have fingerprint and generate(parents, requests), but {type(generator).__name__} "
            f"has no {' and no '.join(missing)}: see genaug_data.generators.SampleGenerator"
        )
    return generator

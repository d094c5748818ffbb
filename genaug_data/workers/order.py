"""What a request asks for, once its parent was read; and what is stored with the variant that answers it."""

from __future__ import annotations

import functools
import importlib.metadata
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from genaug_data.errors import GeneratorError
from genaug_data.sample import PARENTS, Provenance, Request, Sample, Verdict, content_hash, variant_key
from genaug_data.workers.base import Job


@dataclass(frozen=True, slots=True)
class Order:
    """A request with its parent.

    Args:
        request: as it was submitted.
        parent: the real example.
        parent_hash: of its content.
        key: of the variant that is asked for.
    """

    request: Request
    parent: Sample
    parent_hash: bytes
    key: bytes


def order_of(job: Job, request: Request) -> Order:
    """Read the parent of a request; whatever the user's dataset raises is raised."""
    parent = job.samples[request.parent]
    parent_hash = content_hash(parent)
    key = variant_key(parent_hash, job.generator.fingerprint, request.recipe, request.seed)
    return Order(request, parent, parent_hash, key)


def _check_parents(named: object) -> None:
    # Read as none, a partner would not be found when it is to be forgotten.
    if named is not None and not (isinstance(named, str) and re.fullmatch(r"( *\d+ *(, *\d+ *)*)?", named)):
        raise GeneratorError(
            f"{PARENTS!r} in a generator's origin() must be indices separated by commas, got {named!r}; "
            'return "3,17", say'
        )


def provenance_of(job: Job, order: Order, verdicts: Sequence[Verdict], seconds: float) -> Provenance:
    """Return what is stored with the variant of an order.

    Args:
        job: whose generator made it.
        order: that it answers.
        verdicts: of the gates, in the order in which they were given.
        seconds: that it took.
    """
    request, generator = order.request, job.generator
    describe = getattr(generator, "origin", None)
    origin = {} if describe is None else dict(describe(order.parent, request))
    _check_parents(origin.get(PARENTS))
    return Provenance(
        parent=request.parent,
        parent_hash=order.parent_hash.hex(),
        variant=request.variant,
        fingerprint=generator.fingerprint,
        recipe=request.recipe,
        seed=request.seed,
        verdicts=tuple(replace(verdict, amended=None) for verdict in verdicts),
        hardness=request.priority,
        versions=_versions(),
        created=time.time(),
        prompt=origin.pop("prompt", None),
        origin=origin,
        device=str(getattr(generator, "device", "")),
        seconds=round(seconds, 6),
    )


@functools.cache
def _versions() -> Mapping[str, str]:
    return {name: importlib.metadata.version(name) for name in ("genaug_data", "torch", "diffusers")}

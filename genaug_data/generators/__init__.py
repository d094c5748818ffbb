"""Generators: how a variant of an example is made."""

from typing import TYPE_CHECKING, Any

from genaug_data.generators.auto import resolve_generator
from genaug_data.generators.base import (
    BaseGenerator,
    ParentBatch,
    Refusal,
    SampleGenerator,
    group_key,
    identity_of,
)
from genaug_data.generators.checking import check_variants

if TYPE_CHECKING:
    from genaug_data.generators.in_domain import InDomainDiffusion
    from genaug_data.generators.sibling import SiblingDiffusion

__all__ = [
    "BaseGenerator",
    "InDomainDiffusion",
    "ParentBatch",
    "Refusal",
    "SampleGenerator",
    "SiblingDiffusion",
    "check_variants",
    "group_key",
    "identity_of",
    "resolve_generator",
]


def __getattr__(name: str) -> Any:
    if name == "InDomainDiffusion":
        from genaug_data.generators.in_domain import InDomainDiffusion

        return InDomainDiffusion
    if name == "SiblingDiffusion":
        from genaug_data.generators.sibling import SiblingDiffusion

        return SiblingDiffusion
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

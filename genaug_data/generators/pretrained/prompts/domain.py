"""A prompt that moves the parent to another place or style."""

from __future__ import annotations

from collections.abc import Sequence

from genaug_data.errors import ConfigError
from genaug_data.generators.pretrained.prompts.base import PromptPolicy, drawn
from genaug_data.sample import Sample


class DomainPrompt:
    """Another policy's prompt, followed by one of several domains: places, weathers, styles (ALIA, arXiv:2305.16289).

    Args:
        policy: of what the image shows.
        domains: of which each variant draws one.

    Raises:
        ConfigError: there is none, or they are no list.

    Example:
        >>> import torch
        >>> from genaug_data.generators.pretrained import ClassPrompt
        >>> bird = Sample(torch.zeros(3, 8, 8, dtype=torch.uint8), 0)
        >>> DomainPrompt(ClassPrompt(["gull"]), ["in the rain"]).prompt(bird, seed=0)
        'a photo of a gull, in the rain'
    """

    def __init__(self, policy: PromptPolicy, domains: Sequence[str]) -> None:
        if isinstance(domains, str):
            raise ConfigError(f'domains must be a list, got "{domains}"; pass ["{domains}"]')
        if not domains:
            raise ConfigError("domains must name at least one, got none; pass ['in the rain'] or the like")
        self.policy = policy
        self._domains = tuple(domains)

    @property
    def negative(self) -> str:
        """That of the policy."""
        return self.policy.negative

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"DomainPrompt({self._domains!r}, {self.policy.identity})"

    def prompt(self, parent: Sample, seed: int) -> str:
        """Return the policy's prompt with a domain."""
        return f"{self.policy.prompt(parent, seed)}, {drawn(self._domains, seed, 'domain')}"

"""One prompt for all."""

from __future__ import annotations

from genaug_data.sample import Sample


class FixedPrompt:
    """The same prompt for every parent, whatever it shows.

    Args:
        text: of the prompt.
        negative: what the image should not show.

    Example:
        >>> import torch
        >>> FixedPrompt("a photo").prompt(Sample(torch.zeros(3, 8, 8, dtype=torch.uint8), 3), seed=0)
        'a photo'
    """

    def __init__(self, text: str = "", negative: str = "") -> None:
        self.text = text
        self.negative = negative

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"FixedPrompt({self.text!r}, negative={self.negative!r})"

    def prompt(self, parent: Sample, seed: int) -> str:
        """Return the text."""
        return self.text

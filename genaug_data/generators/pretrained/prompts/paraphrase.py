"""A prompt in other words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained.prompts.base import PromptPolicy, drawn
from genaug_data.generators.pretrained.prompts.memory import Memory
from genaug_data.sample import Sample


class ParaphrasePrompt:
    """Another policy's prompts in other words: a function, a language model for example, says in which.

    It is asked once for each prompt and process. One that does not always answer the same still makes variants whose
    provenance holds what it said, but they cannot be made again.

    Args:
        policy: whose prompts are put in other words.
        paraphrase: returns several texts for one.
        name: of that function: part of every variant's key, so that another one makes new variants.

    Raises:
        ConfigError: no name.

    Example:
        >>> import torch
        >>> from genaug_data.generators.pretrained import FixedPrompt
        >>> other = ParaphrasePrompt(FixedPrompt("a bird"), lambda text: [f"{text} at dusk"], name="dusk")
        >>> other.prompt(Sample(torch.zeros(3, 8, 8, dtype=torch.uint8), 0), seed=0)
        'a bird at dusk'
    """

    def __init__(self, policy: PromptPolicy, paraphrase: Callable[[str], Sequence[str]], *, name: str) -> None:
        if not name:
            raise ConfigError("a paraphrase needs a name, got none; pass that of the model and its instruction")
        self.policy = policy
        self._paraphrase = paraphrase
        self._name = name
        self._memory: Memory[str, tuple[str, ...]] = Memory()

    @property
    def negative(self) -> str:
        """That of the policy."""
        return self.policy.negative

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"ParaphrasePrompt({self._name!r}, {self.policy.identity})"

    def prompt(self, parent: Sample, seed: int) -> str:
        """Return one of the texts that the function gave for the policy's prompt.

        Raises:
            GeneratorError: it gave none.
        """
        text = self.policy.prompt(parent, seed)
        return drawn(self._memory.recall(text, lambda: self._ask(text)), seed, "paraphrase")

    def _ask(self, text: str) -> tuple[str, ...]:
        said = self._paraphrase(text)
        if isinstance(said, str) or not said or not all(isinstance(one, str) for one in said):
            raise GeneratorError(
                f"the paraphrase {self._name!r} returned {said!r} for {text!r}: return a list of texts"
            )
        return tuple(said)

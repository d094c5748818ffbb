"""What a pretrained model is told about a parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.sample import Target


class PromptPolicy(Protocol):
    """Turns an annotation into a prompt.

    Attributes:
        negative: what the image should not show; "" for nothing.
    """

    negative: str

    @property
    def identity(self) -> str:
        """Name and settings: part of every variant's key."""
        ...

    def prompt(self, target: Target) -> str:
        """Return the prompt of a parent with this annotation."""
        ...


class FixedPrompt:
    """The same prompt for every parent, whatever it shows: no class name leaks into a few-shot protocol.

    Args:
        text: of the prompt.
        negative: what the image should not show.

    Example:
        >>> FixedPrompt("a photo").prompt(3)
        'a photo'
    """

    def __init__(self, text: str = "", negative: str = "") -> None:
        self.text = text
        self.negative = negative

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"FixedPrompt({self.text!r}, negative={self.negative!r})"

    def prompt(self, target: Target) -> str:
        """Return the text."""
        return self.text


class ClassPrompt:
    """A template that names the parent's class.

    Args:
        classes: names of the classes, by class id.
        template: with ``{}`` where the name goes.
        negative: what the image should not show.

    Raises:
        ConfigError: the template has no place for the name.

    Example:
        >>> ClassPrompt(["cat", "dog"]).prompt(1)
        'a photo of a dog'
    """

    def __init__(self, classes: Sequence[str], template: str = "a photo of a {}", negative: str = "") -> None:
        if template.count("{}") != 1:
            raise ConfigError(f'the template of a prompt must hold one {{}} for the name, got "{template}"')
        self.classes = tuple(classes)
        self.template = template
        self.negative = negative

    @property
    def identity(self) -> str:
        """Name and settings."""
        return f"ClassPrompt({self.template!r}, {self.classes!r}, negative={self.negative!r})"

    def prompt(self, target: Target) -> str:
        """Return the template with the name of the class.

        Raises:
            GeneratorError: the annotation is no id of these classes.
        """
        if not isinstance(target, int) or not 0 <= target < len(self.classes):
            raise GeneratorError(
                f"the annotation {target!r} is no id of the {len(self.classes)} classes that have names; name them all "
                "in ClassPrompt(classes), or pass FixedPrompt"
            )
        return self.template.format(self.classes[target])

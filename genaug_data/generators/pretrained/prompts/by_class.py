"""A prompt that names the class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained.prompts.base import drawn
from genaug_data.sample import Sample, Target, class_id

_TEMPLATE = "a photo of a {}"
_LONGEST = 200
"""Characters of all names in the identity."""


class ClassPrompt:
    """Templates that name the parent's class.

    Args:
        classes: names of the classes, by class id.
        template: with ``{}`` where the name goes; of several, each variant draws one.
        negative: what the image should not show.

    Raises:
        ConfigError: no class or no template, classes that are no list, or a template without a place for the name.

    Example:
        >>> import torch
        >>> cat, dog = (Sample(torch.zeros(3, 8, 8, dtype=torch.uint8), label) for label in (0, 1))
        >>> ClassPrompt(["cat", "dog"]).prompt(dog, seed=0)
        'a photo of a dog'
        >>> ClassPrompt.anonymous(2).prompt(cat, seed=0)
        'a photo of a <class-0>'
    """

    def __init__(self, classes: Sequence[str], template: str | Sequence[str] = _TEMPLATE, negative: str = "") -> None:
        if isinstance(classes, str):
            raise ConfigError(f'the classes of a prompt must be a list of names, got "{classes}"; pass ["{classes}"]')
        self.classes = tuple(classes)
        self.templates = (template,) if isinstance(template, str) else tuple(template)
        self.negative = negative
        if not self.classes or not self.templates:
            raise ConfigError("a class prompt needs at least one class and one template; pass their names")
        for one in self.templates:
            if one.count("{}") != 1:
                raise ConfigError(f'the template of a prompt must hold one {{}} for the name, got "{one}"')

    @classmethod
    def anonymous(cls, classes: int, template: str | Sequence[str] = _TEMPLATE, negative: str = "") -> ClassPrompt:
        """Return prompts that name class ``i`` by the token ``<class-i>`` alone.

        Nothing that the text encoder knows of a name leaks into a few-shot protocol then. The tokens are those that
        :class:`~genaug_data.generators.pretrained.adapters.TextualInversion` learns.
        """
        return cls([f"<class-{number}>" for number in range(classes)], template, negative)

    @property
    def identity(self) -> str:
        """Name and settings."""
        names = repr(self.classes)
        if len(names) > _LONGEST:
            # Every variant's record holds it, and a thousand names would be longer than many an image.
            names = f"{len(self.classes)} classes {hashlib.blake2b(names.encode(), digest_size=8).hexdigest()}"
        return f"ClassPrompt({names}, {self.templates!r}, negative={self.negative!r})"

    def prompt(self, parent: Sample, seed: int) -> str:
        """Return the template with the name of the parent's class.

        Raises:
            GeneratorError: the annotation is no id of these classes.
        """
        return self.of_class(self.number(parent.target), seed)

    def of_class(self, number: int, seed: int) -> str:
        """Return the template with the name of a class."""
        # Other braces, weights of words for example, are a part of the text.
        return drawn(self.templates, seed, "template").replace("{}", str(self.classes[number]))

    def number(self, label: Target) -> int:
        """Return the class of an annotation; of a soft label, the most probable.

        Raises:
            GeneratorError: it is no id of these classes.
        """
        number = class_id(label)
        if number is None or not 0 <= number < len(self.classes):
            shown = label if number is None else number
            raise GeneratorError(
                f"the annotation {shown!r} is no id of the {len(self.classes)} classes that have names; name them all "
                "in ClassPrompt(classes), or pass FixedPrompt"
            )
        return number

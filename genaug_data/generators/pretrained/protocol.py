"""What a few-shot protocol forbids, and prompts do all the same."""

from __future__ import annotations

import warnings

from genaug_data.errors import GenaugWarning
from genaug_data.generators.pretrained.prompts import ClassPrompt, DomainPrompt, ParaphrasePrompt
from genaug_data.generators.pretrained.prompts.base import PromptPolicy

FEW = 16
"""Examples a class up to which a training set counts as few-shot: the most that the field's protocols give."""


def warn_of_class_names(prompts: PromptPolicy, examples: int) -> None:
    """Warn where prompts name the classes of a few-shot training set to a model that was trained on the web.

    Such a model has seen these classes, and perhaps the test set (arXiv:2302.07944): what it adds does not come from
    the few examples.

    Args:
        prompts: of the generator.
        examples: in the training set.

    Example:
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always")
        ...     warn_of_class_names(ClassPrompt(["cat", "dog"]), examples=8)
        ...     warn_of_class_names(ClassPrompt(["cat", "dog"]), examples=800)
        ...     warn_of_class_names(ClassPrompt.anonymous(2), examples=8)
        >>> len(told)
        1
    """
    while isinstance(prompts, (DomainPrompt, ParaphrasePrompt)):
        prompts = prompts.policy
    if not isinstance(prompts, ClassPrompt):
        return
    named = [name for name in prompts.classes if not (name.startswith("<") and name.endswith(">"))]
    each = examples / len(prompts.classes)
    if named and each <= FEW:
        warnings.warn(
            f"the prompts name classes ({named[0]!r} for one) to a model that was trained on the web, and there are "
            f"{each:.3g} examples a class: what is gained is not from these alone, as a few-shot protocol demands; "
            "ClassPrompt.anonymous with TextualInversion names none",
            GenaugWarning,
            stacklevel=2,
        )

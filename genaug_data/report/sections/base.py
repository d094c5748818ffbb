"""The contract of a section of the report, with all the checking."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from genaug_data.errors import brief
from genaug_data.report.blocks import Block
from genaug_data.report.run import Run


class Missing(Exception):
    """What a section shows is not known; the message is the sentence that says why."""


@dataclass(frozen=True, slots=True)
class Built:
    """A section as the template gets it.

    Args:
        name: its anchor.
        title: above it.
        about: what it shows, in one sentence.
        blocks: of which it consists.
        missing: why there are none; empty where there are.
    """

    name: str
    title: str
    about: str
    blocks: Sequence[Block]
    missing: str = ""


class Section(ABC):
    """A part of the report; a member writes :meth:`blocks`.

    Attributes:
        name: its anchor, a word.
        title: above it.
        about: what it shows, in one sentence.
    """

    name: str
    title: str
    about: str = ""

    @abstractmethod
    def blocks(self, run: Run) -> list[Block]:
        """Return what the section shows.

        Raises:
            Missing: that is not known.
        """

    def build(self, run: Run) -> Built:
        """Return the section; one that cannot be made says why in a sentence, and never takes the page along."""
        try:
            blocks = self.blocks(run)
        except Missing as reason:
            return Built(self.name, self.title, self.about, (), str(reason))
        except Exception as error:
            # Of what a folder holds, anything may be damaged.
            return Built(self.name, self.title, self.about, (), f"This could not be shown: {brief(error)}.")
        return Built(self.name, self.title, self.about, blocks)

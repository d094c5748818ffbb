"""An adapter that was fitted before and lies in a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from genaug_data.generators.pretrained.adapters.safetensors_file import find_weights
from genaug_data.generators.pretrained.files import digest_of


class FileAdapter(ABC):
    """Template of an adapter that is read from a file: a member says how a pipeline gets what is in it.

    Args:
        path: safetensors file, or a folder with one named as the member's usually is, or with a single other one.
    """

    usual_name: ClassVar[str]

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def file(self) -> Path:
        """The file itself.

        Raises:
            GeneratorError: there is none, or it is pickled.
        """
        return find_weights(self.path, self.usual_name)

    @cached_property
    def digest(self) -> str:
        """Hash of the file.

        Raises:
            GeneratorError: there is none, or it is pickled.
        """
        return digest_of(self.file)

    def __getstate__(self) -> dict[str, Any]:
        # A copy reads the file anew, which may be another by then.
        return {name: value for name, value in self.__dict__.items() if name != "digest"}

    def fit(self, *given: Any, **settings: Any) -> None:  # noqa: B027  # the contract of adapters has it
        """Do nothing: it was fitted before."""

    @abstractmethod
    def apply(self, pipeline: Any) -> None:
        """Add what is in the file to a loaded pipeline."""

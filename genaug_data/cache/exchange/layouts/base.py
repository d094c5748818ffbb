"""How an export is laid out on disk."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from genaug_data.errors import DataError
from genaug_data.sample import Provenance, Sample, class_id

_UNSAFE = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True, slots=True)
class Item:
    """A variant to be written.

    Args:
        key: hexadecimal.
        sample: image and annotation.
        made: its provenance.
        image: PNG.
        mask: PNG; None where there is no mask, or none that a PNG can hold.
    """

    key: str
    sample: Sample
    made: Provenance
    image: bytes
    mask: bytes | None

    @property
    def label(self) -> int | None:
        """Class of the annotation; of a soft label the most probable."""
        return class_id(self.sample.target)


class Layout(ABC):
    """Where files go, and what else a format has; a member says so in one short file.

    Args:
        folder: that is written or read.
        classes: their names; those without are called by their number.
    """

    writes_masks = True

    def __init__(self, folder: Path, classes: Sequence[str] = ()) -> None:
        self.folder = folder
        self.classes = tuple(classes)

    @abstractmethod
    def place(self, item: Item) -> tuple[str, str | None]:
        """Return where its image and its mask go: paths below the folder, with ``/``."""

    def write(self, item: Item, line: str) -> None:
        """Write a variant whose line in the manifest is ``line``."""
        file, mask_file = self.place(item)
        for name, content in ((file, item.image), (mask_file, item.mask)):
            if name is not None and content is not None:
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def close(self) -> None:  # noqa: B027  # most need none
        """Write what comes last."""

    def read(self, name: str) -> bytes:
        """Return the content of a file that :meth:`place` named.

        Raises:
            DataError: it is not there, or the name leads out of the folder.
        """
        try:
            return checked_path(self.folder, name).read_bytes()
        except OSError as error:
            raise DataError(f"it cannot be read: {error.strerror}") from error

    def close_read(self) -> None:  # noqa: B027  # most keep nothing open
        """Close what :meth:`read` has opened."""

    def class_name(self, label: int) -> str:
        """Return how a class is called."""
        return self.classes[label] if 0 <= label < len(self.classes) else f"{label:04d}"

    def class_folder(self, label: int) -> str:
        """Return the name of its folder: safe, and another one for each class."""
        name = _UNSAFE.sub("_", self.class_name(label)).strip(".")
        alike = [one for one in self.classes if _UNSAFE.sub("_", one).strip(".") == name]
        return name if name and len(alike) <= 1 else f"{label:04d}-{name}"


def checked_path(folder: Path, name: str) -> Path:
    """Return the path of a plain file below ``folder``.

    Raises:
        DataError: the name leads out of it, also through a link.

    Example:
        >>> checked_path(Path("here"), "../there")
        Traceback (most recent call last):
        genaug_data.errors.DataError: '../there' leads out of here
    """
    pure = PurePosixPath(name)
    path = folder / pure
    leads_out = pure.is_absolute() or ".." in pure.parts or "\0" in name
    if leads_out or not os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep):
        raise DataError(f"{name!r} leads out of {folder}")
    return path

"""Images of a folder, or of a cache, as samples."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
import torch
from PIL import Image

from genaug_data.cache import CacheReader
from genaug_data.cache.manifest import is_cache
from genaug_data.errors import DataError, brief
from genaug_data.sample import Sample

_ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


class NamedImages(Sequence[Sample], ABC):
    """Images with names, one of which is read at each access.

    Attributes:
        names: of the images, in their order.
    """

    names: list[str]

    @abstractmethod
    def read(self, index: int) -> Sample:
        """Return the image at ``index``, which is not negative."""

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        """Return one image, or a list of them."""
        if isinstance(index, slice):
            return [self.read(place) for place in range(len(self))[index]]
        return self.read(range(len(self))[index])


class FolderImages(NamedImages):
    """All image files below a folder, sorted by path; one is read at each access, none is kept.

    Links to folders are followed, as torchvision's ImageFolder does, but for those that lead back. Pictures that an
    earlier audit has drawn (a folder ``audit`` with an ``audit.json``) are no images of the set. Each file is read
    as ImageFolder reads it: an EXIF orientation is not applied, and of an animation the first frame counts.

    Args:
        folder: with images in it, or in folders in it, whatever their names.

    Attributes:
        names: path of each image within the folder.

    Raises:
        DataError: there is no such folder, or no image in it.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> Image.new("RGB", (6, 4), "red").save(folder + "/red.png")
        >>> images = FolderImages(folder)
        >>> images.names, images[0].image.shape
        (['red.png'], torch.Size([3, 4, 6]))
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise DataError(f"there is no folder {folder}; pass the folder that holds the images")
        found = (path for path in _files(self.folder) if path.suffix.lower() in _ENDINGS and path.is_file())
        self.names = sorted(path.relative_to(self.folder).as_posix() for path in found)
        if not self.names:
            raise DataError(f"there is no image in {folder} (0 files that end in {', '.join(sorted(_ENDINGS))})")

    def leave_out(self, folder: Path) -> None:
        """Forget the images below ``folder``, such as pictures that an earlier audit has drawn.

        Raises:
            DataError: no image is left.
        """
        inside = folder.resolve()
        self.names = [name for name in self.names if inside not in (self.folder / name).resolve().parents]
        if not self.names:
            raise DataError(f"there is no image in {self.folder} but those in {folder}; pass another folder as out")

    def read(self, index: int) -> Sample:
        """Return image ``index``: grey as one channel, all else as red, green, blue; the target is its name.

        Of 16 bits a pixel the upper eight are taken.

        Raises:
            DataError: the file cannot be read; the message names it.
        """
        name = self.names[index]
        try:
            with Image.open(self.folder / name) as found:
                pixels = _pixels(found)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise DataError(f"{self.folder / name} cannot be read as an image: {brief(error)}") from error
        image = torch.from_numpy(pixels)
        return Sample(image.unsqueeze(0) if image.dim() == 2 else image.permute(2, 0, 1).contiguous(), name)


def _files(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder, by way of links too, each folder once."""
    seen: set[Path] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place)
        # A link that leads upwards would show every image a second time, under another name.
        seen.add(here.resolve())
        folders[:] = sorted(
            name
            for name in folders
            if (here / name).resolve() not in {*seen, *folder.resolve().parents}
            and not (name == "audit" and (here / name / "audit.json").is_file())
        )
        yield from (here / name for name in files)


def _pixels(found: Image.Image) -> np.ndarray:
    """Return the pixels as uint8, ``(H, W)`` of a grey image or ``(H, W, 3)``."""
    if found.mode.startswith("I;16"):
        # Pillow would cut all values above 255, and so turn most images white.
        return (np.array(found) >> 8).astype(np.uint8)
    if found.mode in ("F", "I"):
        raise ValueError(f"its pixels are of Pillow's mode {found.mode}, whose white is not known; save it with 8 bits")
    return np.array(found.convert("L" if found.mode in ("1", "L") else "RGB"))


class CachedImages(NamedImages):
    """The variants of a cache, oldest first.

    Args:
        folder: that was given as ``cache=``.

    Attributes:
        names: key of each variant, hexadecimal.
        parents: index of the real example that each was made from.

    Raises:
        CacheError: it is damaged beyond its records.
        DataError: there is no variant in it.
    """

    def __init__(self, folder: str | Path) -> None:
        self._reader = CacheReader(folder)
        self._reader.check_readable()
        entries = self._reader.entries()
        if not entries:
            raise DataError(f"there is no variant in the cache {folder} (0 found); train or warm up first")
        self._keys = [entry.key for entry in entries]
        self.names = [key.hex() for key in self._keys]
        self.parents = [entry.parent for entry in entries]

    def __len__(self) -> int:
        return len(self._keys)

    def read(self, index: int) -> Sample:
        """Return variant ``index``.

        Raises:
            DataError: it is damaged or was evicted meanwhile.
        """
        [found] = self._reader.gather([self._keys[index]])
        if found is None:
            raise DataError(
                f"the variant {self.names[index]} is damaged or was evicted; genaug cache verify tells more"
            )
        return found


def open_images(folder: str | Path) -> FolderImages | CachedImages:
    """Return the variants where the folder is a cache's, else the image files below it.

    Raises:
        DataError: there are none.
    """
    return CachedImages(folder) if is_cache(folder) else FolderImages(folder)

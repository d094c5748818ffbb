"""Shards for webdataset: tar files, the files of a sample one after the other."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

from genaug_data.cache.exchange.layouts.base import Item, Layout, checked_path
from genaug_data.errors import DataError

_SAMPLES_A_SHARD = 1000


class WebDatasetLayout(Layout):
    """``shard-000000.tar`` with ``KEY.png``, ``KEY.json`` and ``KEY.cls`` or ``KEY.mask.png``; 1000 samples a shard.

    The same cache gives the same bytes: what a tar file says of time and owner is zero.
    """

    def __init__(self, folder: Path, classes: Sequence[str] = ()) -> None:
        super().__init__(folder, classes)
        self._tar: tarfile.TarFile | None = None
        self._open = ""
        self._count = 0

    def place(self, item: Item) -> tuple[str, str | None]:
        """Return shard and member of its image and its mask."""
        shard = f"shard-{self._count // _SAMPLES_A_SHARD:06d}.tar"
        return f"{shard}/{item.key}.png", None if item.mask is None else f"{shard}/{item.key}.mask.png"

    def write(self, item: Item, line: str) -> None:
        """Append the files of a variant to the shard."""
        shard = self.place(item)[0].partition("/")[0]
        if shard != self._open:
            self.close()
            self._tar = tarfile.open(self.folder / shard, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
            self._open = shard
        assert self._tar is not None
        parts = {"png": item.image, "json": line.encode()}
        parts |= {} if item.label is None else {"cls": str(item.label).encode()}
        parts |= {} if item.mask is None else {"mask.png": item.mask}
        for ending, content in parts.items():
            member = tarfile.TarInfo(f"{item.key}.{ending}")
            member.size = len(content)
            self._tar.addfile(member, io.BytesIO(content))
        self._count += 1

    def close(self) -> None:
        """Close the shard."""
        if self._tar is not None:
            self._tar.close()
            self._tar, self._open = None, ""

    def close_read(self) -> None:
        """Close the shard."""
        self.close()

    def read(self, name: str) -> bytes:
        """Return the content of a member of a shard."""
        shard, _, member = name.partition("/")
        try:
            if shard != self._open:
                self.close()
                self._tar = tarfile.open(checked_path(self.folder, shard), "r:")  # noqa: SIM115
                self._open = shard
            assert self._tar is not None
            found = self._tar.extractfile(member)
            if found is None:
                raise DataError(f"{member} in {shard} is no file")
            content, size = found.read(), self._tar.getmember(member).size
        except (OSError, KeyError, tarfile.TarError) as error:
            raise DataError(f"it cannot be read: {error}") from error
        if len(content) < size:
            raise DataError(f"{shard} is cut off")
        return content

"""Real image sets that examples, benchmarks and tests use where they are at hand; nothing is ever downloaded."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from genaug_data.errors import DataError

ARCHIVES = {
    "cifar10": "cifar10_imagefolder.zip",
    "camvid": "camvid_240x180.zip",
    "omniglot": "omniglot_small.zip",
}
"""Name of each set's folder, and of the archive that holds it."""


def find_data(name: str, place: str | Path | None = None) -> Path:
    """Return the folder of an image set, unpacking its archive into the temporary folder on first use.

    Args:
        name: a key of :data:`ARCHIVES`.
        place: folder that holds the set's folder or its archive; None for the environment variable ``GENAUG_DATA``.

    Raises:
        DataError: the set is not there; the sentence says where it was looked for.
    """
    place = Path(place or os.environ.get("GENAUG_DATA", "data"))
    if (place / name).is_dir():
        return place / name
    archive = place / ARCHIVES[name]
    if not archive.is_file():
        raise DataError(
            f"the image set {name} is neither in {place / name} nor in {archive}; "
            "set GENAUG_DATA to the folder that holds it"
        )
    unpacked = Path(tempfile.gettempdir()) / f"genaug-{archive.stem}-{archive.stat().st_size}"
    if not unpacked.is_dir():
        # Unpacked elsewhere and renamed, so that an interrupted run never leaves half a set under the final name.
        scratch = Path(tempfile.mkdtemp(prefix="genaug-"))
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(scratch)
        try:
            scratch.rename(unpacked)
        except OSError:
            # Another process was first; its copy serves as well.
            shutil.rmtree(scratch)
    return unpacked / name

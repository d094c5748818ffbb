"""What an export says of the cache that it comes from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from genaug_data.cache.exchange.manifest_line import sealed, unsealed
from genaug_data.errors import DataError

NAME = "genaug-export.json"
FORMAT = 1
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Header:
    """The same for all formats.

    Args:
        to: the format.
        identity: of generator and training set, as the cache has it.
        fingerprint: of the fitted generator.
        judged_by: gates that every variant has passed, as the cache has it; None where that is not known.
        records: number of variants.
        format: version of what an export is.
    """

    to: str
    identity: str
    fingerprint: str
    judged_by: str | None
    records: int
    format: int = FORMAT

    def write(self, folder: Path) -> None:
        """Write it to the folder of an export."""
        (folder / NAME).write_text(json.dumps(json.loads(sealed(asdict(self))), indent=1) + "\n")


def read_header(folder: Path) -> Header:
    """Return what :meth:`Header.write` wrote.

    Raises:
        DataError: the folder is no export, of another version, or the file was changed.
    """
    try:
        with (folder / NAME).open("rb") as stored:
            header = Header(**unsealed(stored.read(_MOST_BYTES)))
    except (OSError, TypeError, DataError) as error:
        raise DataError(
            f"{folder} is no export of a cache, or its {NAME} is damaged ({error}); pass what `genaug cache export` "
            "wrote"
        ) from error
    if header.format != FORMAT:
        raise DataError(f"{folder} has export format {header.format}, this version reads {FORMAT}; export it again")
    return header

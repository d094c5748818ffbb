"""What cannot be a record."""

from __future__ import annotations

import pytest

from genaug_data.cache.record import encode
from genaug_data.errors import DataError
from genaug_data.sample import Sample
from tests.cache.records import image_of, key_of, made


def test_annotations_of_no_known_kind_are_refused() -> None:
    with pytest.raises(DataError, match="class id, text, tensor or mapping, got float"):
        encode(key_of(0), Sample(image_of(0), 0.5), made())  # type: ignore[arg-type]

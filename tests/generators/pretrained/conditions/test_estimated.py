from __future__ import annotations

import pytest
import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import Estimated
from genaug_data.sample import Sample

PARENT = Sample(torch.full((3, 4, 6), 51, dtype=torch.uint8), 0)


@pytest.mark.parametrize("shape", [(4, 6), (1, 4, 6), (3, 4, 6)])
def test_an_estimate_becomes_three_channels(shape: tuple[int, ...]) -> None:
    found = Estimated(lambda image: (image[0].float() / 255).expand(shape), name="fifth").image(PARENT)
    assert found.shape == (3, 4, 6)
    assert torch.allclose(found, torch.tensor(0.2))


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (torch.zeros(6, 4), r"returned torch.float32 \(6, 4\)"),
        (torch.zeros(4, 6, dtype=torch.int64), "returned torch.int64"),
        ("depth", "returned str"),
        (torch.full((4, 6), 2.0), "values from 2 to 2"),
        (torch.full((4, 6), float("nan")), "values from nan"),
    ],
)
def test_what_is_no_such_image_is_said(returned: object, sentence: str) -> None:
    with pytest.raises(GeneratorError, match=sentence):
        Estimated(lambda image: returned, name="odd").image(PARENT)


def test_the_name_is_what_it_is_known_by() -> None:
    assert "depth-2" in Estimated(lambda image: image, name="depth-2").identity
    with pytest.raises(ConfigError, match="needs a name"):
        Estimated(lambda image: image, name="")

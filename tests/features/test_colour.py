import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.features.colour import in_colour


def test_grey_becomes_three_equal_channels_and_a_fourth_is_left_out() -> None:
    images = torch.arange(2 * 4 * 2 * 3, dtype=torch.uint8).view(2, 4, 2, 3)
    for channels in (1, 3, 4):
        coloured = in_colour(images[:, :channels])
        for number in range(2):
            for channel in range(3):
                source = 0 if channels == 1 else channel
                assert coloured[number, channel].tolist() == images[number, source].tolist()


@pytest.mark.parametrize("channels", [2, 5])
def test_other_channels_are_refused(channels: int) -> None:
    with pytest.raises(ConfigError, match=f"1, 3 or 4 channels for these features, found {channels}"):
        in_colour(torch.zeros(1, channels, 2, 2))

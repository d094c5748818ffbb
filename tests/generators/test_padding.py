import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.generators.padding import pad_image, pad_target
from genaug_data.sample import Sample


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 9), st.integers(0, 9))
def test_padding_repeats_the_last_row_and_column(height, width, more_rows, more_columns):
    image = torch.arange(2 * height * width, dtype=torch.uint8).view(2, height, width)
    padded = pad_image(image, (height + more_rows, width + more_columns))
    assert padded.shape == (2, height + more_rows, width + more_columns)
    for row in range(padded.shape[1]):
        for column in range(padded.shape[2]):
            expected = image[:, min(row, height - 1), min(column, width - 1)]
            assert padded[:, row, column].equal(expected)


def test_masks_are_padded_and_class_ids_are_not():
    image = torch.zeros(1, 2, 2, dtype=torch.uint8)
    assert pad_target(Sample(image, torch.tensor([[1, 2], [3, 4]])), (2, 3)).tolist() == [[1, 2, 2], [3, 4, 4]]
    assert pad_target(Sample(image, 7), (2, 3)) == 7

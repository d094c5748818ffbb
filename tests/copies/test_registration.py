import pytest
import torch

from genaug_data.copies.canvas import canvases
from genaug_data.copies.geometry import IDENTITY, look, matrices
from genaug_data.copies.registration import SIDE, register, smoothed
from tests.copies.scenes import images_of, scenes

KNOWN = smoothed(canvases(images_of(scenes(12, 0)), 32))


def seen_through(frame):
    return look(KNOWN, matrices([frame]), SIDE)[:, 0]


def distances(seen, known=KNOWN, start=IDENTITY):
    return register(seen, known, matrices([start]).expand(len(seen), -1, -1))


def test_equal_images_have_no_distance_and_unlike_ones_have_one():
    assert float(distances(seen_through(IDENTITY)).max()) < 1e-3
    assert float(distances(seen_through(IDENTITY), KNOWN.roll(1, 0)).min()) > 0.2


@pytest.mark.parametrize(
    "frame",
    [
        (0.9, 0.9, 0.0, 0.0, 0.0),
        (0.8, 0.8, 0.0, 0.1, -0.05),
        (1.0, 1.0, 5.0, 0.0, 0.0),
        (0.85, 0.85, -6.0, 0.05, 0.05),
    ],
)
def test_shift_scale_and_turn_are_undone(frame):
    seen = seen_through(frame)
    found = distances(seen)
    assert float(found.median()) < 0.02
    # Starting where it is, there is nothing to undo.
    assert float(distances(seen, start=frame).max()) < 2e-3


def test_gain_and_offsets_do_not_count():
    seen = seen_through(IDENTITY) * 0.6 + torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)
    assert float(distances(seen).max()) < 1e-2


def test_half_of_the_frame_must_overlap():
    seen = seen_through((0.5, 0.5, 0.0, 0.0, 0.0))
    outside = matrices([(0.5, 0.5, 0.0, 1.2, 1.2)]).expand(len(seen), -1, -1)
    assert register(seen, KNOWN, outside).tolist() == [1.0] * len(seen)


def test_flat_images_are_like_nothing():
    flat = torch.full((1, 3, SIDE, SIDE), 0.5)
    assert float(distances(flat, KNOWN[:1])) > 0.99


def test_smoothing_averages_with_weights_one_two_one():
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 2] = 16
    expected = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert torch.allclose(smoothed(image)[0, 0, 1:4, 1:4], expected)

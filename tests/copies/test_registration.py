import math

import pytest
import torch

from genaug_data.copies import registration
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


@pytest.mark.parametrize(("side", "sound"), [(0.44, False), (0.5, True), (1.25, True), (1.35, False)])
def test_frames_too_small_or_too_large_to_overlap_have_distance_one(monkeypatch, side, sound):
    monkeypatch.setattr(registration, "STEPS", 0)
    start = (side, side, 0.0, 0.0, 0.0)
    found = distances(seen_through(start), start=start)
    assert (found == 1).tolist() == [not sound] * len(found)
    if sound:
        assert float(found.max()) < 1e-2


def slow_distance(seen, known, frame):
    """One minus the correlation where a still frame lies inside the known image, by loops over points."""
    width, height, _, x, y = frame
    pairs = []
    for row in range(SIDE):
        for column in range(SIDE):
            across = width * ((column + 0.5) * 2 / SIDE - 1) + x
            down = height * ((row + 0.5) * 2 / SIDE - 1) + y
            if max(abs(across), abs(down)) <= 1 - 3 / 32:
                at_x, at_y = ((place + 1) * 16 - 0.5 for place in (across, down))
                left, top = math.floor(at_x), math.floor(at_y)
                pairs.append([])
                for channel in range(3):
                    value = sum(
                        float(known[channel, top + i, left + j]) * abs(1 - i - at_y + top) * abs(1 - j - at_x + left)
                        for i in (0, 1)
                        for j in (0, 1)
                    )
                    pairs[-1].append((value, float(seen[channel, row, column])))
    means = [[sum(pair[c][k] for pair in pairs) / len(pairs) for k in (0, 1)] for c in range(3)]
    products = [
        sum((pair[c][k] - means[c][k]) * (pair[c][m] - means[c][m]) for pair in pairs for c in range(3)) / len(pairs)
        for k, m in ((0, 1), (0, 0), (1, 1))
    ]
    flat = (2 / 255) ** 2
    return 1 - products[0] / math.sqrt((products[1] + flat) * (products[2] + flat))


def test_without_steps_the_distance_is_that_of_the_correlation(monkeypatch):
    monkeypatch.setattr(registration, "STEPS", 0)
    seen = seen_through((0.8, 0.8, 5.0, 0.1, 0.0))
    for frame in ((0.9, 0.8, 0.0, 0.05, -0.1), (1.0, 1.0, 0.0, 0.3, 0.1)):
        found = distances(seen[:4], KNOWN[:4], frame)
        expected = [slow_distance(*pair, frame) for pair in zip(seen, KNOWN[:4], strict=False)]
        assert found.tolist() == pytest.approx([min(1, max(0, value)) for value in expected], abs=1e-4)


def test_a_pair_does_not_depend_on_the_others():
    seen = seen_through((0.85, 0.85, 4.0, 0.05, 0.0))
    together = distances(seen)
    alone = torch.cat([distances(seen[i : i + 1], KNOWN[i : i + 1]) for i in range(len(seen))])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)

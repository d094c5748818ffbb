import numpy as np
import pytest
import torch

from genaug_data.copies import view_index
from genaug_data.copies.canvas import canvases
from genaug_data.copies.geometry import IDENTITY, SPARSE_VIEWS, look, matrices, tiles, views
from genaug_data.copies.layout import EVEN_WIDTH, SIDE, layouts
from genaug_data.copies.registration import smoothed
from genaug_data.copies.view_index import ViewIndex
from tests.copies.scenes import images_of, pasted, scenes, turned

KNOWN = images_of(scenes(30, 0))
TILES = tiles(0.5, 0.5)


def index_of(*groups):
    index = ViewIndex(torch.float32)
    for images in groups:
        index.add(images)
    return index


def slow_candidates(known, image, count, left_out, known_views, frames):
    """The rows of largest product of layouts, over views of the known image and frames of the other, and mirrors."""
    canvas = smoothed(canvases([image], round(32 / min(frames[0][:2]))))
    closeness = []
    for row, each in enumerate(known):
        small = smoothed(canvases([each], 32)).mul(255).round() / 255
        best = -9.0
        for view in known_views:
            there = layouts(look(small, matrices([view]), SIDE)[0, 0])
            for frame in frames:
                here = layouts(look(canvas, matrices([frame]), SIDE)[0, 0])
                mirrored = torch.cat([here[:EVEN_WIDTH], -here[EVEN_WIDTH:]])
                best = max(best, float(there @ here), float(there @ mirrored))
        closeness.append(-9.0 if row == left_out else best)
    return sorted(range(len(known)), key=lambda row: -closeness[row])[:count]


def search(index, image, left_out, as_part):
    exclude = np.array([left_out])
    return index.as_part([image], exclude, TILES) if as_part else index.as_whole([image], exclude)


@pytest.mark.parametrize("block", [1, 1 << 19])
@pytest.mark.parametrize("left_out", [-1, 2])
@pytest.mark.parametrize("as_part", [False, True])
def test_the_shortlist_has_the_largest_products_of_layouts(monkeypatch, block, left_out, as_part):
    monkeypatch.setattr(view_index, "_BLOCK", block)
    monkeypatch.setattr(view_index, "_SHORTLIST", 3)
    listed, original = [], ViewIndex._shortlist
    monkeypatch.setattr(ViewIndex, "_shortlist", lambda *given: listed.append(original(*given)) or listed[-1])
    image = pasted(KNOWN[2], scenes(1, 8)[0].image, 0.4, 0.6) if as_part else KNOWN[2].flip(2)
    search(index_of(KNOWN[:4], KNOWN[4:6]), image, left_out, as_part)
    sparse = [IDENTITY] if as_part else [views()[view] for view in SPARSE_VIEWS]
    expected = slow_candidates(KNOWN[:6], image, 3, left_out, sparse, TILES if as_part else [IDENTITY])
    assert sorted(listed[0][0].tolist()) == sorted(expected)
    assert (2 in expected) == (left_out == -1)


@pytest.mark.parametrize("as_part", [False, True])
def test_candidates_are_the_nearest_of_the_shortlist_in_all_views(monkeypatch, as_part):
    found, original = [], ViewIndex._starts
    monkeypatch.setattr(ViewIndex, "_starts", lambda *given: found.append(original(*given)) or found[-1])
    image = pasted(KNOWN[2], scenes(1, 8)[0].image, 0.4, 0.6) if as_part else turned(KNOWN[2], 8).flip(2)
    search(index_of(KNOWN[:8], KNOWN[8:20]), image, -1, as_part)
    count = 2 + (len(TILES) - 1) // 8 if as_part else 2
    known_views, frames = ([IDENTITY], TILES) if as_part else (views(), [IDENTITY])
    assert found[0][0][0].tolist() == slow_candidates(KNOWN[:20], image, count, -1, known_views, frames)

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.copies.measures import Whole, base, whole
from genaug_data.copies.perceptual import describe
from genaug_data.seeding import torch_generator


def photos(count, seed=0, shape=(3, 20, 20)):
    return list(torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch_generator(seed)))


def measure_of(*groups):
    measure = Whole()
    for images in groups:
        measure.add(images)
    return measure


def slow(known, query):
    as_is, mirrored = describe([query, query.flip(2)])
    return [
        min(float((as_is - there).square().sum()), float((mirrored - there).square().sum()))
        for there in describe(known)
    ]


@pytest.mark.parametrize("chunk", [2, 1000])
@pytest.mark.parametrize("has_bfloat16", [False, True])
def test_nearest_is_the_least_distance_as_is_or_mirrored(monkeypatch, chunk, has_bfloat16):
    monkeypatch.setattr(whole, "_CHUNK", chunk)
    monkeypatch.setattr(whole, "has_bfloat16", lambda: has_bfloat16)
    groups = photos(4), photos(3, 1, (1, 8, 8))
    queries = [*photos(5, 2), groups[0][2].flip(2) // 2]
    distances, rows = measure_of(*groups).nearest(queries)
    for query, distance, row in zip(queries, distances, rows, strict=True):
        expected = slow([*groups[0], *groups[1]], query)
        assert distance == pytest.approx(min(expected), abs=1e-5)
        assert expected[row] == pytest.approx(min(expected), abs=1e-5)


@pytest.mark.parametrize("candidates", [1, 8])
def test_a_row_that_is_left_out_does_not_count(monkeypatch, candidates):
    monkeypatch.setattr(whole, "_CANDIDATES", candidates)
    monkeypatch.setattr(whole, "has_bfloat16", lambda: False)
    known = photos(6)
    distances, rows = measure_of(known).nearest(known, np.arange(6))
    for place in range(6):
        expected = slow(known, known[place])
        expected[place] = 9
        assert rows[place] == int(np.argmin(expected))
        assert distances[place] == pytest.approx(min(expected), abs=1e-5)
    alone = measure_of(known[:1]).nearest(known[:1], np.array([0]))
    assert alone[0].tolist() == [1.0]


@given(st.permutations(range(6)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_queries_does_not_matter(order):
    measure = measure_of(photos(9))
    queries = photos(4, 3) + photos(2, 0)
    distances, rows = measure.nearest(queries)
    permuted = measure.nearest([queries[i] for i in order])
    assert permuted[1].tolist() == rows[order].tolist()
    np.testing.assert_allclose(permuted[0], distances[order], atol=1e-6)


def test_this_machine_knows_what_it_can():
    assert isinstance(base.has_bfloat16(), bool)

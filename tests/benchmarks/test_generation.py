from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.generation.comparison import alone_or_not, slices, some_parents
from benchmarks.generation.limit import matrix_rate, operations
from benchmarks.generation.loops import Ours, encoded, load, naive, tuned
from benchmarks.generation.networks import denoiser, tiny

# Toys have few examples.
pytestmark = pytest.mark.filterwarnings("ignore:the prompts name classes")

CPU = torch.device("cpu")


def test_all_three_make_as_many_images_and_the_two_loops_the_same(tmp_path: Path) -> None:
    setting = tiny(tmp_path, 32)
    pipeline, parents = load(setting, CPU, fast=True), some_parents(32, 3)
    slow, fast = naive(pipeline, setting, parents), tuned(pipeline, setting, encoded(pipeline), parents)
    assert max(int((one.int() - other.int()).abs().max()) for one, other in zip(slow, fast, strict=True)) <= 1
    ours = Ours(setting, parents, 3, tmp_path / "cache", CPU)
    assert [ours(), ours()] == [3, 6]
    assert ours.close() == 6


def test_no_call_sees_the_parents_of_the_one_before() -> None:
    parents = some_parents(4, 6)
    found = slices(parents, 3)
    names = {id(parent): number for number, parent in enumerate(parents)}
    assert [[names[id(one)] for one in next(found)] for _ in range(3)] == [[0, 1, 2], [3, 4, 5], [0, 1, 2]]


def test_operations_are_counted_and_a_rate_is_one() -> None:
    left, right = torch.randn(2, 5, 7), torch.randn(2, 7, 3)
    assert operations(lambda: left @ right, images=2) == 2 * 5 * 7 * 3
    assert matrix_rate(CPU, torch.float32, side=64, seconds=0.05) > 0


@pytest.mark.parametrize(
    ("width", "heads", "linear", "millions"), [(768, 8, False, 859.5), (1024, [5, 10, 20, 20], True, 865.9)]
)
def test_large_networks_have_the_size_of_the_models_that_they_stand_for(
    width: int, heads: int | list[int], linear: bool, millions: float
) -> None:
    with torch.device("meta"):
        network = denoiser(width=width, heads=heads, linear=linear)
    assert sum(weight.numel() for weight in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)


def test_an_image_is_the_same_alone_and_in_a_batch_of_sixteen(tmp_path: Path) -> None:
    setting = tiny(tmp_path, 32)
    assert setting.batch == 16
    assert alone_or_not(setting, CPU) <= 1e-4

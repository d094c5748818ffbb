from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from benchmarks.accuracy.characters import Characters
from benchmarks.accuracy.few_shot import Arm, FewShot, Pool, _real_rows, train_arm
from genaug_data.seeding import torch_generator

TASK = FewShot(
    torch.full((3, 1, 4, 4), 10, dtype=torch.uint8),
    torch.arange(3),
    torch.zeros(5, 1, 4, 4).byte(),
    torch.arange(5) % 3,
)


class Notes(nn.Module):
    """A network that notes what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[torch.Tensor] = []
        self.layer = nn.Linear(16, 3)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.shown.append(images.detach().clone())
        return self.layer(images.flatten(1))


def shown_by(arm: Arm, pool: Pool | None, **arguments: int) -> list[torch.Tensor]:
    model = Notes()
    train_arm(arm, TASK, pool, lambda: model, **{"steps": 6, "batch_size": 8, **arguments})
    return [(255 * images[:, 0, 0, 0]).round() for images in model.shown[:6]]


def test_the_share_of_variants_is_exact_and_parents_without_any_have_none() -> None:
    # Bright variants of the first and the third image; each says of which it is one.
    pool = Pool(torch.tensor([[101], [102], [121]]).byte().view(3, 1, 1, 1).expand(3, 1, 4, 4), torch.tensor([0, 0, 2]))
    batches = shown_by(Arm("a", classic=False, ratio=0.25, pool="p"), pool, steps=6)
    values = torch.cat(batches)
    assert [int((batch > 100).sum()) for batch in batches] == [2] * 6
    assert set(values.tolist()) == {10.0, 101.0, 102.0, 121.0}
    assert all(not (batch > 100).any() for batch in shown_by(Arm("a", classic=False), None))


def test_a_run_is_a_function_of_its_seed_and_touches_nothing_global() -> None:
    task = FewShot(
        torch.randint(0, 255, (6, 1, 8, 8), dtype=torch.uint8, generator=torch_generator(0)),
        torch.arange(6) % 3,
        torch.randint(0, 255, (30, 1, 8, 8), dtype=torch.uint8, generator=torch_generator(1)),
        torch.arange(30) % 3,
    )

    def network() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 3))

    pool = Pool(task.images.flip(3), torch.arange(6))
    before = torch.get_rng_state()
    found = [
        train_arm(
            Arm("a", ratio=0.5, pool="p", policy="entropy"), task, pool, network, steps=8, batch_size=6, seed=seed
        )
        for seed in (0, 0, 1, 2)
    ]
    assert torch.get_rng_state().equal(before)
    assert found[0] == found[1]
    assert len(set(found)) > 1


def test_all_real_rows_are_seen_equally_often() -> None:
    rows = torch.cat(list(islice(_real_rows(7, 5, seed=0), 14))).tolist()
    assert [rows.count(index) for index in range(7)] == [10] * 7
    assert sorted(rows[:7]) == sorted(rows[7:14]) == list(range(7))
    assert rows[:7] != rows[7:14]


def test_characters_are_read_and_split(tmp_path: Path) -> None:
    for alphabet in ("A", "B", "Left out"):
        for character in ("one", "two"):
            place = tmp_path / alphabet / character
            place.mkdir(parents=True)
            for number in range(5):
                ink = np.full((105, 105), 255, dtype=np.uint8)
                ink[: 10 * number + 10] = 0
                Image.fromarray(ink).save(place / f"{number}.png")
    found = Characters(tmp_path, without=("Left out",))
    assert found.labels.tolist() == [label for label in range(4) for _ in range(5)]
    image, label = found[2]
    assert image.shape == (1, 20, 20)
    assert label == 0
    assert image[0, :, 0].tolist() == [255] * 5 + [255] + [0] * 14
    task = found.few_shot(2, seed=0, classes=3)
    assert task.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert task.test_labels.tolist() == [0] * 3 + [1] * 3 + [2] * 3
    together = torch.cat([task.images, task.test_images])
    assert len({row.numpy().tobytes() for row in together}) == 5
    assert not found.few_shot(2, seed=1, classes=3).images.equal(task.images)

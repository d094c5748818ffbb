from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from genaug_data.errors import ConfigError
from genaug_data.report import Family, log_figures
from genaug_data.report.logging import grid
from genaug_data.sample import Sample
from tests.loops import train_for


class Writer:
    """As torch.utils.tensorboard.SummaryWriter."""

    def __init__(self) -> None:
        self.scalars: dict[str, tuple[Any, Any]] = {}
        self.images: dict[str, tuple[torch.Tensor, Any]] = {}

    def add_scalar(
        self,
        tag: str,
        scalar_value: float,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        self.scalars[tag] = (scalar_value, global_step)

    def add_images(
        self,
        tag: str,
        img_tensor: torch.Tensor,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        assert dataformats == "NCHW"
        self.images[tag] = (img_tensor, global_step)


class WandbRun:
    """As wandb.Run."""

    def __init__(self) -> None:
        self.logged: list[tuple[dict[str, Any], int | None]] = []

    def log(self, data: dict[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        self.logged.append((data, step))


def plain(value: int, shape: tuple[int, ...] = (1, 4, 6)) -> Sample:
    return Sample(torch.full(shape, value, dtype=torch.uint8), 0)


def test_figures_go_to_a_summary_writer_under_one_prefix() -> None:
    writer = Writer()
    log_figures(writer, {"images made": 3.0, "loss, median": 0.5}, 70)
    assert writer.scalars == {"genaug/images_made": (3.0, 70), "genaug/loss_median": (0.5, 70)}
    assert writer.images == {}


def test_figures_go_to_a_run_in_one_call() -> None:
    run = WandbRun()
    log_figures(run, {"images made": 3.0, "cached": 2.0}, 70, prefix="aug")
    assert run.logged == [({"aug/images_made": 3.0, "aug/cached": 2.0}, 70)]


def test_a_row_of_eight_shows_each_family() -> None:
    families = [
        Family(0, 0.5, plain(1), (plain(2), plain(3))),
        Family(1, 0.4, plain(9, (1, 5, 5)), ()),
        Family(2, 0.3, plain(4), tuple(plain(10 + child) for child in range(9))),
    ]
    images = grid(families)
    assert images.dtype == torch.uint8
    assert images.shape == (16, 3, 4, 6)
    assert [int(image.max()) for image in images] == [1, 2, 3, 0, 0, 0, 0, 0, 4, 10, 11, 12, 13, 14, 15, 16]
    writer = Writer()
    log_figures(writer, {}, 5, families)
    assert torch.equal(writer.images["genaug/hardest"][0], images)


def test_what_can_only_log_scalars_gets_no_pictures() -> None:
    class Scalars:
        def add_scalar(self, tag: str, value: float, step: int) -> None:
            assert (tag, value, step) == ("genaug/cached", 2.0, 5)

    log_figures(Scalars(), {"cached": 2.0}, 5, [Family(0, 0.5, plain(1), ())])


def test_what_is_no_logger_is_refused() -> None:
    with pytest.raises(ConfigError, match="a logger must have add_scalar or log, got dict"):
        log_figures({}, {}, 0)


def test_a_run_hands_over_its_own_numbers(wrap: Callable) -> None:
    train = wrap(ratio=0.5)
    writer, run = Writer(), WandbRun()
    steps = len(train_for(train, 5))
    train.log_to(writer)
    train.log_to(run, 3)
    assert writer.scalars["genaug/step"] == (steps, steps)
    assert writer.scalars["genaug/accepted"] == (train.stats()["accepted"], steps)
    assert writer.scalars["genaug/ratio_asked"] == (0.5, steps)
    logged, step = run.logged[0]
    assert step == 3
    assert logged == {tag: value for tag, (value, _) in writer.scalars.items()}
    images, _ = writer.images["genaug/hardest"]
    assert images.shape == (4 * 8, 3, 8, 8)
    for place, family in enumerate(train.families(4)):
        assert torch.equal(images[8 * place], family.parent.image.expand(3, -1, -1))
        assert torch.equal(images[8 * place + 1], family.children[0].image.expand(3, -1, -1))
    other = Writer()
    train.log_to(other, families=0)
    assert other.images == {}


def test_tensorboard_itself_takes_them(wrap: Callable, tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="tensorboard is not installed")
    train = wrap(ratio=0.5)
    train_for(train, 4)
    with tensorboard.SummaryWriter(tmp_path / "logs") as writer:
        train.log_to(writer)
    assert list((tmp_path / "logs").iterdir())

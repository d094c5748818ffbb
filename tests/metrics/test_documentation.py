from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from genaug_data.cache import CacheWriter
from genaug_data.metrics import Estimate
from genaug_data.sample import Sample
from genaug_data.testing.tiny_models import save_clip
from tests.cache.records import image_of, record

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.mark.filterwarnings("ignore::genaug_data.errors.SampleSizeWarning")
def test_every_example_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    bound = 1 << 24
    with CacheWriter(Path("runs/pets"), fingerprint="f", identity="f", max_bytes=bound, codec="raw") as writer:
        writer.put([record(number) for number in range(24)])
    save_clip("models/clip")
    masks = [Sample(image_of(number), (image_of(number)[0] % 3).long()) for number in range(20)]
    names = {
        "train": SimpleNamespace(samples=[Sample(image_of(100 + number), number % 3) for number in range(24)]),
        "natural_masks": masks[:10],
        "drawn_masks": torch.stack([torch.as_tensor(mask.target) for mask in masks[10:]]),
    }
    monkeypatch.setattr("genaug_data.gates.fit_features", _quick())
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 4
    with torch.random.fork_rng(devices=[]):
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["FID", "KID", "precision", "recall", "density", "coverage"]
    for name in ("copies", "near", "layout", "coarse", "seen", "shares", "told"):
        assert isinstance(names[name], Estimate)


def _quick():
    from genaug_data.gates import fit_features

    # The page tells how many steps are worth it; the test only whether they are taken.
    return lambda dataset, folder, *, steps: fit_features(dataset, folder, steps=min(2, steps), progress=False)

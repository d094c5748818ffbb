"""What was fitted is kept, found again, and never taken for another."""

import json

import pytest

from genaug_data.errors import GenaugWarning
from genaug_data.generators.fitted import load_fitted
from genaug_data.sample import Recipe, Request
from tests.generators.pictures import sides, small


def test_a_finished_fit_is_reused_and_another_one_kept_beside_it(tmp_path):
    first = small()
    first.fit(sides(8), tmp_path, progress=False)
    [folder] = tmp_path.iterdir()
    assert sorted(file.name for file in folder.iterdir()) == ["model.json", "model.safetensors"]
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}
    again = small()
    again.fit(sides(8), tmp_path, progress=False)
    assert again.fingerprint == first.fingerprint
    prints = {first.fingerprint}
    for other, samples in ((small(seed=1), sides(8)), (small(), sides(9)), (small(ignore_index=3), sides(8))):
        other.fit(samples, tmp_path, progress=False)
        prints.add(other.fingerprint)
    assert {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()} == before
    assert len(list(tmp_path.iterdir())) == 4
    assert len(prints) == 3, "ignore_index changes nothing for classes, the seed and the data do"


def test_a_fitted_generator_is_not_fitted_again_in_another_folder(tmp_path):
    generator, beats = small(), []
    generator.fit(sides(12), tmp_path / "a", progress=False)
    generator.fit(sides(12), tmp_path / "b", progress=False, beat=lambda: beats.append(1))
    assert beats == []
    kept = small()
    kept.fit(sides(12), tmp_path / "b", progress=False, beat=lambda: beats.append(1))
    assert beats == []
    assert kept.fingerprint == generator.fingerprint
    before = generator.fingerprint
    generator.fit(sides(14), tmp_path / "b", progress=False)
    assert generator.fingerprint != before


def test_the_record_tells_what_was_fitted(tmp_path):
    generator = small(max_steps=25)
    generator.fit(sides(8), tmp_path, progress=False)
    [folder] = tmp_path.iterdir()
    told = json.loads((folder / "model.json").read_text())
    assert told["identity"] == generator.identity
    assert (told["kind"], told["classes"], told["image_channels"], told["size"]) == ("class", [2, 9], 1, [8, 8])
    assert told["steps"] == 25
    assert [step for step, _ in told["losses"]] == [10, 20, 25]
    best = min(told["losses"], key=lambda entry: entry[1])
    assert told["best_step"] == best[0]
    # Every variant tells the same.
    assert generator.origin(sides(8)[0], Request(0, 0, Recipe(), 1)) == {
        "model": "InDomainDiffusion",
        "revision": told["weights"],
        "fitted_on": told["dataset"],
        "fit_steps": str(best[0]),
    }


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_damaged_fit_is_said_and_made_anew(tmp_path, name):
    generator = small()
    generator.fit(sides(8), tmp_path, progress=False)
    [folder] = tmp_path.iterdir()
    (folder / name).write_bytes((folder / name).read_bytes()[:-20])
    again = small()
    with pytest.warns(GenaugWarning, match="a fitted generator is damaged and is fitted anew"):
        again.fit(sides(8), tmp_path, progress=False)
    assert again.fingerprint == generator.fingerprint


def test_weights_of_another_record_are_not_taken(tmp_path):
    for seed in (0, 1):
        small(seed=seed).fit(sides(8), tmp_path / str(seed), progress=False)
    [one], [other] = (list((tmp_path / str(seed)).iterdir()) for seed in (0, 1))
    (one / "model.safetensors").write_bytes((other / "model.safetensors").read_bytes())
    with pytest.warns(GenaugWarning, match="the weights are not those of model.json"):
        assert load_fitted(one, small().identity, "") is None

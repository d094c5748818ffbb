import json
import os
import signal
import subprocess
import sys
import warnings

import cloudpickle
import pytest
import torch

from genaug_data.errors import ConfigError, GenaugWarning, GeneratorError
from genaug_data.generators import InDomainDiffusion, check_variants
from genaug_data.generators.base import ParentBatch
from genaug_data.generators.fitted import load_fitted
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator

HALF = Recipe(strength=0.5, steps=4)


def sides(count, shape=(1, 8, 8), classes=(2, 9)):
    """Images that are bright on the left for one class, on the right for the other."""
    found = []
    for number in range(count):
        noise = torch.randint(0, 60, shape, generator=torch_generator(number))
        bright = torch.zeros(shape, dtype=torch.int64)
        half = shape[2] // 2
        bright[:, :, slice(0, half) if number % 2 == 0 else slice(half, None)] = 180
        found.append(Sample((noise + bright).to(torch.uint8), classes[number % 2]))
    return found


def masked(count, shape=(3, 12, 10)):
    """Images that are bright where their mask says 7, dark where it says 0; the last column is ignored."""
    found = []
    for number in range(count):
        mask = torch.zeros(shape[1:], dtype=torch.int64)
        mask[number % 5 : number % 5 + 6, 2:8] = 7
        noise = torch.randint(0, 40, shape, generator=torch_generator(number))
        image = (noise + 200 * (mask == 7)).to(torch.uint8)
        mask[:, -1] = 255
        found.append(Sample(image, mask))
    return found


def small(**arguments):
    return InDomainDiffusion(**{"max_steps": 3, "batch_size": 4, "channels": (8, 8), "device": "cpu", **arguments})


def orders(count, recipe=HALF, seed=0):
    return [Request(number, 0, recipe, seed=seed + number) for number in range(count)]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model that has learned the two sides."""
    generator = small(max_steps=150, batch_size=16, channels=(8, 16), learning_rate=5e-3)
    generator.fit(sides(64), tmp_path_factory.mktemp("fit"), progress=False)
    return generator


def is_left(sample):
    image = sample.image.float()
    return bool(image[..., : image.shape[2] // 2].mean() > image[..., image.shape[2] // 2 :].mean())


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_pure_noise_gives_images_of_the_class(fitted, guidance):
    parents = sides(32)
    children = fitted.generate(parents, orders(32, Recipe(strength=1.0, guidance_scale=guidance, steps=10)))
    check_variants(parents, children)
    assert sum(is_left(child) == (child.target == 2) for child in children) >= 29
    assert len({child.image.numpy().tobytes() for child in children}) == 32


def test_a_weaker_edit_stays_nearer_to_the_parent(fitted):
    parents = sides(16)
    away = []
    for strength in (0.1, 0.4, 0.8):
        children = fitted.generate(parents, orders(16, Recipe(strength=strength, steps=20)))
        pairs = zip(parents, children, strict=True)
        away.append(sum((parent.image.float() - child.image.float()).abs().mean().item() for parent, child in pairs))
    assert 0 < away[0] < away[1] < away[2]


def test_full_strength_ignores_the_pixels_of_the_parent(fitted):
    left = sides(2)[0]
    dark = Sample(torch.zeros_like(left.image), left.target)
    whole = Recipe(strength=1.0, steps=4)
    [one], [other] = (fitted.generate([parent], orders(1, whole)) for parent in (left, dark))
    assert one.image.equal(other.image)
    [one], [other] = (fitted.generate([parent], orders(1, HALF)) for parent in (left, dark))
    assert not one.image.equal(other.image)


def test_an_image_does_not_depend_on_its_batch(fitted):
    images = torch.stack([parent.image for parent in sides(16)]).float() / 127.5 - 1
    targets, seeds = [parent.target for parent in sides(16)], list(range(50, 66))
    with torch.no_grad():
        together = fitted.make(ParentBatch(images, targets, Recipe(strength=0.8, steps=10), seeds))
        for place in (0, 7, 15):
            part = slice(place, place + 1)
            alone = ParentBatch(images[part], targets[part], Recipe(strength=0.8, steps=10), seeds[part])
            assert (fitted.make(alone)[0] - together[place]).abs().max() <= 1e-4


def test_guidance_one_is_the_conditional_model_alone(fitted):
    calls = []
    handle = fitted._on_device().register_forward_hook(lambda module, inputs, output: calls.append(len(inputs[0])))
    fitted.generate(sides(3), orders(3, Recipe(strength=1.0, guidance_scale=1.0, steps=2)))
    fitted.generate(sides(3), orders(3, Recipe(strength=1.0, guidance_scale=2.0, steps=2)))
    handle.remove()
    assert calls == [3, 3, 6, 6]


def test_recipes_and_parents_that_cannot_work_are_refused(fitted):
    parent = sides(1)
    with pytest.raises(GeneratorError, match=r"strength 0.1 of 4 steps leaves no denoising step: raise steps to .* 10"):
        fitted.generate(parent, orders(1, Recipe(strength=0.1, steps=4)))
    with pytest.raises(GeneratorError, match="class 5 was not in the training set"):
        fitted.generate([Sample(parent[0].image, 5)], orders(1))
    with pytest.raises(GeneratorError, match=r"fitted on images of 1 channel\(s\), found 3"):
        fitted.generate([Sample(parent[0].image.expand(3, 8, 8), 2)], orders(1))
    with pytest.raises(GeneratorError, match="fitted on annotations of kind class, found mask"):
        fitted.generate([Sample(parent[0].image, torch.zeros(8, 8).long())], orders(1))


def test_masks_decide_where_things_are(tmp_path):
    samples = masked(40)
    generator = small(max_steps=100, batch_size=16, channels=(8, 16), learning_rate=5e-3)
    generator.fit(samples, tmp_path, progress=False)
    assert generator.record.condition.classes == (0, 7)
    children = generator.generate(samples[:10], orders(10, Recipe(strength=1.0, steps=10)))
    check_variants(samples[:10], children)
    for parent, child in zip(samples, children, strict=False):
        inside, outside = (child.image[:, parent.target == known].float().mean() for known in (7, 0))
        assert inside > outside + 60
        assert child.target is parent.target


@pytest.mark.parametrize(
    ("samples", "channels"),
    [
        (sides(1), (8,)),
        (sides(2, classes=(4, 4)), (8, 8)),
        (sides(12, shape=(3, 28, 28)), (8, 8, 8)),
        (sides(3, shape=(1, 31, 17)), (8, 8, 8)),
        (sides(4, shape=(1, 8, 8)), (8, 8, 8)),
        (sides(3, shape=(3, 5, 9)) + sides(3, shape=(3, 11, 4)), (8, 8)),
        (masked(3, shape=(1, 9, 10)), (8, 8)),
        (sides(2, shape=(1, 1, 2)), (8, 8)),
    ],
)
def test_any_small_training_set_works(tmp_path, samples, channels):
    generator = small(channels=channels)
    generator.fit(samples, tmp_path, progress=False)
    children = generator.generate(samples, orders(len(samples)))
    check_variants(samples, children)
    alone = [
        generator.generate([parent], [order])[0] for parent, order in zip(samples, orders(len(samples)), strict=True)
    ]
    for child, other in zip(children, alone, strict=True):
        assert (child.image.int() - other.image.int()).abs().max() <= 1


def test_before_the_fit_there_is_no_fingerprint():
    with pytest.raises(GeneratorError, match="has not been fitted yet: call fit"):
        _ = small().fingerprint
    with pytest.raises(GeneratorError, match="has not been fitted yet: call fit"):
        small().generate(sides(1), orders(1))


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


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
import torch
torch.set_num_threads(1)
from test_in_domain import sides, small
beats = 0
def beat():
    global beats
    beats += 1
    if beats == {beats}:
        os.kill(os.getpid(), signal.SIGKILL)
generator = small(max_steps=40, unlabelled=sides(3), checkpoint_seconds=0.0)
generator.fit(sides(20), Path({folder!r}), progress=False, beat=beat)
"""


def test_a_killed_fit_goes_on_and_ends_with_the_same_bits(tmp_path):
    whole = small(max_steps=40, unlabelled=sides(3))
    whole.fit(sides(20), tmp_path / "whole", progress=False)
    folder = tmp_path / "killed"
    code = KILLED.format(here=os.path.dirname(__file__), beats=23 + 16, folder=str(folder))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    [place] = folder.iterdir()
    assert [file.name for file in place.iterdir()] == ["progress.safetensors"]
    taken = []
    resumed = small(max_steps=40, unlabelled=sides(3))
    resumed.fit(sides(20), folder, progress=False, beat=lambda: taken.append(1))
    # 16 beats after the 23 images: 15 steps and an evaluation; 25 steps and three evaluations are left.
    assert len(taken) == 23 + 25 + 3, "it did not go on from the checkpoint"
    assert resumed.record == whole.record
    assert resumed.fingerprint == whole.fingerprint


def test_a_damaged_checkpoint_is_said_and_begun_anew(tmp_path):
    whole = small(max_steps=12)
    whole.fit(sides(8), tmp_path / "whole", progress=False)

    class Stop(Exception):
        pass

    steps = []

    def beat():
        steps.append(1)
        if len(steps) == 8 + 6:
            raise Stop

    with pytest.raises(Stop):
        small(max_steps=12, checkpoint_seconds=0.0).fit(sides(8), tmp_path / "cut", progress=False, beat=beat)
    [file] = (tmp_path / "cut").glob("*/progress.safetensors")
    file.write_bytes(file.read_bytes()[:-100])
    again = small(max_steps=12)
    with pytest.warns(GenaugWarning, match="the checkpoint of a fit is damaged, starting anew"):
        again.fit(sides(8), tmp_path / "cut", progress=False)
    assert again.record == whole.record


def test_early_stopping_keeps_the_best_weights(tmp_path):
    # A rate far too high: after the first good weights it only gets worse, or stays.
    generator = small(max_steps=400, learning_rate=0.5, patience=2, channels=(8,))
    generator.fit(sides(30), tmp_path, progress=False)
    record = generator.record
    assert record.steps < 400
    assert record.best_step < record.steps
    assert len([step for step, _ in record.losses if step > record.best_step]) == 2


def test_a_fit_that_diverges_is_said(tmp_path):
    with pytest.raises(GeneratorError, match="the fit diverged: the loss is nan after 10 steps; lower learning_rate"):
        small(max_steps=10, learning_rate=1e38).fit(sides(8), tmp_path, progress=False)


def test_nothing_global_is_changed(tmp_path):
    state, threads, dtype = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    environment = dict(os.environ)
    generator = small()
    generator.fit(sides(8), tmp_path, progress=False)
    generator.generate(sides(2), orders(2))
    assert torch.get_rng_state().equal(state)
    assert (torch.get_num_threads(), torch.get_default_dtype()) == (threads, dtype)
    assert dict(os.environ) == environment
    assert torch.is_grad_enabled()


def test_it_can_be_sent_to_another_process_before_and_after_the_fit(tmp_path):
    sent = cloudpickle.loads(cloudpickle.dumps(small(unlabelled=sides(2))))
    sent.fit(sides(8), tmp_path, progress=False)
    expected = sent.generate(sides(2), orders(2))
    back = cloudpickle.loads(cloudpickle.dumps(sent))
    assert back.fingerprint == sent.fingerprint
    for child, other in zip(back.generate(sides(2), orders(2)), expected, strict=True):
        assert child.image.equal(other.image)


def test_identity_tells_settings_and_unlabelled_images_apart():
    variants = [small(), small(seed=1), small(patience=9), small(unlabelled=sides(2)), small(unlabelled=sides(3))]
    assert len({variant.identity for variant in variants}) == len(variants)
    assert small(device="meta", checkpoint_seconds=1.0).identity == small().identity


def test_images_too_large_are_refused_only_where_a_limit_is_set(tmp_path):
    samples = sides(2, shape=(1, 4, 40))
    with pytest.raises(
        GeneratorError, match=r"images of 4x40 are too large .* on a CPU, whose limit is 32 pixels: resize"
    ):
        small(max_size="auto").fit(samples, tmp_path, progress=False)
    with pytest.raises(GeneratorError, match="limit is 39 pixels"):
        small(max_size=39).fit(samples, tmp_path, progress=False)
    small().fit(samples, tmp_path, progress=False)
    with pytest.raises(ConfigError, match="max_size must be a number of pixels, \"auto\" or None, got 'large'"):
        small(max_size="large")


def test_every_image_read_and_every_step_beats(tmp_path):
    beats = []
    small(max_steps=5).fit(sides(6), tmp_path, progress=False, beat=lambda: beats.append(1))
    assert len(beats) >= 6 + 5


def test_progress_bars_can_be_turned_off(tmp_path, capsys):
    small().fit(sides(6), tmp_path / "quiet", progress=False)
    assert capsys.readouterr().err == ""
    small().fit(sides(6), tmp_path / "shown", progress=True)
    shown = capsys.readouterr().err
    assert "reading" in shown
    assert "fitting" in shown


def test_bf16_fits_too(tmp_path):
    generator = small(mixed_precision="bf16")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generator.fit(sides(6), tmp_path, progress=False)
    assert all(value.dtype == torch.float32 for value in generator._known().weights.values())

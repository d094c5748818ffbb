"""Variants of a small diffusion model that was fitted on the training set alone."""

import os
import warnings

import cloudpickle
import pytest
import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators import check_variants
from genaug_data.generators.base import ParentBatch
from genaug_data.sample import Recipe, Sample
from tests.generators.pictures import HALF, masked, orders, sides, small


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
    handle = fitted._learned.on(fitted.device).register_forward_hook(
        lambda module, inputs, output: calls.append(len(inputs[0]))
    )
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


def test_bf16_fits_too(tmp_path):
    generator = small(mixed_precision="bf16")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generator.fit(sides(6), tmp_path, progress=False)
    assert all(value.dtype == torch.float32 for value in generator._learned.weights.values())


def test_it_says_when_it_steps(fitted):
    parents, taken = sides(2), []
    expected = fitted.generate(parents, orders(2, Recipe(strength=1.0, steps=6)))
    fitted.between_steps = lambda: taken.append(1)
    children = fitted.generate(parents, orders(2, Recipe(strength=1.0, steps=6)))
    del fitted.between_steps
    assert len(taken) == 6
    assert all(child.image.equal(other.image) for child, other in zip(children, expected, strict=True))

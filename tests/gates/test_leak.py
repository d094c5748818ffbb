import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from genaug_data.errors import ConfigError, DataError, GenaugWarning
from genaug_data.gates import Leak
from genaug_data.sample import Sample
from genaug_data.seeding import permutation, torch_generator


def scenes(count, seed, shape=(3, 32, 32)):
    """Smooth random images, each as unlike the others as photographs are."""
    coarse = torch.rand(count, shape[0], 7, 7, generator=torch_generator(seed))
    smooth = torch.nn.functional.interpolate(coarse, shape[1:], mode="bicubic").clamp(0, 1)
    return [Sample(image, i) for i, image in enumerate(smooth.mul(255).round().byte())]


def prepared(protected, train, **options):
    gate = Leak(protected, **options)
    gate.prepare(train, progress=False)
    return gate


def judge(gate, images):
    samples = [Sample(image, 0) for image in images]
    return gate.judge(samples, samples)


@pytest.fixture(scope="module")
def gate():
    return prepared([scenes(40, 0), scenes(30, 1)], scenes(200, 2))


@pytest.fixture(scope="module")
def digits():
    images = torch.from_numpy(load_digits().images * 255 / 16).round().byte().unsqueeze(1)
    shuffled = images[torch.from_numpy(permutation(0, len(images)))]
    samples = [Sample(image, 0) for image in shuffled]
    return samples[:300], samples[300:1300], samples[1300:]


def jitter(image, seed):
    noise = torch.randn(image.shape, generator=torch_generator(seed)) * 10
    return (image.float() + noise).round().clamp(0, 255).byte()


ALTERATIONS = {
    "copy": lambda image: image,
    "mirrored": lambda image: image.flip(2),
    "brighter": lambda image: (image.float() * 1.1).clamp(max=255).byte(),
    "darker": lambda image: (image.float() * 0.9).byte(),
    "noisy": lambda image: jitter(image, 5),
    "blurred": lambda image: torch.nn.functional.avg_pool2d(image.float(), 3, 1, 1, count_include_pad=False).byte(),
    "larger": lambda image: image.repeat_interleave(3, 1).repeat_interleave(3, 2),
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_altered_copies_are_rejected(gate, alteration):
    images = [ALTERATIONS[alteration](sample.image) for sample in scenes(40, 0) + scenes(30, 1)]
    assert not any(verdict.accepted for verdict in judge(gate, images))


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_copies_are_found_across_numbers_of_channels(channels):
    grey = scenes(20, 0, (1, 32, 32))
    gate = prepared([grey], scenes(200, 2, (channels, 24, 24)))
    assert not any(
        verdict.accepted for verdict in judge(gate, [sample.image.expand(channels, -1, -1) for sample in grey])
    )


def test_other_images_pass(gate):
    verdicts = judge(gate, [sample.image for sample in scenes(300, 3)])
    assert sum(not verdict.accepted for verdict in verdicts) <= 2
    assert all(verdict.accepted == (verdict.score > 0.5) for verdict in verdicts)


def test_the_reason_names_the_nearest_its_distance_and_what_was_needed(gate):
    (verdict,) = judge(gate, [scenes(30, 1)[17].image])
    assert verdict.score == 0
    assert verdict.reason == (
        "the image is too near to protected[1][17]: whole distance 0.0000, more than "
        f"{gate.calibrations['whole'].threshold:.4f} is needed (expected share of false rejects 0.001)"
    )


def test_tiny_images_that_come_near_by_nature(digits):
    protected, train, other = digits
    gate = prepared([protected], train)
    assert gate.calibrations["whole"].images == 1000
    rejected = [not verdict.accepted for verdict in judge(gate, [sample.image for sample in other])]
    assert np.mean(rejected) < 0.006
    for images in ([sample.image for sample in protected], [sample.image.flip(2) for sample in protected]):
        assert not any(verdict.accepted for verdict in judge(gate, images))


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_a_handful_of_training_images_gives_a_sane_threshold(digits, size):
    protected, train, other = digits
    gate = prepared([protected], train[:size])
    rejected = [not verdict.accepted for verdict in judge(gate, [sample.image for sample in other])]
    assert np.mean(rejected) < 0.05
    assert not any(verdict.accepted for verdict in judge(gate, [sample.image for sample in protected]))


def test_training_copies_of_protected_images_do_not_hide_altered_copies():
    protected = scenes(50, 0)
    almost = [Sample(jitter(sample.image, 90 + i), 0) for i, sample in enumerate(protected[5:10])]
    gate = prepared([protected], [*protected[:5], *almost, *scenes(490, 2)])
    # Those that are equal set no threshold; those that nearly are count as near.
    assert gate.calibrations["whole"].images == 495
    assert gate.calibrations["whole"].near >= 5
    noisy = [jitter(sample.image, i) for i, sample in enumerate(protected)]
    assert not any(verdict.accepted for verdict in judge(gate, noisy))


def test_calibration_reads_at_most_so_many_training_images_evenly():
    class Counting(list):
        read = ()

        def __getitem__(self, index):
            self.read = (*self.read, index)
            return super().__getitem__(index)

    train = Counting(scenes(100, 2))
    beats = []
    gate = Leak([scenes(5, 0)], calibration_images=4)
    gate.prepare(train, progress=False, beat=lambda: beats.append(1))
    assert train.read == (0, 25, 50, 75)
    assert gate.calibrations["whole"].images == 4
    assert len(beats) == 2


def test_an_unprepared_gate_travels_and_judges_alike_afterwards(gate):
    travelled = pickle.loads(pickle.dumps(Leak([scenes(40, 0), scenes(30, 1)])))
    travelled.prepare(scenes(200, 2), progress=False)
    images = [sample.image for sample in scenes(3, 3) + scenes(3, 0)]
    assert judge(travelled, images) == judge(gate, images)


@given(st.integers(0, 39), st.booleans(), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_an_exact_copy_is_always_rejected(gate, place, mirrored, seed):
    copy = scenes(40, 0)[place].image
    others = [sample.image for sample in scenes(3, 100 + seed)]
    verdicts = judge(gate, [*others, copy.flip(2) if mirrored else copy])
    assert not verdicts[-1].accepted
    assert f"protected[0][{place}]" in verdicts[-1].reason


@given(st.permutations(range(8)))
@settings(max_examples=15, deadline=None)
def test_a_permuted_batch_gets_permuted_verdicts(gate, order):
    images = [sample.image for sample in scenes(5, 3) + scenes(3, 0)]
    verdicts = judge(gate, images)
    for verdict, i in zip(judge(gate, [images[i] for i in order]), order, strict=True):
        assert verdict.accepted == verdicts[i].accepted
        assert verdict.score == pytest.approx(verdicts[i].score, abs=1e-6)


def test_bad_arguments_are_refused():
    some = scenes(2, 0)
    with pytest.raises(ConfigError, match="protected is empty; pass at least one dataset, or do without the leak gate"):
        Leak([])
    with pytest.raises(ConfigError, match=r"must be a list of datasets, got a list of Sample; write protected="):
        Leak(some)
    with pytest.raises(DataError, match=r"protected\[1\] is empty; leave it out, or check how it was made"):
        Leak([some, []])
    for alpha in (0.0, 0.06, float("nan"), "x"):
        with pytest.raises(ConfigError, match=r"alpha must lie in \(0, 0.05\], got .*; it is the expected share"):
            Leak([some], alpha=alpha)
    for images in (0, 2.5):
        with pytest.raises(ConfigError, match=f"calibration_images must be a whole number from 1 on, got {images}"):
            Leak([some], calibration_images=images)
    with pytest.raises(DataError, match=r"the training set is empty \(0 examples\); pass one with images"):
        prepared([some], [])
    with pytest.raises(ConfigError, match=r"the leak gate is not prepared; call prepare\(train\) before judge"):
        judge(Leak([some]), [some[0].image])


def test_a_training_set_that_nearly_is_the_protected_one_is_warned_of():
    protected = scenes(40, 0)
    mirrored = [Sample(sample.image.flip(2), 0) for sample in protected]
    with pytest.warns(GenaugWarning, match="finds no altered copies by whole: 40 of the 40 training images"):
        prepared([protected], mirrored)
    with pytest.raises(DataError, match="all 40 images that should set the thresholds equal images"):
        prepared([protected], protected)

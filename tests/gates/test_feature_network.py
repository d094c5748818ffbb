import pytest
import torch

from genaug_data.errors import ConfigError, DataError, GenaugWarning
from genaug_data.gates import fit_features
from genaug_data.gates.feature_network import _Course
from genaug_data.generators.examples import read_examples
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator


def bars(count=40, shape=(1, 8, 8), kinds=4):
    """A bright column whose place is the class."""
    found = []
    for number in range(count):
        image = torch.randint(0, 60, shape, generator=torch_generator(number))
        image[:, :, 2 * (number % kinds)] += 190
        found.append(Sample(image.to(torch.uint8), 10 + number % kinds))
    return found


def fit(samples, folder, **arguments):
    return fit_features(samples, folder, **{"steps": 2, "batch_size": 8, "progress": False, **arguments})


def stacked(samples):
    return torch.stack([sample.image for sample in samples])


def test_learned_features_tell_classes_apart(tmp_path):
    features = fit(bars(), tmp_path, steps=30, bend=0.2)
    unseen = bars(80)[40:]
    found = torch.nn.functional.normalize(features(stacked(unseen)), dim=1)
    alike = found @ found.T
    labels = torch.tensor([sample.target for sample in unseen])
    same = labels[:, None] == labels[None]
    alike.fill_diagonal_(-1)
    assert same[torch.arange(40), alike.argmax(1)].float().mean() > 0.9
    assert found.shape == (40, 256)


def test_a_second_call_reads_the_file(tmp_path):
    beats = []
    first = fit(bars(), tmp_path, beat=lambda: beats.append(1))
    assert len(beats) == 40 + 2
    second = fit(bars(), tmp_path, beat=lambda: beats.append(1))
    assert len(beats) == 40 + 2
    assert second.fingerprint == first.fingerprint
    assert second(stacked(bars(3))).equal(first(stacked(bars(3))))
    prints = {first.fingerprint}
    for samples, arguments in [
        (bars(), {"seed": 1}), (bars(), {"rotations": True}), (bars(), {"bend": 0.1}), (bars(), {"steps": 3}),
        (bars(), {"batch_size": 9}), (bars(39), {}),
    ]:  # fmt: skip
        prints.add(fit(samples, tmp_path, **arguments).fingerprint)
    assert len(prints) == len(list(tmp_path.iterdir())) == 7


def test_the_weights_are_a_function_of_settings_and_data(tmp_path):
    state = torch.get_rng_state()
    one, other = (fit(bars(), tmp_path / name, rotations=True) for name in ("a", "b"))
    assert torch.get_rng_state().equal(state)
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint.startswith("FeatureNetwork/1/")


def test_a_damaged_file_is_said_and_learned_anew(tmp_path):
    first = fit(bars(), tmp_path)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.warns(GenaugWarning, match="learned features are damaged and are learned anew"):
        assert fit(bars(), tmp_path).fingerprint == first.fingerprint


def test_rotations_are_further_classes():
    examples = read_examples(bars(12, (1, 6, 8)), ignore_index=255, progress=False)
    course = _Course(examples, rotations=True, bend=0.0, seed=0)
    images, classes = course._draw(200, torch_generator(0))
    assert images.shape == (200, 1, 8, 8)
    assert set(classes.tolist()) == set(range(16))
    for image, kind in zip(images, classes.tolist(), strict=True):
        upright = torch.rot90(image, -(kind % 4), (1, 2))
        assert int(upright[0].mean(dim=0).argmax()) == 2 * (kind // 4)
    assert course._head.out_features == 16


def test_any_size_of_image_can_be_looked_at(tmp_path):
    features = fit(bars(12, (3, 9, 7)), tmp_path)
    for size in ((9, 7), (8, 8), (40, 33), (2, 1)):
        assert features(torch.zeros(2, 3, *size, dtype=torch.uint8)).shape == (2, 256)
    with pytest.raises(ConfigError, match=r"learned on images of 3 channel\(s\), found 1"):
        features(torch.zeros(2, 1, 9, 7, dtype=torch.uint8))


def test_what_cannot_be_learned_from_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="all 4 examples are of one: pass a set with more classes"):
        fit(bars(4, kinds=1), tmp_path)
    with pytest.raises(DataError, match="is empty"):
        fit([], tmp_path)

import hashlib
import pickle
import warnings

import pytest
import torch
from torch import nn

from genaug_data.copies import CopyDetector
from genaug_data.errors import ConfigError
from genaug_data.features import TorchScriptFeatures
from genaug_data.seeding import torch_generator
from tests.copies.scenes import scenes


def saved(path, seed=0):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, stride=4), nn.Flatten())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(network).save(str(path))
    return network, path


def test_features_are_those_of_the_network_on_scaled_and_normalised_images(tmp_path):
    network, path = saved(tmp_path / "network.pt")
    images = torch.randint(0, 256, (2, 3, 20, 24), dtype=torch.uint8, generator=torch_generator(0))
    found = TorchScriptFeatures(path, size=12)(images)
    scaled = nn.functional.interpolate(images.float() / 255, (12, 12), mode="bilinear", antialias=True)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        expected = network((scaled - mean.view(3, 1, 1)) / std.view(3, 1, 1))
    assert torch.allclose(found, expected, atol=1e-5)


def test_grey_and_transparent_images_are_shown_in_colour(tmp_path):
    features = TorchScriptFeatures(saved(tmp_path / "network.pt")[1], size=12)
    image = torch.randint(0, 256, (1, 4, 20, 20), dtype=torch.uint8, generator=torch_generator(1))
    assert torch.equal(features(image), features(image[:, :3]))
    assert torch.equal(features(image[:, :1]), features(image[:, :1].expand(-1, 3, -1, -1)))


def test_the_fingerprint_is_that_of_the_file_and_the_settings(tmp_path):
    one, other = (TorchScriptFeatures(saved(tmp_path / f"{seed}.pt", seed)[1], size=12) for seed in (0, 1))
    assert one.fingerprint == TorchScriptFeatures(one.path, size=12).fingerprint
    assert len({one.fingerprint, other.fingerprint, TorchScriptFeatures(one.path, size=13).fingerprint}) == 3


@pytest.mark.parametrize("has_file_digest", [True, False])
def test_the_fingerprint_holds_the_hash_of_the_bytes(tmp_path, monkeypatch, has_file_digest):
    if not has_file_digest:
        monkeypatch.delattr(hashlib, "file_digest", raising=False)
    features = TorchScriptFeatures(saved(tmp_path / "network.pt")[1], size=12, mean=(0.5, 0.5, 0.5))
    digest = hashlib.blake2b(features.path.read_bytes()).hexdigest()[:32]
    assert features.fingerprint == f"TorchScriptFeatures({digest}, 12, (0.5, 0.5, 0.5), (0.229, 0.224, 0.225))"


def test_the_file_is_read_once(tmp_path):
    features = TorchScriptFeatures(saved(tmp_path / "network.pt")[1], size=12)
    image = torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8, generator=torch_generator(2))
    before = features(image)
    features.path.unlink()
    assert torch.equal(features(image), before)


def test_it_travels_without_the_network(tmp_path):
    features = TorchScriptFeatures(saved(tmp_path / "network.pt")[1], size=12)
    images = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    before = features(images)
    assert torch.equal(pickle.loads(pickle.dumps(features))(images), before)


def test_copies_are_compared_by_it(tmp_path):
    features = TorchScriptFeatures(saved(tmp_path / "network.pt")[1], size=32)
    detector = CopyDetector([scenes(9, 0)], features=features, progress=False)
    distances, rows = detector.distances([sample.image for sample in scenes(9, 0)])["embedded"]
    assert distances.tolist() == [0.0] * 9
    assert rows.tolist() == list(range(9))


def test_bad_arguments_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no TorchScript file .*missing\.pt; pass the path of one"):
        TorchScriptFeatures(tmp_path / "missing.pt")
    with pytest.raises(ConfigError, match="size must be at least 1, got 0"):
        TorchScriptFeatures(saved(tmp_path / "network.pt")[1], size=0)

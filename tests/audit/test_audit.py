import numpy as np
import pytest
import torch

from genaug_data.audit import audit
from genaug_data.copies import CopyDetector
from genaug_data.errors import ConfigError, DataError
from genaug_data.sample import Sample
from genaug_data.seeding import torch_generator
from tests.copies.scenes import scenes

TEST, TRAIN, NEW = scenes(30, 0), scenes(80, 1), scenes(40, 2)


def mirrored(sample):
    return Sample(sample.image.flip(2), sample.target)


def found_in(synthetic, **options):
    return audit(synthetic, [TEST[:10], TEST[10:]], progress=False, **options)


def places(findings):
    return {finding.index: (finding.match.dataset, finding.match.item) for finding in findings}


@pytest.mark.parametrize("train", [None, TRAIN])
def test_planted_copies_are_found_and_nothing_else(train):
    found = found_in([*NEW, TEST[3], mirrored(TEST[25])], train=train)
    assert places(found.copies) == {40: (0, 3), 41: (1, 15)}
    assert (found.images, found.unreadable) == (42, ())
    assert found.expected_by_mistake == pytest.approx(0.042)
    assert len(found.nearest) == 20
    scores = [finding.match.score for finding in found.nearest]
    assert scores == sorted(scores)


def test_copies_of_training_images_but_the_parent_are_memorised():
    synthetic = [mirrored(TRAIN[5]), mirrored(TRAIN[6]), *NEW]
    without = found_in(synthetic, train=TRAIN)
    assert places(without.memorised) == {0: (0, 5), 1: (0, 6)}
    # The first was made from 5, the second from 70.
    with_parents = found_in(synthetic, train=TRAIN, parents=[5, 70, *range(40)])
    assert places(with_parents.memorised) == {1: (0, 6)}


def test_what_is_near_a_common_motif_has_copied_nothing():
    def noisy(seed, deviation):
        noise = torch.randn(3, 32, 32, generator=torch_generator(seed)) * deviation
        return Sample((TRAIN[0].image + noise).round().clamp(0, 255).byte(), 0)

    alone = found_in([noisy(9, 30)], train=TRAIN)
    assert places(alone.memorised) == {0: (0, 0)}
    # A series of one motif, whose images are nearer to each other than the synthetic one is to any.
    series = found_in([noisy(9, 30)], train=[noisy(1, 2), noisy(2, 2), *TRAIN])
    assert series.memorised == ()


def test_authentic_is_who_is_further_from_its_neighbour_than_that_from_its_own():
    synthetic = [mirrored(TRAIN[5]), *NEW]
    found = found_in(synthetic, train=TRAIN)
    measure = CopyDetector([TRAIN], progress=False).measures[0]
    distances, rows = measure.nearest([sample.image for sample in synthetic])
    own = measure.nearest([TRAIN[row].image for row in rows], rows)[0]
    assert found.authentic == pytest.approx(np.mean(distances > own))
    assert found_in(synthetic).authentic is None


def test_what_cannot_be_read_is_told_and_the_others_are_audited():
    class Broken(list):
        def __getitem__(self, index):
            if index == 1:
                raise DataError("image 1 is broken")
            return super().__getitem__(index)

    found = found_in(Broken([NEW[0], NEW[1], TEST[2]]))
    assert found.unreadable == ((1, "image 1 is broken"),)
    assert places(found.copies) == {2: (0, 2)}
    assert found.images == 2


def test_bad_arguments_are_refused():
    with pytest.raises(ConfigError, match=r"alpha must lie in \(0, 0.05\], got 0.5"):
        found_in(NEW, alpha=0.5)
    with pytest.raises(ConfigError, match="each of the 0 protected sets must hold images"):
        audit(NEW, [], progress=False)
    with pytest.raises(ConfigError, match="parents tells of 2 images and there are 40"):
        found_in(NEW, train=TRAIN, parents=[1, 2])
    with pytest.raises(DataError, match="every protected image is constant"):
        audit(NEW, [[Sample(torch.zeros(3, 8, 8, dtype=torch.uint8), 0)]], progress=False)

import pytest

from genaug_data.errors import ConfigError
from genaug_data.generators import InDomainDiffusion, resolve_generator
from genaug_data.tasks import ClassificationTask, SegmentationTask


def test_auto_knows_the_ignored_pixels_and_bounds_the_size():
    generator = resolve_generator("auto", SegmentationTask(ignore_index=11))
    assert isinstance(generator, InDomainDiffusion)
    assert generator.identity == InDomainDiffusion(ignore_index=11).identity
    assert generator._learned._max_size == "auto"


def test_a_generator_of_the_users_own_is_taken_as_it_is():
    class Own:
        fingerprint = "own"

        def generate(self, parents, requests):
            return parents

    class Assigned:
        def __init__(self):
            self.fingerprint = "assigned"

        generate = Own.generate

    for own in (Own(), Assigned(), InDomainDiffusion()):
        assert resolve_generator(own, ClassificationTask(None)) is own


def test_what_is_no_generator_is_refused():
    with pytest.raises(ConfigError, match="generator must be \"auto\" or a generator, got 'sd'"):
        resolve_generator("sd", ClassificationTask(None))
    with pytest.raises(ConfigError, match="but int has no fingerprint and no generate: see"):
        resolve_generator(3, ClassificationTask(None))

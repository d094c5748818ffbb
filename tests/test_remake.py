from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genaug_data.errors import ConfigError, DataError, GeneratorError
from genaug_data.sample import Request, Sample
from tests.toys import Noisy, toy_base


class Forgetful(Noisy):
    """Makes another variant each time."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        self.calls += 1
        return [Sample(child.image + self.calls, child.target) for child in super().generate(parents, requests)]


def test_every_variant_comes_out_again(wrap: Callable) -> None:
    train = wrap()
    train.warmup(2)
    for entry in train._own().reader.entries():
        remade = train.remake(entry.key)
        assert remade.is_equal
        assert remade.difference == 0
        assert remade.provenance.parent == entry.parent
        assert not torch.equal(remade.made.image, train[entry.parent][0])


def test_a_difference_is_told_in_pixel_values(wrap: Callable) -> None:
    generator = Forgetful()
    train = wrap(generator=generator)
    train.warmup()
    generator.calls = 5
    remade = train.remake(train._own().reader.entries()[0].key)
    assert not remade.is_equal
    assert remade.difference == 5


def test_it_says_why_a_variant_cannot_be_made_again(wrap: Callable) -> None:
    base = toy_base(24)
    train = wrap(base)
    train.warmup()
    keys = {entry.parent: entry.key for entry in train._own().reader.entries()}
    with pytest.raises(DataError, match=f"has no variant {'00' * 16} that can be read; see genaug cache list"):
        train.remake(bytes(16))
    base[3] = (base[3][0] + 1, base[3][1])
    with pytest.raises(DataError, match=r"example 3, the parent of variant [0-9a-f]{32}, has changed since"):
        train.remake(keys[3])
    train._own().job.generator.fingerprint = "another"
    with pytest.raises(GeneratorError, match="was made by noisy, this is another; use the same generator"):
        train.remake(keys[4])


def test_the_fitted_generator_makes_its_variants_again(tmp_path: Path) -> None:
    from genaug_data import GenerativeAugmentDataset, InDomainDiffusion

    arguments = {"generator": InDomainDiffusion(max_steps=20, batch_size=8), "cache": tmp_path, "gates": []}
    arguments |= {"progress": False, "worker": "inline"}
    train = GenerativeAugmentDataset(toy_base(12), **arguments)
    train.warmup()
    train.close()
    again = GenerativeAugmentDataset(toy_base(12), **arguments)
    entries = again._own().reader.entries()
    assert len(entries) == 12
    # Made in batches of 12, and again one by one: the last bit of a sum may round the other way.
    assert all(again.remake(entry.key).difference <= 1 for entry in entries)


def test_a_key_may_be_the_text_that_the_command_line_lists(wrap: Callable) -> None:
    train = wrap()
    train.warmup()
    key = train._own().reader.entries()[3].key
    assert train.remake(key.hex()).provenance == train.remake(key).provenance
    with pytest.raises(ConfigError, match=r"a key has 32 hexadecimal digits, got 'x'"):
        train.remake("x")
    with pytest.raises(ConfigError, match=r"generator must be an object, got the class Noisy; write Noisy\(\)"):
        wrap(generator=Noisy)

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.pretrained import Canny, ControlNet, DrawnAnnotation, Estimated, ImageToImage
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator
from genaug_data.testing.tiny_models import save_controlnet, save_stable_diffusion_xl

RECIPE = Recipe(strength=0.5, guidance_scale=2.0, steps=4)
STARTS = pytest.mark.parametrize("start", ["parent", "noise"])


@pytest.fixture(scope="module")
def edges(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_controlnet(tmp_path_factory.mktemp("controlnet"), of=model)


def parents(count: int, shape: tuple[int, ...] = (3, 21, 30)) -> list[Sample]:
    draw = torch_generator(2)
    masks = torch.randint(0, 3, (count, *shape[1:]), generator=draw)
    return [Sample(torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw), mask) for mask in masks]


def orders(count: int) -> list[Request]:
    return [Request(number, 0, RECIPE, seed=number) for number in range(count)]


def furthest(ones: list[Sample], others: list[Sample]) -> int:
    return max(int((a.image.int() - b.image.int()).abs().max()) for a, b in zip(ones, others, strict=True))


@STARTS
@pytest.mark.parametrize("shape", [(3, 21, 30), (1, 16, 16), (4, 9, 16)])
def test_size_channels_and_annotation_come_back(model: Path, edges: Path, start: str, shape: tuple[int, ...]) -> None:
    generator = ControlNet(str(model), controlnet=str(edges), start=start, device="cpu")
    given = parents(2, shape)
    for made, parent in zip(generator.generate(given, orders(2)), given, strict=True):
        assert made.image.shape == shape
        assert made.target is parent.target


@STARTS
def test_a_variant_does_not_depend_on_its_batch(model: Path, edges: Path, start: str) -> None:
    generator = ControlNet(str(model), controlnet=str(edges), condition=DrawnAnnotation(), start=start, device="cpu")
    given = parents(5)
    together = generator.generate(given, orders(5))
    alone = [generator.generate([parent], [order])[0] for parent, order in zip(given, orders(5), strict=True)]
    assert furthest(together, alone) <= 1


@STARTS
def test_the_condition_decides_and_without_weight_it_does_not(model: Path, edges: Path, start: str) -> None:
    def made(condition: object, scale: float = 0.8) -> list[Sample]:
        generator = ControlNet(
            str(model), controlnet=str(edges), condition=condition, scale=scale, start=start, device="cpu"
        )
        return generator.generate(parents(2), orders(2))

    one, other = (
        Estimated(lambda image, seed=seed: torch.rand(image.shape[1:], generator=torch_generator(seed)), name="noise")
        for seed in (1, 2)
    )
    assert furthest(made(one), made(other)) > 1
    assert furthest(made(one, scale=0), made(other, scale=0)) <= 1


def test_without_weight_it_is_image_to_image(model: Path, edges: Path) -> None:
    generator = ControlNet(str(model), controlnet=str(edges), scale=0, device="cpu")
    plain = ImageToImage(str(model), device="cpu")
    assert furthest(generator.generate(parents(2), orders(2)), plain.generate(parents(2), orders(2))) <= 1


def test_the_condition_is_padded_as_its_image_is(model: Path, edges: Path) -> None:
    generator = ControlNet(str(model), controlnet=str(edges), condition=DrawnAnnotation(), device="cpu")
    [parent] = parents(1)
    size = generator.padded_size(21, 30)
    row, column = torch.arange(size[0]).clamp(max=20), torch.arange(size[1]).clamp(max=29)
    padded = Sample(parent.image[:, row][..., column], parent.target[row][:, column])
    [small], [large] = (generator.generate([one], orders(1)) for one in (parent, padded))
    assert small.image.equal(large.image[:, :21, :30])


def test_each_setting_is_part_of_the_name(model: Path, edges: Path, tmp_path: Path) -> None:
    other = save_controlnet(tmp_path, of=model, seed=1)
    made = [
        ControlNet(str(model), controlnet=str(edges)),
        ControlNet(str(model), controlnet=str(edges), condition=Canny(0.2, 0.3)),
        ControlNet(str(model), controlnet=str(edges), scale=0.5),
        ControlNet(str(model), controlnet=str(edges), start="noise"),
        ControlNet(str(model), controlnet=str(other)),
    ]
    assert len({generator.fingerprint for generator in made}) == 5
    assert len({generator.identity for generator in made}) == 5


def test_it_works_beside_a_model_of_another_family(tmp_path: Path) -> None:
    large = save_stable_diffusion_xl(tmp_path / "model")
    beside = save_controlnet(tmp_path / "controlnet", of=large)
    generator = ControlNet(str(large), controlnet=str(beside), device="cpu")
    still = ControlNet(str(large), controlnet=str(beside), scale=0, device="cpu")
    assert furthest(generator.generate(parents(2), orders(2)), still.generate(parents(2), orders(2))) > 1


def test_what_cannot_be_done_is_said(model: Path, edges: Path) -> None:
    with pytest.raises(ConfigError, match="start must be"):
        ControlNet(str(model), controlnet=str(edges), start="end")
    with pytest.raises(ConfigError, match="must not be negative"):
        ControlNet(str(model), controlnet=str(edges), scale=-1)
    with pytest.raises(GeneratorError, match="config\\.json is missing"):
        _ = ControlNet(str(model), controlnet=str(model)).fingerprint
    with pytest.raises(GeneratorError, match="holds a AutoencoderKL and no ControlNet"):
        ControlNet(str(model), controlnet=str(model / "vae"), device="cpu").generate(parents(1), orders(1))
    with pytest.raises(GeneratorError, match="needs a mask, boxes or points"):
        ControlNet(str(model), controlnet=str(edges), condition=DrawnAnnotation(), device="cpu").generate(
            [Sample(parents(1)[0].image, 3)], orders(1)
        )


@pytest.mark.parametrize("returned", [torch.zeros(3, 9, 9), torch.zeros(3, 21, 30, dtype=torch.uint8), None])
def test_a_condition_of_the_users_own_that_is_no_image_is_said(model: Path, edges: Path, returned: object) -> None:
    class Odd:
        identity = "Odd"

        def image(self, parent: Sample) -> object:
            return returned

    generator = ControlNet(str(model), controlnet=str(edges), condition=Odd(), device="cpu")
    with pytest.raises(GeneratorError, match=r"the condition Odd returned .*: return float \(3, 21, 30\)"):
        generator.generate(parents(1), orders(1))

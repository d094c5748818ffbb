import cloudpickle
import pytest
import torch
from torch.utils.data import Dataset

from genaug_data.errors import ConfigError, DataError, GeneratorError
from genaug_data.generators import SiblingDiffusion, check_variants, identity_of
from genaug_data.generators.base import ParentBatch
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator

WHOLE = Recipe(strength=1.0, guidance_scale=1.0, steps=8)


def barred(place, number, label, shape=(1, 8, 8)):
    """An image of a class: a bright bar at its place, and a brightness that varies within the class."""
    image = torch.randint(0, 30, shape, generator=torch_generator(number))
    image[:, :, place : place + 2] += 100 + 25 * (number % 5)
    return Sample(image.to(torch.uint8), label)


def bars(places=(0, 2, 3, 6), each=10, shape=(1, 8, 8), first=0):
    return [barred(place, 1000 * place + number, first + place, shape) for place in places for number in range(each)]


def small(**arguments):
    return SiblingDiffusion(**{"max_steps": 3, "batch_size": 4, "channels": (8, 8), "device": "cpu", **arguments})


def orders(count, recipe=WHOLE, seed=0):
    return [Request(number, 0, recipe, seed=seed + number) for number in range(count)]


def fit(generator, samples, folder):
    generator.fit(samples, folder, progress=False)
    return generator


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model that has learned how bars vary, from four places of six."""
    generator = small(
        transfer_from=bars(), max_steps=250, batch_size=24, channels=(8, 16), learning_rate=5e-3, bend=0.3
    )
    return fit(generator, [barred(4, 0, 77)], tmp_path_factory.mktemp("fit"))


def place_of(sample):
    columns = sample.image.float().mean(dim=(0, 1))
    return int((columns[:-1] + columns[1:]).argmax())


def test_siblings_show_the_class_of_their_parent_even_one_never_seen(fitted):
    parents = [barred(place, 7 + number, 50 + place) for place in (1, 4, 5) for number in range(8)]
    children = fitted.generate(parents, orders(24))
    check_variants(parents, children)
    assert sum(place_of(child) == place_of(parent) for child, parent in zip(children, parents, strict=True)) >= 20
    assert all(child.target == parent.target for child, parent in zip(children, parents, strict=True))


def test_siblings_vary_as_the_class_does(fitted):
    parent = barred(4, 0, 77)
    children = fitted.generate([parent] * 24, orders(24))
    bright = torch.tensor([child.image[:, :, 4:6].float().mean() for child in children])
    assert len({child.image.numpy().tobytes() for child in children}) == 24
    assert bright.std() > 10, "the parent's brightness says nothing of a sibling's"


def test_the_parent_is_the_condition_also_from_pure_noise(fitted):
    one, other = fitted.generate([barred(1, 0, 5), barred(5, 0, 5)], orders(2, seed=3))
    assert place_of(one) != place_of(other)


def test_a_weaker_edit_stays_nearer_to_the_parent(fitted):
    parents, away = bars(each=4), []
    for strength in (0.2, 0.5, 1.0):
        children = fitted.generate(parents, orders(len(parents), Recipe(strength, 1.0, 20)))
        pairs = zip(parents, children, strict=True)
        away.append(sum((parent.image.float() - child.image.float()).abs().mean().item() for parent, child in pairs))
    assert 0 < away[0] < away[1] < away[2]


def test_guidance_leads_away_from_what_needs_no_parent(fitted):
    parents = torch.stack([parent.image for parent in bars(each=2)]).float() / 127.5 - 1
    targets, seeds = [5] * len(parents), list(range(len(parents)))

    def made(scale):
        with torch.no_grad():
            return fitted.make(ParentBatch(parents, targets, Recipe(1.0, scale, 1), seeds))

    # A single step is linear in the scale, up to the clamp.
    null, one, two = made(0.0), made(1.0), made(2.0)
    free = (two.abs() < 1) & (one.abs() < 1) & (null.abs() < 1)
    assert free.float().mean() > 0.3
    torch.testing.assert_close(two[free], (2 * one - null)[free], atol=1e-4, rtol=1e-3)
    assert (one - null).abs().max() > 0.1


def test_the_null_condition_does_not_know_the_parent(fitted):
    one, other = (fitted.generate([barred(place, 0, 5)], orders(1, Recipe(1.0, 0.0, 4)))[0].image for place in (1, 5))
    assert one.equal(other)


def test_an_image_does_not_depend_on_its_batch(fitted):
    images = torch.stack([parent.image for parent in bars(each=4)]).float() / 127.5 - 1
    targets, seeds = [1] * 16, list(range(50, 66))
    recipe = Recipe(1.0, 2.0, 8)
    with torch.no_grad():
        together = fitted.make(ParentBatch(images, targets, recipe, seeds))
        for place in (0, 7, 15):
            part = slice(place, place + 1)
            alone = fitted.make(ParentBatch(images[part], targets[part], recipe, seeds[part]))
            assert (alone[0] - together[place]).abs().max() <= 1e-4


@pytest.mark.parametrize(
    ("samples", "channels"),
    [
        (bars(each=2, shape=(3, 8, 8)), (8, 8)),
        (bars(each=2, shape=(1, 7, 10)), (8, 8, 8)),
        (bars(each=1, shape=(3, 9, 9)) + bars(each=1, shape=(3, 11, 8)), (8, 8)),
        (bars(places=(0,), each=2), (8,)),
    ],
)
def test_any_small_set_with_a_pair_works(tmp_path, samples, channels):
    generator = fit(small(channels=channels), samples, tmp_path)
    children = generator.generate(samples, orders(len(samples)))
    check_variants(samples, children)
    for parent, order, child in zip(samples, orders(len(samples)), children, strict=True):
        [alone] = generator.generate([parent], [order])
        assert (child.image.int() - alone.image.int()).abs().max() <= 1


def test_single_examples_need_another_set(tmp_path):
    alone = bars(each=1)
    with pytest.raises(GeneratorError, match="each of the 4 classes has a single example: pass transfer_from="):
        fit(small(), alone, tmp_path)
    fit(small(transfer_from=bars()), alone, tmp_path).generate(alone, orders(4))


class Pictures(Dataset):
    """Labelled images as users have them."""

    def __len__(self):
        return 12

    def __getitem__(self, index):
        return bars()[index * 3].image, index // 3


def test_one_fit_on_another_set_serves_every_training_set(tmp_path):
    first = fit(small(transfer_from=Pictures()), bars(each=1), tmp_path)
    beats = []
    second = small(transfer_from=Pictures())
    second.fit(bars(places=(1, 4)), tmp_path, progress=False, beat=lambda: beats.append(1))
    assert beats == []
    assert second.fingerprint == first.fingerprint
    [folder] = tmp_path.iterdir()
    assert sorted(file.name for file in folder.iterdir()) == ["model.json", "model.safetensors"]


def test_fingerprint_and_identity_cover_what_was_learned_from(tmp_path):
    makers = [
        small(transfer_from=source, **more)
        for source, more in [
            (bars(), {}),
            (bars(each=9), {}),
            (bars(), {"rotations": True}),
            (bars(), {"bend": 0.1}),
            (bars(), {"seed": 1}),
            (None, {}),
        ]
    ]
    assert len({maker.identity for maker in makers}) == len(makers)
    assert len({fit(maker, bars(each=2), tmp_path).fingerprint for maker in makers}) == len(makers)
    assert all(maker.fingerprint.startswith("SiblingDiffusion/") for maker in makers)
    assert identity_of(makers[0], "a") != identity_of(makers[1], "a")
    assert small(device="meta", checkpoint_seconds=1.0).identity == small().identity
    assert makers[0].record.kind == "image"


def test_an_interrupted_fit_goes_on_and_ends_with_the_same_bits(tmp_path):
    arguments = {"max_steps": 14, "transfer_from": bars(), "rotations": True}
    whole, beats = small(**arguments), []
    whole.fit(bars(each=1), tmp_path / "whole", progress=False, beat=lambda: beats.append(1))

    class Stop(Exception):
        pass

    taken = []

    def beat():
        taken.append(1)
        if len(taken) == len(bars()) + 8:
            raise Stop

    with pytest.raises(Stop):
        small(**arguments, checkpoint_seconds=0.0).fit(bars(each=1), tmp_path / "cut", progress=False, beat=beat)
    taken = []
    again = small(**arguments)
    again.fit(bars(each=1), tmp_path / "cut", progress=False, beat=lambda: taken.append(1))
    assert len(taken) == len(beats) - 8, "it did not go on from the checkpoint"
    assert again.record == whole.record


def test_it_can_be_sent_to_another_process_before_and_after_the_fit(tmp_path):
    sent = fit(cloudpickle.loads(cloudpickle.dumps(small(transfer_from=bars()))), bars(each=1), tmp_path)
    expected = sent.generate(bars(each=1), orders(4))
    back = cloudpickle.loads(cloudpickle.dumps(sent))
    assert back.fingerprint == sent.fingerprint
    for child, other in zip(back.generate(bars(each=1), orders(4)), expected, strict=True):
        assert child.image.equal(other.image)


def test_what_cannot_work_is_refused(tmp_path, fitted):
    with pytest.raises(GeneratorError, match="SiblingDiffusion has not been fitted yet: call fit"):
        small().generate(bars(each=1), orders(4))
    with pytest.raises(ConfigError, match=r"bend must lie in \[0, 2\], got 3"):
        small(bend=3)
    with pytest.raises(DataError, match="is empty"):
        small(transfer_from=[])
    with pytest.raises(DataError, match="not recognised"):
        small(transfer_from=[5, 6])
    with pytest.raises(GeneratorError, match=r"fitted on images of 1 channel\(s\), found 3"):
        fit(small(transfer_from=bars(each=2)), bars(each=1, shape=(3, 8, 8)), tmp_path)
    with pytest.raises(GeneratorError, match=r"fitted on images of 1 channel\(s\), found 3"):
        fitted.generate(bars(each=1, shape=(3, 8, 8)), orders(4))
    mask = Sample(bars()[0].image, torch.zeros(8, 8).long())
    with pytest.raises(GeneratorError, match="a sibling of an image does not fit its mask"):
        fitted.generate([mask], orders(1))
    with pytest.raises(GeneratorError, match="found masks: pass InDomainDiffusion"):
        fit(small(), [mask, mask], tmp_path)
    with pytest.raises(GeneratorError, match=r"strength 0.1 of 4 steps leaves no denoising step"):
        fitted.generate(bars(each=1), orders(4, Recipe(strength=0.1, steps=4)))


def test_nothing_global_is_changed_and_bars_can_be_turned_off(tmp_path, capsys):
    state = torch.get_rng_state()
    fit(small(rotations=True), bars(), tmp_path).generate(bars(each=1), orders(4))
    assert torch.get_rng_state().equal(state)
    assert capsys.readouterr().err == ""


def test_it_says_when_it_steps(fitted):
    parents, taken = [barred(1, 7, 50)], []
    fitted.between_steps = lambda: taken.append(1)
    fitted.generate(parents, orders(1))
    del fitted.between_steps
    assert len(taken) == WHOLE.steps

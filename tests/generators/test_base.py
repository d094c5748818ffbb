import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators import BaseGenerator, check_variants, group_key, identity_of
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator


class Made(BaseGenerator):
    """Returns what a function makes of a batch."""

    identity = "made"

    def __init__(self, function, *, multiple=1, batch_size=64, kept=None):
        super().__init__(batch_size=batch_size, device="cpu")
        self.function, self.multiple, self.kept, self.batches = function, multiple, kept, []

    def make(self, batch):
        self.batches.append(batch)
        return self.function(batch)

    def unchanged(self, parent):
        return self.kept


def samples(*shapes):
    return [
        Sample(torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(number)), number)
        for number, shape in enumerate(shapes)
    ]


def requests(count, recipe=None):
    return [Request(number, 0, recipe or Recipe(), seed=100 + number) for number in range(count)]


def test_every_pixel_value_survives_the_way_to_floats_and_back():
    parent = Sample(torch.arange(256, dtype=torch.uint8).view(1, 16, 16), 3)
    [child] = Made(lambda batch: batch.images).generate([parent], requests(1))
    assert child.image.equal(parent.image)
    assert child.target == 3


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([0.3, 0.7])), max_size=12))
def test_mixed_lists_are_grouped_padded_and_put_back_in_order(described):
    parents = samples(*[(2, height, width) for height, width, _ in described])
    orders = [
        Request(number, 0, Recipe(strength=strength), seed=number) for number, (_, _, strength) in enumerate(described)
    ]
    maker = Made(lambda batch: -batch.images, multiple=4, batch_size=2)
    children = maker.generate(parents, orders)
    assert [child.target for child in children] == list(range(len(described)))
    for parent, child in zip(parents, children, strict=True):
        assert child.image.equal(255 - parent.image)
    for batch in maker.batches:
        assert len(batch.images) == len(batch.seeds) == len(batch.targets) <= 2
        assert batch.images.shape[2] % 4 == batch.images.shape[3] % 4 == 0
        assert all(described[seed][2] == batch.recipe.strength for seed in batch.seeds)


def test_masks_reach_the_model_padded_and_come_back_as_they_are():
    mask = torch.tensor([[1, 2, 3]])
    parent = Sample(torch.zeros(1, 1, 3, dtype=torch.uint8), mask)
    maker = Made(lambda batch: batch.images, multiple=2)
    [child] = maker.generate([parent], requests(1))
    assert maker.batches[0].targets[0].tolist() == [[1, 2, 3, 3], [1, 2, 3, 3]]
    assert child.target is mask


def test_what_must_stay_stays():
    kept = torch.zeros(4, 4, dtype=torch.bool)
    kept[1:3] = True
    [parent] = samples((3, 4, 4))
    [child] = Made(lambda batch: torch.ones_like(batch.images), kept=kept).generate([parent], requests(1))
    for row in range(4):
        expected = parent.image[:, row] if row in (1, 2) else torch.full((3, 4), 255)
        assert child.image[:, row].equal(expected.to(torch.uint8))


def test_values_beyond_the_range_are_clipped():
    children = Made(lambda batch: batch.images * 100).generate(samples((1, 4, 4)), requests(1))
    assert set(children[0].image.flatten().tolist()) <= {0, 255}


def test_a_variant_does_not_hold_the_memory_of_its_batch():
    children = Made(lambda batch: batch.images).generate(samples((1, 4, 4), (1, 4, 4)), requests(2))
    assert [child.image.untyped_storage().nbytes() for child in children] == [16, 16]


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda batch: batch.images[:1], "Made.make returned 1 images for 2 parents: return one for each"),
        (lambda batch: batch.images[..., :3], r"returned images of shape \(2, 1, 4, 3\): return \(2, 1, 4, 4\)"),
        (lambda batch: batch.images.byte(), r"returned torch.uint8 values: return floats in \[-1, 1\]"),
        (lambda batch: batch.images * float("nan"), "returned 32 values that are NaN or infinite: lower the guidance"),
        (lambda batch: batch.images.fill_(float("inf")), "returned 32 values that are NaN or infinite"),
    ],
)
def test_what_is_no_image_is_refused(function, sentence):
    with pytest.raises(GeneratorError, match=sentence):
        Made(function).generate(samples((1, 4, 4), (1, 4, 4)), requests(2))


def test_lists_of_unequal_length_are_refused():
    with pytest.raises(GeneratorError, match="got 1 requests for 2 parents: pass lists of equal length"):
        Made(lambda batch: batch.images).generate(samples((1, 4, 4), (1, 4, 4)), requests(1))


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(ConfigError, match="batch_size must be at least 1, got 0"):
        Made(lambda batch: batch.images, batch_size=0)


def test_the_device_is_chosen_late():
    maker = Made(lambda batch: batch.images)
    assert maker.device == torch.device("cpu")
    assert maker.to("meta") is maker
    assert maker.device.type == "meta"
    assert maker.to("auto").device.type == ("cuda" if torch.cuda.is_available() else "cpu")


IMAGE = torch.zeros(1, 2, 2, dtype=torch.uint8)
MASK = torch.zeros(2, 2, dtype=torch.int64)
BOXES = {"boxes": torch.zeros(3, 4), "labels": torch.zeros(3, dtype=torch.int64)}


@pytest.mark.parametrize(
    ("target", "child", "sentence"),
    [
        (1, IMAGE, "variant 0 is a Tensor: return a Sample"),
        (1, Sample([[0]], 1), r"has a list as image: return a uint8 tensor \(C, H, W\)"),
        (1, Sample(IMAGE.float(), 1), "has an image of torch.float32: return torch.uint8, values 0..255"),
        (1, Sample(IMAGE[:, :1], 1), r"has an image of shape \(1, 1, 2\): return \(1, 2, 2\), that of its parent"),
        (1, Sample(IMAGE.to("meta"), 1), "is on meta: return CPU tensors"),
        (1, Sample(IMAGE, 1.0), "has an annotation of type float: return int"),
        ("a cat", Sample(IMAGE, 1), "has an annotation of type int: return str"),
        (MASK, Sample(IMAGE, 1), r"has its annotation as int: return torch.int64 \(2, 2\)"),
        (MASK, Sample(IMAGE, MASK[:1]), r"has its annotation as torch.int64 \(1, 2\): return torch.int64 \(2, 2\)"),
        (MASK, Sample(IMAGE, MASK.float()), "has its annotation as torch.float32"),
        (
            BOXES,
            Sample(IMAGE, {"boxes": BOXES["boxes"]}),
            r"an annotation of \['boxes'\]: return .* \['boxes', 'labels'\]",
        ),
        (BOXES, Sample(IMAGE, 1), r"has an annotation of int: return a mapping of \['boxes', 'labels'\]"),
        (
            BOXES,
            Sample(IMAGE, {**BOXES, "boxes": torch.zeros(3, 5)}),
            r"has 'boxes' of its annotation as torch.float32",
        ),
    ],
)
def test_what_is_no_variant_is_refused(target, child, sentence):
    with pytest.raises(GeneratorError, match=sentence):
        check_variants([Sample(IMAGE, target)], [child])


def test_a_wrong_number_of_variants_is_refused():
    parent = Sample(IMAGE, 1)
    with pytest.raises(GeneratorError, match="returned 1 variants for 2 parents: return one for each, in order"):
        check_variants([parent, parent], [parent])


@pytest.mark.parametrize("target", [1, "a cat", MASK, BOXES])
def test_variants_of_the_same_kind_pass(target):
    check_variants([Sample(IMAGE, target)], [Sample(IMAGE + 1, target)])


def test_the_number_of_objects_may_change():
    fewer = {name: value[:1] for name, value in BOXES.items()}
    check_variants([Sample(IMAGE, BOXES)], [Sample(IMAGE, fewer)])


def test_requests_of_one_recipe_and_shape_go_together():
    small, large = samples((1, 4, 4), (1, 8, 8))
    one = Request(0, 0, Recipe(0.5), seed=1)
    assert group_key(one, small) == group_key(Request(9, 3, Recipe(0.5), seed=2, priority=1.0), small)
    assert group_key(one, small) != group_key(one, large)
    assert group_key(one, small) != group_key(Request(0, 0, Recipe(0.6), seed=1), small)


def test_identity_needs_no_fit_and_tells_training_sets_apart():
    class Own:
        fingerprint = "own"

    class Unfitted(Made):
        @property
        def fingerprint(self):
            raise AssertionError("asked for the fingerprint")

    assert identity_of(Own(), "a") != identity_of(Own(), "b")
    assert identity_of(Unfitted(None), "a") == identity_of(Made(None), "a")
    assert Made(None).fingerprint == "made"
    Made(None).fit([], None)

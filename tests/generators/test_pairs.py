import pytest
import torch

from genaug_data.errors import GeneratorError
from genaug_data.generators.examples import read_examples
from genaug_data.generators.pairs import PairLessons
from genaug_data.sample import Sample, content_hash
from genaug_data.seeding import derive, torch_generator

CPU = torch.device("cpu")


def numbered(labels, shape=(1, 4, 4)):
    """Images that say which example they are: their first pixel, the others are random."""
    found = []
    for number, label in enumerate(labels):
        image = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(number))
        image[:, 0, 0] = number
        found.append(Sample(image, label))
    return found


def lessons(samples, *, rotations=False, bend=0.0, new_classes=False, size=(4, 4)):
    examples = read_examples(samples, ignore_index=255, progress=False)
    return PairLessons(examples, size, rotations=rotations, bend=bend, new_classes=new_classes)


def levels(batch):
    return (batch + 1).mul(127.5).round().to(torch.uint8)


def drawn(found, count=400, seed=0):
    return [levels(part) for part in found.draw(count, torch_generator(seed), CPU)]


def test_pairs_are_two_different_examples_of_one_class():
    samples = numbered([number % 5 for number in range(30)] + [9])
    images, parents = drawn(lessons(samples))
    seen = set()
    for image, parent in zip(images, parents, strict=True):
        one, other = int(image[0, 0, 0]), int(parent[0, 0, 0])
        assert one != other
        assert samples[one].target == samples[other].target
        assert image.equal(samples[one].image)
        assert parent.equal(samples[other].image)
        seen.add((one, other))
    assert 30 not in {index for pair in seen for index in pair}, "an example that is alone has no sibling"
    assert len(seen) > 60


def test_every_class_is_equally_likely_and_every_pair_of_it():
    samples = numbered([0] * 40 + [1] * 3)
    images, _ = drawn(lessons(samples), count=2000)
    small = [int(image[0, 0, 0]) for image in images if int(image[0, 0, 0]) >= 40]
    assert 900 < len(small) < 1100
    assert {small.count(index) > 200 for index in set(small)} == {True}


def test_rotations_turn_both_alike_and_make_further_classes():
    samples = numbered([number % 3 for number in range(12)])
    images, parents = drawn(lessons(samples, rotations=True))
    turns = []
    for image, parent in zip(images, parents, strict=True):
        [turn] = [
            turn for turn in range(4) if any(torch.rot90(known.image, turn, (1, 2)).equal(image) for known in samples)
        ]
        [other] = [known for known in samples if torch.rot90(known.image, turn, (1, 2)).equal(parent)]
        assert not torch.rot90(other.image, turn, (1, 2)).equal(image)
        turns.append(turn)
    assert all(turns.count(turn) > 60 for turn in range(4))


def test_both_are_bent_alike():
    twins = [Sample(numbered([0])[0].image.clone(), 0) for _ in range(3)]
    images, parents = lessons(twins, bend=1.0).draw(8, torch_generator(0), CPU)
    assert images.equal(parents)
    assert not images[0].equal(images[1])
    still, _ = lessons(twins, bend=0.0).draw(8, torch_generator(0), CPU)
    assert levels(still)[0].equal(twins[0].image)


def test_draws_are_a_function_of_the_generator():
    samples = numbered([number % 3 for number in range(12)], (3, 4, 4))
    found = lessons(samples, rotations=True, bend=0.6)
    first, same, other = (found.draw(6, torch_generator(seed), CPU) for seed in (1, 1, 2))
    assert all(one.equal(two) for one, two in zip(first, same, strict=True))
    assert not first[0].equal(other[0])
    assert first[0].shape == first[1].shape == (6, 3, 4, 4)
    assert first[0].abs().max() <= 1


def test_examples_are_held_out_where_the_classes_are_known():
    samples = numbered([number % 3 for number in range(120)])
    found = lessons(samples)
    apart = {index for index in range(120) if int.from_bytes(content_hash(samples[index])[:8], "little") % 10 == 0}
    assert found.held_out == len(apart) > 4
    images, parents = (levels(part) for part in found.examine(0, found.held_out, CPU))
    assert {int(image[0, 0, 0]) for image in images} == apart
    for image, parent in zip(images, parents, strict=True):
        one, other = int(image[0, 0, 0]), int(parent[0, 0, 0])
        assert other not in apart
        assert samples[one].target == samples[other].target
    learned = {int(image[0, 0, 0]) for batch in drawn(found) for image in batch}
    assert learned.isdisjoint(apart)


def test_whole_classes_are_held_out_where_new_ones_are_to_come():
    samples = numbered([number % 60 for number in range(180)])
    found = lessons(samples, new_classes=True)
    apart = {label for label in range(60) if derive(0, "family", label) % 10 == 0}
    assert found.held_out == 3 * len(apart) > 0
    images, parents = (levels(part) for part in found.examine(0, found.held_out, CPU))
    for image, parent in zip(images, parents, strict=True):
        one, other = int(image[0, 0, 0]), int(parent[0, 0, 0])
        assert one != other
        assert samples[one].target == samples[other].target
    assert {samples[int(image[0, 0, 0])].target for image in images} == apart
    learned = {samples[int(image[0, 0, 0])].target for batch in drawn(found) for image in batch}
    assert learned == set(range(60)) - apart


@pytest.mark.parametrize("new_classes", [False, True])
@pytest.mark.parametrize("labels", [[4, 4], [1, 1, 2], [5, 5, 5, 5, 6, 6]])
def test_a_handful_is_learned_from_and_held_out_at_once(labels, new_classes):
    samples = numbered(labels)
    found = lessons(samples, new_classes=new_classes)
    assert found.held_out >= 1
    [images, parents] = found.examine(0, found.held_out, CPU)
    assert not any(image.equal(parent) for image, parent in zip(images, parents, strict=True))
    found.draw(5, torch_generator(0), CPU)


def test_what_has_no_pairs_is_refused():
    with pytest.raises(
        GeneratorError, match=r"each of the 3 classes has a single example: pass transfer_from=, another labelled"
    ):
        lessons(numbered([0, 1, 2]))
    mask = torch.zeros(4, 4).long()
    with pytest.raises(GeneratorError, match="need class ids as annotations, found masks: pass InDomainDiffusion"):
        lessons([Sample(sample.image, mask) for sample in numbered([0, 0])])
    with pytest.raises(GeneratorError, match="need square images, found 4x6 after padding: resize them, or pass rot"):
        lessons(numbered([0, 0], (1, 4, 6)), rotations=True, size=(4, 6))

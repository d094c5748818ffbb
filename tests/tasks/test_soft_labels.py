"""Labels that give every class a probability: recognised, read, written, shown."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch.nn import functional

from genaug_data.errors import ConfigError, DataError
from genaug_data.sample import Sample, class_id
from genaug_data.tasks import ClassificationTask, detect_task, resolve_task
from genaug_data.tasks.soft_label_format import SoftLabelFormat
from tests.tasks.items import BYTES, equal

SOFT = torch.tensor([0.25, 0.5, 0.25])
VECTORS = {
    "float32": SOFT,
    "float64": SOFT.double(),
    "float16": SOFT.half(),
    "numpy float32": SOFT.numpy(),
    "numpy float64": SOFT.double().numpy(),
}


class Named(list):
    """A dataset that says which classes it has."""

    classes = ("a", "b", "c")


@pytest.mark.parametrize("kind", VECTORS)
@pytest.mark.parametrize("build", [lambda label: (BYTES, label), lambda label: {"image": BYTES, "label": label}])
def test_vectors_of_probabilities_are_recognised_and_come_back_as_they_were(kind, build):
    item = build(VECTORS[kind])
    task = resolve_task("auto", [item])
    assert (task.name, task.num_classes, task.soft_labels) == ("classification", 3, True)
    sample = task.to_sample(item)
    assert type(sample.target) is torch.Tensor
    assert sample.target.tolist() == [0.25, 0.5, 0.25]
    assert task.class_of(sample) == class_id(sample.target) == 1
    assert equal(task.to_item(sample), item)
    assert task.as_shown(item) is item
    task.check_target(torch.tensor([0.0, 0.5, 0.5], dtype=sample.target.dtype))
    assert pickle.loads(pickle.dumps(task)) == task == resolve_task(task, [item])


@pytest.mark.parametrize("kind", VECTORS)
def test_neither_way_aliases(kind):
    vector = VECTORS[kind]
    stored = SoftLabelFormat.of(vector)
    read = stored.read(vector)
    written = stored.write(read)
    read.fill_(9)
    assert np.asarray(vector).tolist() == np.asarray(written).tolist() == [0.25, 0.5, 0.25]


@pytest.mark.parametrize("label", [2, np.int64(2), torch.tensor(2)])
@pytest.mark.parametrize("count", [None, 3])
def test_class_indices_are_shown_as_one_hot_vectors_where_that_is_asked_for(label, count):
    data = Named([(BYTES, label, "name"), (BYTES, 0, "other")])
    known = resolve_task(ClassificationTask(num_classes=count, soft_labels=True), data)
    assert (known.num_classes, known.soft_labels) == (3, True)
    sample = known.to_sample(data[0])
    assert equal(sample.target, torch.tensor([0.0, 0.0, 1.0]))
    assert equal(known.as_shown(data[0]), (BYTES, torch.tensor([0.0, 0.0, 1.0]), "name"))
    mixed = Sample(BYTES, SOFT)
    assert equal(known.to_item(mixed, like=lambda: data[1]), (BYTES, SOFT, "other"))
    known.check_target(SOFT)
    # What it shows it can read as well.
    assert equal(known.to_sample(known.as_shown(data[0])).target, sample.target)
    assert resolve_task(known, data) == known


def test_class_indices_among_vectors_are_one_hot():
    task = resolve_task("auto", [(BYTES, VECTORS["numpy float64"])])
    assert task.to_sample((BYTES, 1)).target.tolist() == [0.0, 1.0, 0.0]
    shown = task.as_shown((BYTES, 1))[1]
    assert isinstance(shown, np.ndarray)
    assert (shown.dtype, shown.tolist()) == (np.float64, [0.0, 1.0, 0.0])
    with pytest.raises(DataError, match=r"below the number of classes, 3, found 3: correct the label"):
        task.to_sample((BYTES, 3))


@pytest.mark.parametrize("values", [[0.5, 0.6], [1.5, -0.5], [float("nan"), 1.0], [0.0, 0.0], [float("inf"), 0.0]])
def test_vectors_that_are_no_probabilities_are_refused(values):
    with pytest.raises(DataError, match=r"must hold probabilities, none below 0 and of sum 1, found a least of"):
        detect_task((BYTES, torch.tensor(values)))
    task = detect_task((BYTES, torch.tensor([0.5, 0.5])))
    with pytest.raises(DataError, match="divide by the sum, or take the softmax"):
        task.check_target(torch.tensor(values))


def test_rounding_is_forgiven_up_to_a_thousand_classes_in_half_precision():
    for seed in range(5):
        values = torch.rand(1000, generator=torch.Generator().manual_seed(seed))
        assert SoftLabelFormat.of((values / values.sum()).half()).classes == 1000
        detect_task((BYTES, (values / values.sum()).half()))


def test_vectors_of_another_kind_than_the_first_are_refused():
    task = detect_task((BYTES, SOFT))
    for other in (SOFT.double(), SOFT.numpy(), torch.tensor([0.5, 0.5])):
        with pytest.raises(DataError, match=r"a label is SoftLabelFormat\(.*classes=3\): make them alike"):
            task.to_sample((BYTES, other))
    with pytest.raises(DataError, match="one probability for each of 4 classes, found 3"):
        resolve_task(ClassificationTask(num_classes=4), [(BYTES, SOFT)])
    with pytest.raises(DataError, match="must be a soft label of 3 classes, found a int: return the parent's own"):
        task.check_target(1)


def test_nobody_guesses_the_number_of_classes():
    with pytest.raises(ConfigError, match=r"soft labels need the number of classes, two at least, found None: pass"):
        resolve_task(ClassificationTask(soft_labels=True), [(BYTES, 1)])
    with pytest.raises(DataError, match="below the number of classes, 2, found 2"):
        resolve_task(ClassificationTask(num_classes=2, soft_labels=True), [(BYTES, 1)]).to_sample((BYTES, 2))


def test_the_loss_of_a_one_hot_vector_is_that_of_its_index():
    task = resolve_task(ClassificationTask(num_classes=3, soft_labels=True), [(BYTES, 2)])
    label = task.as_shown((BYTES, 2))[1]
    logits = torch.tensor([[0.1, 0.7, -0.3]])
    assert functional.cross_entropy(logits, label[None]).item() == pytest.approx(
        functional.cross_entropy(logits, torch.tensor([2])).item()
    )

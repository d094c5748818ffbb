import numpy as np
import pytest

from genaug_data.errors import ConfigError, DataError
from genaug_data.hardness import HardnessTable
from genaug_data.hardness.noise import ConfidentLearning, confident_learning
from genaug_data.seeding import numpy_generator


def doubtful(size=80, classes=4, apart=2, wrong=0.2, seed=0):
    random = numpy_generator(seed)
    right = random.integers(0, classes, size)
    logits = random.normal(size=(size, classes)) + apart * np.eye(classes)[right]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return probabilities, np.where(random.random(size) < wrong, (right + 1) % classes, right), right


def slow(probabilities, labels):
    classes, rows = len(probabilities[0]), range(len(labels))
    thresholds = []
    for k in range(classes):
        own = [probabilities[i][k] for i in rows if labels[i] == k]
        thresholds.append(sum(own) / len(own) if own else float("inf"))
    counted, scores = [], []
    joint = [[0.0] * classes for _ in range(classes)]
    for i in rows:
        confident = [k for k in range(classes) if probabilities[i][k] >= thresholds[k] - 1e-9]
        counted.append(max(confident, key=lambda k, i=i: probabilities[i][k]) if confident else -1)
        if confident:
            joint[labels[i]][counted[i]] += 1
        other = max(probabilities[i][k] for k in range(classes) if k != labels[i])
        scores.append((other - probabilities[i][labels[i]] + 1) / 2)
    for k in range(classes):
        share = labels.count(k) / len(labels) / sum(joint[k]) if k in labels else 0.0
        joint[k] = [value * share for value in joint[k]]
    return counted, scores, joint


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("rows", [1 << 16, 7])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_everything_equals_the_slow_loop(monkeypatch, classes, rows, dtype):
    monkeypatch.setattr(confident_learning, "_ROWS", rows)
    probabilities, labels, _ = doubtful(classes=classes)
    probabilities = probabilities.astype(dtype)
    counted, scores, joint = slow(probabilities.tolist(), labels.tolist())
    policy, table = ConfidentLearning(probabilities, labels), HardnessTable(80)
    expected = [found not in (-1, given) for found, given in zip(counted, labels, strict=True)]
    assert policy.suspects(table).tolist() == expected
    assert 0 < sum(expected) < 40
    assert -1 in counted
    suggested = [found if suspect else -1 for found, suspect in zip(counted, expected, strict=True)]
    assert policy.suggestions(table).tolist() == suggested
    assert policy.score(table).tolist() == pytest.approx(scores, abs=1e-6)
    assert policy.joint.tolist() == [pytest.approx(row) for row in joint]
    assert policy.noise_rate == pytest.approx(1 - sum(joint[k][k] for k in range(classes)))


def test_a_class_that_nobody_has():
    # Nobody is labelled 2, though a row prefers it.
    probabilities = [[0.6, 0.2, 0.2], [0.6, 0.1, 0.3], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7], [0.1, 0.6, 0.3]]
    labels = [0, 0, 1, 0, 1]
    counted, scores, joint = slow(probabilities, labels)
    policy = ConfidentLearning(probabilities, labels)
    assert counted == [0, 0, -1, -1, 1]
    assert policy.suggest(HardnessTable(5)).tolist() == counted
    assert policy.joint.tolist() == [pytest.approx(row) for row in joint]
    assert policy.joint.sum() == pytest.approx(1)
    assert policy.score(HardnessTable(5)).tolist() == pytest.approx(scores)


@pytest.mark.parametrize("count", [6, 33, 1000])
def test_equal_probabilities_are_confident_of_their_own_class(count):
    probabilities = np.tile([[0.7, 0.1, 0.2], [0.1, 0.7, 0.2], [0.2, 0.1, 0.7]], (count, 1))
    policy = ConfidentLearning(probabilities, np.tile([0, 1, 2], count))
    assert policy.suggest(HardnessTable(3 * count)).tolist() == [0, 1, 2] * count
    assert policy.noise_rate == pytest.approx(0)


def test_the_noise_rate_and_the_suspects_are_near_the_truth():
    probabilities, labels, right = doubtful(2000, classes=5, apart=6, wrong=0.1, seed=3)
    policy, table, wrong = ConfidentLearning(probabilities, labels), HardnessTable(2000), labels != right
    found = policy.suspects(table)
    assert policy.noise_rate == pytest.approx(0.1, abs=0.03)
    assert found[wrong].mean() > 0.7
    assert found[~wrong].mean() < 0.05
    assert (policy.suggestions(table)[found & wrong] == right[found & wrong]).mean() > 0.95


def test_inputs_and_answers_are_nobody_elses():
    probabilities, labels, _ = doubtful()
    before = probabilities.copy(), labels.copy()
    policy, table = ConfidentLearning(probabilities, labels), HardnessTable(80)
    expected = policy.score(table).copy(), policy.suspects(table).copy()
    policy.score(table)[:] = 0
    policy.suspects(table)[:] = True
    assert np.array_equal(probabilities, before[0])
    assert np.array_equal(labels, before[1])
    assert np.array_equal(policy.score(table), expected[0])
    assert np.array_equal(policy.suspects(table), expected[1])


@pytest.mark.parametrize(
    ("probabilities", "labels", "sentence"),
    [
        (np.ones((3, 1)), [0, 0, 0], r"must be \(N, classes\) and labels \(N,\), got \(3, 1\) and \(3,\); pass"),
        (np.full((3, 2), 0.5), [0, 1], r"got \(3, 2\) and \(2,\); pass one row for each example"),
        (np.full((2, 2), 0.5), [0, 2], r"labels must be integers from 0 to 1, got \[0 2\]; pass the labels that"),
        (np.full((2, 2), 0.5), [0, -1], "labels must be integers from 0 to 1"),
        (np.full((2, 2), 0.5), [0.0, 1.0], "labels must be integers from 0 to 1"),
        (np.full((2, 2), 0.4), [0, 1], "probabilities must be finite, not negative, and sum to 1"),
        (np.full((2, 2), np.nan), [0, 1], "probabilities must be finite, not negative, and sum to 1"),
        (np.array([[1.5, -0.5]]), [0], "probabilities must be finite, not negative, and sum to 1"),
    ],
)
def test_what_are_no_probabilities_of_labels_is_refused(probabilities, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        ConfidentLearning(probabilities, labels)


def test_another_dataset_is_refused():
    with pytest.raises(ConfigError, match=r"confident_learning must give one score for each of 9 examples"):
        ConfidentLearning(*doubtful()[:2]).suspects(HardnessTable(9))

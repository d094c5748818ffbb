import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genaug_data.errors import DataError
from genaug_data.hardness import RowStatistics, check_feedback, row_statistics
from genaug_data.seeding import torch_generator


def slow_element(logits: list[float], label: int) -> list[float]:
    """Entropy, probability, margin, AUM, correctness, error and lead of one element, in plain python."""
    largest = max(logits)
    total = sum(math.exp(z - largest) for z in logits)
    probability = [math.exp(z - largest) / total for z in logits]
    entropy = -sum(p * math.log(p) for p in probability if p > 0) / math.log(len(logits))
    first, second = sorted(probability, reverse=True)[:2]
    other = max(z for i, z in enumerate(logits) if i != label)
    error = math.sqrt(sum((p - (i == label)) ** 2 for i, p in enumerate(probability)))
    lead = probability[label] - max(p for i, p in enumerate(probability) if i != label)
    right = float(logits[label] > other)
    return [entropy, probability[label], first - second, logits[label] - other, right, error, lead]


def batch(rows, classes, *pixels, seed=0):
    generator = torch_generator(seed)
    logits = 3 * torch.randn(rows, classes, *pixels, generator=generator)
    target = torch.randint(0, classes, (rows, *pixels), generator=generator)
    return torch.rand(rows, *pixels, generator=generator), logits, target


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(2, 7), st.integers(0, 1000))
def test_rows_equal_the_slow_loop(rows, classes, seed):
    loss, logits, target = batch(rows, classes, seed=seed)
    statistics = row_statistics(loss, logits, target)
    assert statistics.shape == (9, rows)
    assert statistics.dtype == torch.float32
    for row in range(rows):
        *others, error, lead = slow_element(logits[row].tolist(), int(target[row]))
        expected = [loss[row].item(), *others, float(target[row]), error, lead]
        assert statistics[:, row].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("loss_of_rows", [False, True])
def test_masks_give_means_over_valid_pixels(loss_of_rows):
    loss, logits, target = batch(3, 4, 2, 3)
    target[0, 0, :2] = 255
    target[1, 1, 2] = -1
    given = torch.rand(3, generator=torch_generator(9)) if loss_of_rows else loss
    statistics = row_statistics(given, logits, target, ignore_index=255)
    for row in range(3):
        elements, losses = [], []
        for y in range(2):
            for x in range(3):
                if 0 <= target[row, y, x] < 4:
                    elements.append(slow_element(logits[row, :, y, x].tolist(), int(target[row, y, x])))
                    losses.append(loss[row, y, x].item())
        *means, error, lead = [sum(column) / len(elements) for column in zip(*elements, strict=True)]
        mean_loss = given[row].item() if loss_of_rows else sum(losses) / len(losses)
        assert statistics[:, row].tolist() == pytest.approx([mean_loss, *means, 0.0, error, lead], abs=1e-5)


def test_ignored_labels_of_a_row_or_a_whole_mask_give_nan():
    loss, logits, target = batch(3, 4)
    target[1] = 2
    target[0], target[2] = 0, 1
    statistics = row_statistics(loss, logits, target, ignore_index=2)
    assert statistics[:, 1].isnan().all()
    assert statistics[:, [0, 2]].isfinite().all()
    loss, logits, target = batch(2, 4, 2, 2)
    target[0] = 255
    statistics = row_statistics(loss, logits, target, ignore_index=255)
    assert statistics[:, 0].isnan().all()
    assert statistics[:, 1].isfinite().all()


def test_an_ignore_index_that_is_a_class_is_ignored_in_masks():
    loss, logits, target = batch(1, 3, 2, 2)
    target[:] = torch.tensor([[[0, 1], [1, 1]]])
    statistics = row_statistics(loss, logits, target, ignore_index=1)
    assert statistics[0, 0].item() == pytest.approx(loss[0, 0, 0].item())


def test_without_logits_only_the_loss_is_known():
    loss = torch.tensor([[[1.0, 3.0]], [[0.5, 0.5]]])
    statistics = RowStatistics(*row_statistics(loss))
    assert statistics.loss.tolist() == [2.0, 0.5]
    assert torch.stack(statistics[1:]).isnan().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    loss, logits, target = batch(5, 6)
    halves, halved_loss = logits.to(dtype), loss.to(dtype)
    assert torch.equal(
        row_statistics(halved_loss, halves, target), row_statistics(halved_loss.float(), halves.float(), target)
    )


def test_ends_of_the_entropy_and_a_class_masked_with_infinity():
    even, certain = torch.zeros(1, 5), torch.tensor([[200.0, 0, 0, 0, 0]])
    masked = torch.tensor([[1.0, 1.0, -math.inf, -math.inf, -math.inf]])
    logits = torch.cat([even, certain, masked])
    statistics = RowStatistics(*row_statistics(torch.ones(3), logits, torch.zeros(3, dtype=torch.int64)))
    assert statistics.entropy.tolist() == pytest.approx([1.0, 0.0, math.log(2) / math.log(5)])
    assert statistics.margin.tolist() == pytest.approx([0.0, 1.0, 0.0])
    assert statistics.correct.tolist() == [0.0, 1.0, 0.0]
    assert statistics.error_norm.tolist() == pytest.approx([math.sqrt(0.8), 0.0, math.sqrt(0.5)])
    assert statistics.lead.tolist() == pytest.approx([0.0, 1.0, 0.0])
    last = RowStatistics(*row_statistics(torch.ones(3), logits, torch.full((3,), 4)))
    assert last.lead.tolist() == pytest.approx([0.0, -1.0, -0.5])


def test_inputs_and_gradients_are_left_alone():
    loss, logits, target = batch(4, 3)
    logits.requires_grad_()
    target[0] = -100
    before = logits.detach().clone(), target.clone(), loss.clone()
    assert not row_statistics(loss, logits, target, -100).requires_grad
    assert torch.equal(logits.detach(), before[0])
    assert torch.equal(target, before[1])
    assert torch.equal(loss, before[2])


def test_an_empty_batch_gives_an_empty_matrix():
    assert row_statistics(torch.zeros(0)).shape == (9, 0)
    assert row_statistics(torch.zeros(0), torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)).shape == (9, 0)


class Reads(torch.utils._python_dispatch.TorchDispatchMode):
    """Notes every operation that reads values back or has a shape that depends on them."""

    def __init__(self):
        super().__init__()
        self.reads = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function in (
            torch.ops.aten._local_scalar_dense.default,
            torch.ops.aten.nonzero.default,
            torch.ops.aten.masked_select.default,
            torch.ops.aten.index.Tensor,
            torch.ops.aten.equal.default,
        ):
            self.reads.append(str(function))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("pixels", [(), (2, 3)])
def test_no_value_is_read_back(pixels):
    loss, logits, target = batch(4, 3, *pixels)
    with Reads() as watched:
        row_statistics(loss, logits, target, ignore_index=1)
    assert watched.reads == []
    with Reads() as watched:
        assert loss.sum() > 0
        loss[loss > 0.5]
    assert len(watched.reads) >= 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_is_not_synchronised():
    loss, logits, target = (value.cuda() for value in batch(4, 3))
    torch.cuda.set_sync_debug_mode("error")
    try:
        statistics = row_statistics(loss, logits, target, ignore_index=1)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert statistics.is_cuda


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((torch.tensor(1.0),), r"loss must hold one value a row, got a scalar; compute it with reduction='none'"),
        ((torch.ones(2), torch.ones(3, 2), torch.ones(3).long()), r"logits must have the batch's 2 rows, got 3; pass"),
        ((torch.ones(2), torch.ones(2, 2), torch.ones(3).long()), r"target must have the batch's 2 rows, got 3; pass"),
        ((torch.ones(2), torch.ones(2, 2), torch.tensor(1)), r"target must have the batch's 2 rows, got a scalar"),
        ((torch.ones(2), torch.ones(2, 2)), r"logits of shape \(2, 2\) came without target; pass the labels too"),
        (
            (torch.ones(2), torch.ones(2), torch.ones(2).long()),
            r"must be \(B, classes, ...\).*got \(2,\) and \(2,\)",
        ),
        (
            (torch.ones(2), torch.ones(2, 1), torch.ones(2).long()),
            r"got \(2, 1\) and \(2,\); a binary problem needs",
        ),
        ((torch.ones(2), torch.ones(2, 3, 4, 4), torch.ones(2).long()), r"got \(2, 3, 4, 4\) and \(2,\)"),
        (
            (torch.ones(2, 3), torch.ones(2, 3), torch.ones(2).long()),
            r"loss must be \(B,\) or have the shape \(2,\)",
        ),
        (
            (torch.ones(2), torch.ones(2, 3), torch.ones(2)),
            r"class ids as integers, got torch.float32; pass",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(arguments, sentence):
    with pytest.raises(DataError, match=sentence):
        row_statistics(*arguments)


def slow_soft(logits: list[float], soft: list[float]) -> list[float]:
    """The same as :func:`slow_element` for a soft label, whose overlap with the prediction is the probability."""
    label = max(range(len(soft)), key=lambda number: soft[number])
    entropy, _, margin, aum, right, _, lead = slow_element(logits, label)
    total = sum(math.exp(z - max(logits)) for z in logits)
    probability = [math.exp(z - max(logits)) / total for z in logits]
    overlap = sum(min(p, q) for p, q in zip(probability, soft, strict=True))
    error = math.sqrt(sum((p - q) ** 2 for p, q in zip(probability, soft, strict=True)))
    return [entropy, overlap, margin, aum, right, float(label), error, lead]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_soft_labels_equal_the_slow_loop(dtype):
    loss, logits, _ = batch(6, 5, seed=3)
    soft = torch.rand(6, 5, generator=torch_generator(4)).softmax(1).to(dtype)
    statistics = row_statistics(loss, logits, soft)
    for row in range(6):
        expected = [loss[row].item(), *slow_soft(logits[row].tolist(), soft[row].tolist())]
        assert statistics[:, row].tolist() == pytest.approx(expected, abs=1e-5)


def test_one_hot_vectors_say_what_class_ids_say():
    loss, logits, target = batch(8, 4, seed=5)
    one_hot = torch.nn.functional.one_hot(target, 4).float()
    assert torch.allclose(row_statistics(loss, logits, one_hot), row_statistics(loss, logits, target), atol=1e-6)


def test_a_soft_label_that_the_network_repeats_has_probability_one_and_one_that_says_nothing_does_not_count():
    logits = torch.tensor([[0.0, 1.0, 2.0]] * 3)
    soft = torch.stack([logits[0].softmax(0), torch.zeros(3), torch.tensor([math.nan, 0.5, 0.5])])
    statistics = RowStatistics(*row_statistics(torch.ones(3), logits, soft))
    assert statistics.probability[0].item() == pytest.approx(1)
    assert statistics.error_norm[0].item() == pytest.approx(0, abs=1e-6)
    assert torch.stack(statistics)[:, 1:].isnan().all()


def test_vectors_are_labels_only_where_the_task_has_such():
    loss, logits, _ = batch(2, 3)
    soft = torch.full((2, 3), 1 / 3)
    check_feedback(loss, logits, soft, soft_labels=True)
    with pytest.raises(DataError, match=r"got \(2, 3\) and \(2, 3\); .*"):
        check_feedback(loss, logits, soft)
    with pytest.raises(DataError, match=r"logits must be \(B, classes, ...\) and target"):
        check_feedback(loss, logits, soft[:, :2], soft_labels=True)

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
import torch

from genaug_data.errors import DataError
from genaug_data.feedback import Feedback
from genaug_data.hardness import HardnessTable, TrialLedger
from genaug_data.meta import SampleMeta

KEY = b"k" * 16


def feedback(size: int = 10) -> Feedback:
    return Feedback(HardnessTable(size), TrialLedger(uses=1))


def test_real_rows_reach_the_table_and_synthetic_rows_the_ledger() -> None:
    one = feedback()
    one.ledger.enter([KEY])
    meta = SampleMeta.pack([3, 3, 5], [None, KEY, None])
    logits = torch.tensor([[4.0, 0.0], [-9.0, 9.0], [0.0, 0.0]])
    one.put(meta, torch.tensor([0.5, 9.0, 0.7]), logits, torch.tensor([0, 0, 1]))
    assert one.table.observations.sum() == 0
    assert one.apply() == 1
    assert np.flatnonzero(one.table.observations).tolist() == [3, 5]
    assert one.table.loss_ema[[3, 5]].tolist() == pytest.approx([0.5, 0.7])
    assert one.ledger.retired() == {KEY: "wrong"}
    assert one.counts.rows == 3


def test_feedback_of_an_unknown_variant_is_counted() -> None:
    one = feedback()
    one.put(SampleMeta.pack([3], [KEY]), torch.tensor([0.5]), None, None)
    one.apply()
    assert one.counts.unknown == 1


def test_the_caller_may_overwrite_what_was_put() -> None:
    one, loss, logits, target = feedback(), torch.ones(1), torch.zeros(1, 2), torch.zeros(1, dtype=torch.long)
    one.put(SampleMeta.pack([1], [None]), loss, logits, target)
    loss.fill_(100)
    logits.fill_(float("nan"))
    one.apply()
    assert one.table.loss_ema[1] == 1
    assert one.table.entropy_ema[1] == pytest.approx(1.0)


def test_no_graph_is_kept_and_none_is_needed() -> None:
    one = feedback()
    weight = torch.ones(2, 2, requires_grad=True)
    logits = torch.ones(1, 2) @ weight
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0]), reduction="none")
    one.put(SampleMeta.pack([1], [None]), loss, logits, torch.tensor([0]))
    loss.mean().backward()
    one.apply()
    assert one.table.predictions[1] == 1
    assert weight.grad is not None


def test_too_much_feedback_is_dropped_and_counted_and_never_blocks() -> None:
    one = feedback()
    for _ in range(300):
        one.put(SampleMeta.pack([1], [None]), torch.ones(1), None, None)
    assert one.counts.late == 300 - one.apply()
    assert one.table.observations[1] == 300 - one.counts.late


def test_applying_ends_while_a_fast_loop_goes_on_putting() -> None:
    one, meta, stop = feedback(), SampleMeta.pack([1], [None]), threading.Event()

    def put() -> None:
        while not stop.is_set():
            one.put(meta, torch.ones(1), None, None)

    thread = threading.Thread(target=put)
    thread.start()
    try:
        assert sum(one.apply() for _ in range(20)) <= 20 * 256
    finally:
        stop.set()
        thread.join()


def test_what_is_no_meta_is_refused() -> None:
    with pytest.raises(DataError, match="meta must be the SampleMeta of the batch, got Tensor"):
        feedback().put(torch.zeros(1), torch.zeros(1), None, None)  # type: ignore[arg-type]


def test_masks_are_averaged_over_their_valid_pixels() -> None:
    one = Feedback(HardnessTable(4), TrialLedger(), ignore_index=255)
    logits = torch.zeros(1, 2, 1, 2)
    logits[0, :, 0, 0] = torch.tensor([50.0, 0.0])
    target = torch.tensor([[[0, 255]]])
    one.put(SampleMeta.pack([2], [None]), torch.tensor([[[0.25, 0.0]]]), logits, target)
    one.apply()
    assert one.table.loss_ema[2] == pytest.approx(0.25)
    assert one.table.probability_sum[2] == pytest.approx(1.0)
    assert one.table.last_correct[2] == 1


def test_synthetic_rows_never_change_the_table(wrap: Callable) -> None:
    train = wrap(policy="uniform", ratio=0.5)
    train.warmup()
    train.start()
    _, labels, meta = next(iter(train.loader(batch_size=8)))
    train.observe(meta, torch.full((8,), 2.0), torch.zeros(8, 3), labels)
    observations = train._own().loop.feedback.table.observations
    assert sorted(np.flatnonzero(observations)) == sorted(set(meta.index[~meta.synthetic]))


def test_useless_feedback_is_counted_and_survived(wrap: Callable) -> None:
    train = wrap(policy="uniform")
    _, labels, meta = next(iter(train.loader(batch_size=8)))
    loss = torch.tensor([float("nan"), float("inf"), 1, 1, 1, 1, 1, 1])
    train.observe(meta, loss, torch.zeros(8, 3), labels)
    train.observe(meta, loss, torch.zeros(8, 3), labels)
    meta = SampleMeta(meta.rows.copy())
    meta.rows["index"][2:4] = (-1, 10**9)
    train.observe(meta, torch.ones(8), torch.zeros(8, 3, dtype=torch.bfloat16), labels)
    counts = train._own().loop.feedback.counts
    assert (counts.rows, counts.not_finite, counts.out_of_range, counts.repeated) == (16, 2, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((torch.tensor(1.0),), "got a scalar; compute it with reduction='none'"),
        ((torch.ones(3),), "loss must have the batch's 8 rows, got 3"),
        ((torch.ones(8), torch.ones(4, 3), torch.ones(8)), "logits must have the batch's 8 rows, got 4"),
        ((torch.ones(8), torch.ones(8, 3)), "came without target; pass the labels too"),
        ((torch.ones(8), torch.ones(8, 3, device="meta"), torch.ones(8)), "logits is on the device meta, which holds"),
    ],
)
def test_wrong_feedback_is_refused_in_a_sentence(wrap: Callable, arguments: tuple, sentence: str) -> None:
    train = wrap()
    meta = next(iter(train.loader(batch_size=8)))[-1]
    with pytest.raises(DataError, match=sentence):
        train.observe(meta, *arguments)

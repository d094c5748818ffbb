from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest

from genaug_data.auto_off import AutoOff
from genaug_data.seeding import numpy_generator
from genaug_data.usefulness import UsefulnessMeter

SIZE, CLASSES, BATCH = 240, 4, 24
LABELS = np.arange(SIZE) % CLASSES


class Stream:
    """Steps of a run whose loss falls with time, and is lower by a share for every variant of a class in this epoch."""

    def __init__(self, meter: UsefulnessMeter, effects: list[float], seed: int = 0) -> None:
        self.meter = meter
        self.effects = np.array(effects)
        self.draw = numpy_generator(seed)
        self.step = 0
        self.order: list[int] = []

    def run(self, epochs: int) -> list[tuple[np.ndarray, ...]]:
        steps = []
        for _ in range(epochs):
            allotment, trained = self.meter.allot(LABELS), np.zeros(CLASSES)
            may = np.flatnonzero(~allotment.never)
            for _ in range(SIZE // BATCH):
                if len(self.order) < BATCH:
                    self.order += self.draw.permutation(SIZE).tolist()
                index, self.order = np.array(self.order[:BATCH]), self.order[BATCH:]
                synthetic = np.arange(BATCH) % 2 == 1
                parents = self.draw.choice(may, BATCH) if len(may) else index
                synthetic &= (self.draw.random(BATCH) < allotment.keep[parents]) & (len(may) > 0)
                index[synthetic] = parents[synthetic]
                trained += np.bincount(LABELS[index[synthetic]], minlength=CLASSES)
                noise = np.exp(self.draw.normal(0, 0.2, BATCH))
                loss = (1 + LABELS[index]) * noise * np.exp(-self.step / 500 - (self.effects * trained).sum())
                row = (index, synthetic, LABELS[index], loss)
                self.meter.update(*row)
                steps.append(row)
                self.step += 1
        return steps


def test_gains_are_those_of_a_plain_loop() -> None:
    meter = UsefulnessMeter(AutoOff(0.2), SIZE, seed=3)
    steps = Stream(meter, [0.01, -0.01, 0.0, 0.005]).run(14)
    changes, shown = [], []
    for pair in range(7):
        halves = [steps[(2 * pair + part) * 10 : (2 * pair + part + 1) * 10] for part in (0, 1)]
        losses: list[dict[int, list[float]]] = [defaultdict(list), defaultdict(list)]
        counts = np.zeros((2, CLASSES))
        for part, half in enumerate(halves):
            for index, synthetic, labels, values in half:
                for example, made, label, value in zip(index.tolist(), synthetic, labels, values, strict=True):
                    counts[part][label] += made
                    if meter.held_out[example] and not made:
                        losses[part][example].append(value)
        both = [example for example in losses[0] if example in losses[1]]
        first, second = (sum(np.mean(loss[example]) for example in both) for loss in losses)
        changes.append(math.log(second / first))
        shown.append(counts[0] - counts[1])
    together = spread = np.zeros(CLASSES)
    weight, total, square = 0.0, 0.0, 0.0
    for change, more in zip(changes, shown, strict=True):
        # What the pairs before this one had in common is what time alone does.
        left = change - (total / weight if weight else change)
        together, spread = 0.95 * together + more * left, 0.95 * spread + more**2
        weight, total, square = 0.95 * weight + 1, 0.95 * total + change, 0.95 * square + left**2
    for found in meter.table():
        assert found.gain == pytest.approx(together[found.label] / spread[found.label])
        assert found.error == pytest.approx(math.sqrt(square / (weight - 1) / spread[found.label]))
        assert found.keep == 1
        assert math.isnan(found.failing)


def test_classes_whose_variants_harm_lose_them_and_those_whose_variants_help_keep_them() -> None:
    helpful = []
    for seed in range(5):
        meter = UsefulnessMeter(AutoOff(0.25), SIZE, seed)
        Stream(meter, [0.01, -0.01, 0.01, -0.01], seed).run(100)
        found = meter.table()
        assert [found[label].keep for label in (1, 3)] == [0, 0]
        assert [known.gain > 0 for known in found] == [True, False, True, False]
        helpful += [found[label].keep for label in (0, 2)]
        may = meter.may_be_parents(LABELS)
        assert [bool(may[place]) for place in range(SIZE)] == [
            not meter.held_out[place] and LABELS[place] in (0, 2) for place in range(SIZE)
        ]
    # With eight pairs, what another class does can look like the class's own doing.
    assert min(helpful) > 0
    assert np.mean(helpful) > 0.85


def test_nothing_is_decided_by_epochs_without_variants() -> None:
    meter = UsefulnessMeter(AutoOff(0.25), SIZE, seed=0)
    real = np.zeros(SIZE, dtype=bool)
    for _ in range(14):
        for part in np.split(np.arange(SIZE), SIZE // BATCH):
            meter.update(part, real[part], LABELS[part], np.ones(BATCH))
    stream = Stream(meter, [-0.01] * CLASSES)
    # The generator took seven pairs; the eighth is the first that has variants, and seven more must follow.
    stream.run(2)
    assert all(math.isnan(found.gain) and found.keep == 1 for found in meter.table())
    stream.run(12)
    assert [found.keep for found in meter.table()] == [1] * CLASSES
    stream.run(2)
    assert min(found.keep for found in meter.table()) == 0.5


def test_variants_that_change_nothing_become_fewer() -> None:
    kept = []
    for seed in range(10):
        meter = UsefulnessMeter(AutoOff(0.25), SIZE, seed)
        Stream(meter, [0.0] * CLASSES, seed).run(200)
        kept += [found.keep for found in meter.table()]
    assert np.mean(kept) < 0.6


def test_each_class_has_variants_in_one_block_of_each_pair() -> None:
    meter = UsefulnessMeter(AutoOff(0.25), SIZE, seed=0)
    stream, order = Stream(meter, [0.0] * CLASSES), []
    stream.run(2)
    for _ in range(6):
        on = []
        for _ in range(2):
            allotment = meter.allot(LABELS)
            assert (allotment.never == meter.held_out).all()
            on.append([allotment.keep[label == LABELS].min() > 0 for label in range(CLASSES)])
            stream.run(1)
        assert [one != other for one, other in zip(*on, strict=True)] == [True] * CLASSES
        order.append(on[0])
    # In no fixed order.
    assert len({tuple(first) for first in order}) > 2
    unknown = meter.allot(np.full(SIZE, -1))
    assert (unknown.keep == 1).all()
    # As a forged table may say.
    assert (meter.allot(np.full(SIZE, -1000)).keep == 1).all()


def test_a_class_that_comes_late_is_not_decided_about_at_once() -> None:
    for seed in range(20):
        meter = UsefulnessMeter(AutoOff(0.25), SIZE, seed)
        steps = Stream(UsefulnessMeter(AutoOff(0.25), SIZE, seed), [0.0] * CLASSES, seed).run(16)
        for number, (index, synthetic, labels, loss) in enumerate(steps):
            # Of the last class there are variants in the eighth pair only, after which it is decided.
            meter.update(index, synthetic & ((labels != 3) | (number >= 140)), labels, loss)
        assert meter.table()[3].keep == 1


def test_of_several_ranks_each_counts_its_own_share_of_an_epoch() -> None:
    whole, half = UsefulnessMeter(AutoOff(0.25), SIZE, 0), UsefulnessMeter(AutoOff(0.25), SIZE, 0, 1, SIZE // 2)
    for row in Stream(UsefulnessMeter(AutoOff(0.25), SIZE, 0), [0.0] * CLASSES).run(1)[:5]:
        whole.update(*row)
        half.update(*row)
    # After half an epoch, the second block has begun where two ranks share one.
    assert (whole.allot(LABELS).keep == 1 - half.allot(LABELS).keep).all()


def test_a_block_lasts_for_three_refreshes() -> None:
    meter = UsefulnessMeter(AutoOff(0.25), SIZE, seed=0, refresh_every=5)
    stream = Stream(meter, [0.0] * CLASSES)
    stream.run(1)
    first = meter.allot(LABELS).keep
    # An epoch has ten steps.
    meter.update(np.arange(BATCH), np.zeros(BATCH, dtype=bool), LABELS[:BATCH], np.ones(BATCH))
    assert (meter.allot(LABELS).keep == first).all()
    for _ in range(4):
        meter.update(np.arange(BATCH), np.zeros(BATCH, dtype=bool), LABELS[:BATCH], np.ones(BATCH))
    assert (meter.allot(LABELS).keep == 1 - first).all()


def test_classes_whose_variants_fail_their_trial_lose_them() -> None:
    meter = UsefulnessMeter(AutoOff(0.0), SIZE, seed=0)
    assert not meter.held_out.any()
    stream = Stream(meter, [0.0] * CLASSES)
    for _ in range(24):
        # In eight epochs, of the first 36 of 39, of the second 12 of 24, of the third too few to say.
        meter.judge(np.array([0] * 9 + [1] * 3 + [2]), np.array([0] * 3 + [1] * 12))
        assert [known.failing > 0.5 for known in meter.table()[:2]] == [True, False]
        stream.run(2)
    assert [known.keep for known in meter.table()] == [0, 1, 1, 1]
    assert (meter.may_be_parents(LABELS) == (LABELS != 0)).all()


def test_a_restored_meter_goes_on_as_the_saved_one() -> None:
    rules = AutoOff(0.25)
    meter, other = UsefulnessMeter(rules, SIZE, seed=1), UsefulnessMeter(rules, SIZE, seed=1)
    stream = Stream(meter, [0.01, -0.01, 0.005, 0.0])
    stream.run(21)
    meter.judge(np.array([1, 1]), np.array([0]))
    other.load_state_dict(meter.state_dict())
    for row in stream.run(30):
        other.update(*row)
    assert any(found.keep < 1 for found in meter.table())
    for name, column in meter.state_dict().items():
        np.testing.assert_array_equal(column, other.state_dict()[name])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keep", np.array([2.0] * CLASSES)),
        ("first_loss", np.zeros(3)),
        ("spread", np.zeros(9)),
        ("clock", np.zeros(5)),
        ("second_loss", np.full(60, np.inf)),
        ("sums", np.full(3, np.nan)),
    ],
)
def test_a_state_that_cannot_be_is_refused_and_changes_nothing(name: str, value: np.ndarray) -> None:
    meter = UsefulnessMeter(AutoOff(0.25), SIZE, seed=1)
    Stream(meter, [0.0] * CLASSES).run(5)
    before = meter.state_dict()
    with pytest.raises(ValueError, match=name):
        meter.load_state_dict({**before, "clock": np.array([7.0, 0, 0, 0]), name: value})
    for column, kept in before.items():
        np.testing.assert_array_equal(meter.state_dict()[column], kept)

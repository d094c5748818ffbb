from __future__ import annotations

import numpy as np

from benchmarks.accuracy.doubt import cross_fitted_doubt, mislabel
from genaug_data.demo.digits import load_digits_split
from genaug_data.demo.training import small_network
from genaug_data.hardness import HardnessTable


def test_so_many_labels_become_wrong_and_no_others() -> None:
    digits, _ = load_digits_split(10)
    before = list(digits.labels)
    wrong = mislabel(digits, 0.4, seed=1)
    assert len(wrong) == 40
    assert np.flatnonzero(np.array(before) != np.array(digits.labels)).tolist() == wrong.tolist()
    assert set(digits.labels) <= set(range(10))
    again, _ = load_digits_split(10)
    assert mislabel(again, 0.4, seed=1).tolist() == wrong.tolist()
    assert again.labels == digits.labels


def test_doubt_finds_most_wrong_labels_and_few_right_ones_without_being_told_how_many() -> None:
    digits, _ = load_digits_split(50)
    right = np.array(digits.labels)
    wrong = mislabel(digits, 0.3, seed=0)
    policy = cross_fitted_doubt(digits, small_network, seed=0)
    table = HardnessTable(len(digits))
    found = set(np.flatnonzero(policy.suspects(table)).tolist())
    assert len(found & set(wrong.tolist())) > 0.7 * len(wrong)
    assert len(found - set(wrong.tolist())) < 0.2 * len(right)
    suggested = policy.suggestions(table)
    assert np.mean([suggested[place] == right[place] for place in found & set(wrong.tolist())]) > 0.65

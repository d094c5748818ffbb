"""What every hardness policy must keep: a distribution over the examples, and a function of the table alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from genaug_data.hardness import HardnessPolicy, HardnessTable, resolve_policy
from genaug_data.seeding import numpy_generator
from genaug_data.testing.rules import global_seed, require, unshared_randomness

_SIZE = 40


def check_policy(make: Callable[..., HardnessPolicy | str | Callable], *, bound: bool = False) -> None:
    """Check that a policy keeps the contract of :class:`~genaug_data.hardness.HardnessPolicy`.

    Args:
        make: returns what ``policy=`` takes: a policy, a name, or a function of the table.
        bound: whether the policy holds something for each example; then ``make`` is called with the examples that the
            rows of a table are, int64 ``(N,)`` below 40.

    Raises:
        Violation: a rule is broken; the sentence says which.

    Example:
        >>> from genaug_data.hardness import ReducibleLoss
        >>> check_policy(lambda: "entropy")
        >>> losses = np.linspace(0, 1, 40)
        >>> check_policy(lambda rows: ReducibleLoss(losses[rows]), bound=True)
    """

    def policy_for(rows: np.ndarray) -> HardnessPolicy:
        return resolve_policy(make(rows) if bound else make())

    least = policy_for(np.arange(_SIZE)).min_observations
    require(
        type(least) is int and least >= 0,
        f"min_observations is {least!r}; give an integer, as examples seen less often never become parents",
    )
    for name, table in _tables():
        _check_distribution(policy_for(np.arange(table.size)), table, name)
    table = _trained(_SIZE, 12)
    _check_purity(policy_for(np.arange(_SIZE)), policy_for(np.arange(_SIZE)), table)
    _check_permutation(policy_for, table)


def _tables() -> Iterator[tuple[str, HardnessTable]]:
    yield "without observations", HardnessTable(_SIZE)
    yield "of one example without observations", HardnessTable(1)
    yield "of one example", _trained(1, 5)
    yield "of every example seen", _trained(_SIZE, 12)
    yield "of few examples seen", _trained(_SIZE, 2)
    losses = HardnessTable(_SIZE)
    for step in range(4):
        statistics = np.full((9, _SIZE), np.nan, dtype=np.float32)
        statistics[0] = np.linspace(0, 3, _SIZE)
        losses.update(np.arange(_SIZE), statistics, step)
    yield "of losses without logits", losses
    damaged = _trained(_SIZE, 6)
    damaged.loss_ema[::3], damaged.entropy_ema[1::3], damaged.margin_ema[::2] = np.nan, np.nan, np.inf
    damaged.probability_sum[::5] = np.nan
    yield "with averages that are not finite", damaged
    alike = _trained(_SIZE, 4)
    for column in alike.state_dict():
        getattr(alike, column)[:] = getattr(alike, column)[0]
    yield "of examples that are all alike", alike


def _trained(size: int, steps: int) -> HardnessTable:
    random, table = numpy_generator(3), HardnessTable(size)
    for step in range(steps):
        seen = np.flatnonzero(random.random(size) < 0.7) if size > 1 else np.arange(size)
        statistics = random.random((9, len(seen))).astype(np.float32)
        statistics[4] = random.normal(size=len(seen))
        statistics[5] = statistics[5] > 0.5
        statistics[6] = seen % 4
        table.update(seen, statistics, step)
    return table


def _check_distribution(policy: HardnessPolicy, table: HardnessTable, name: str) -> None:
    before = table.state_dict()
    with unshared_randomness("priorities"):
        found = policy.priorities(table)
    changed = [
        column for column, values in table.state_dict().items() if not np.array_equal(values, before[column], True)
    ]
    require(not changed, f"priorities changed the column {changed[:1]} of a table {name}; work on a copy")
    what = f"the priorities of a table {name}"
    require(isinstance(found, np.ndarray), f"{what} are a {type(found).__name__}; return a NumPy array")
    require(
        found.dtype == np.float64 and found.shape == (table.size,),
        f"{what} are {found.dtype} of shape {found.shape}; return float64 of shape ({table.size},)",
    )
    require(
        bool(np.isfinite(found).all()), f"{what} hold {int((~np.isfinite(found)).sum())} values that are not finite; "
        "give those examples a score that is known, or NaN from score, which the template takes for not known"
    )  # fmt: skip
    require(bool((found >= 0).all()), f"{what} go down to {found.min()}; no probability is negative")
    require(abs(found.sum() - 1) < 1e-6, f"{what} sum to {found.sum()}; divide by the sum, as they are probabilities")


def _check_purity(policy: HardnessPolicy, second: HardnessPolicy, table: HardnessTable) -> None:
    expected = policy.priorities(table)
    for seed, other in enumerate((policy, second)):
        with global_seed(seed):
            again = other.priorities(table)
        require(
            np.array_equal(again, expected),
            f"the same table gave priorities that differ by {np.abs(again - expected).max():.2g}; "
            "let the table alone decide them, or no run can be repeated",
        )


def _check_permutation(policy_for: Callable[[np.ndarray], HardnessPolicy], table: HardnessTable) -> None:
    order = numpy_generator(4).permutation(table.size)
    permuted = HardnessTable(table.size)
    permuted.load_state_dict({name: values[order] for name, values in table.state_dict().items()})
    expected = policy_for(np.arange(table.size)).priorities(table)[order]
    found = policy_for(order).priorities(permuted)
    require(
        bool(np.allclose(found, expected, rtol=1e-5, atol=1e-12)),
        f"permuting the examples changed priorities by {np.abs(found - expected).max():.2g}; "
        "let no priority depend on the place of its example",
    )

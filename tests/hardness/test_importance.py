import numpy as np
import pytest

from genaug_data.errors import ConfigError
from genaug_data.hardness.importance import importance_weights
from genaug_data.seeding import numpy_generator


@pytest.mark.parametrize("beta", [0.0, 0.4, 1.0])
def test_weights_equal_the_slow_loop(beta):
    priorities = numpy_generator(0).dirichlet(np.ones(9))
    slow = [(9 * p) ** -beta for p in priorities.tolist()]
    expected = [weight / max(slow) for weight in slow]
    weights = importance_weights(priorities, beta)
    assert weights.dtype == np.float32
    assert weights == pytest.approx(expected, rel=1e-5)


def test_at_beta_one_the_weighted_mean_is_that_of_an_even_draw():
    random = numpy_generator(1)
    priorities, losses = random.dirichlet(np.ones(50)), random.random(50)
    weights = importance_weights(priorities, 1.0)
    found = (priorities * weights * losses).sum() / (priorities * weights).sum()
    assert found == pytest.approx(losses.mean(), rel=1e-5)


def test_who_is_never_drawn_has_weight_one_and_sets_no_maximum():
    assert importance_weights(np.array([0.0, 0.8, 0.2]), 1.0).tolist() == [1.0, 0.25, 1.0]


@pytest.mark.parametrize(
    ("priorities", "beta", "sentence"),
    [
        ([1.0], 1.5, r"beta must be in \[0, 1\], got 1.5; 0.5 is the default"),
        ([1.0], float("nan"), r"beta must be in \[0, 1\], got nan"),
        ([0.0, 0.0], 0.5, "with one above 0, got 0.0 to 0.0; pass what"),
        ([1.5, -0.5], 0.5, "finite and not negative, with one above 0, got -0.5 to 1.5"),
        ([1.0, np.nan], 0.5, "finite and not negative, with one above 0, got nan to nan"),
    ],
)
def test_what_are_no_priorities_is_refused(priorities, beta, sentence):
    with pytest.raises(ConfigError, match=sentence):
        importance_weights(np.array(priorities), beta)

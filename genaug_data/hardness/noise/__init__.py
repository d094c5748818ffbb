"""Which labels are probably wrong: an example with such a label may be trained on, but should have no children."""

from genaug_data.hardness.noise.aum_quantile import AumQuantile
from genaug_data.hardness.noise.aum_threshold import AumThreshold, draw_threshold_samples
from genaug_data.hardness.noise.base import NoisePolicy
from genaug_data.hardness.noise.confident_learning import ConfidentLearning
from genaug_data.hardness.noise.neighbour_disagreement import NeighbourDisagreement

__all__ = [
    "AumQuantile",
    "AumThreshold",
    "ConfidentLearning",
    "NeighbourDisagreement",
    "NoisePolicy",
    "draw_threshold_samples",
]

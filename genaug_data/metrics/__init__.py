"""How good a synthetic set is as a whole: metrics of two sets, in the features that the user chooses."""

from genaug_data.metrics.authenticity import Authenticity
from genaug_data.metrics.base import Estimate, SetMetric
from genaug_data.metrics.class_pixel_divergence import ClassPixelDivergence
from genaug_data.metrics.clip_score import CLIPScore
from genaug_data.metrics.coverage import Coverage
from genaug_data.metrics.density import Density
from genaug_data.metrics.fid import FID
from genaug_data.metrics.kid import KID
from genaug_data.metrics.mask_fid import MaskFID
from genaug_data.metrics.masks import MaskLayout, Rendered
from genaug_data.metrics.neighbourhood import NeighbourhoodMetric
from genaug_data.metrics.precision import Precision
from genaug_data.metrics.reading import read_features
from genaug_data.metrics.recall import Recall

__all__ = [
    "FID",
    "KID",
    "Authenticity",
    "CLIPScore",
    "ClassPixelDivergence",
    "Coverage",
    "Density",
    "Estimate",
    "MaskFID",
    "MaskLayout",
    "NeighbourhoodMetric",
    "Precision",
    "Recall",
    "Rendered",
    "SetMetric",
    "read_features",
]

"""Which variant is good enough to train: each gate is a score, a threshold or a share, and a verdict."""

from genaug_data.gates.quality.agreement import Agreement
from genaug_data.gates.quality.base import ScoreGate
from genaug_data.gates.quality.clip import Clip
from genaug_data.gates.quality.clip_iqa import ClipIqa
from genaug_data.gates.quality.clip_score import ClipScore
from genaug_data.gates.quality.crop_clip_score import CropClipScore
from genaug_data.gates.quality.ensemble import EnsembleDisagreement
from genaug_data.gates.quality.keep_fraction import KeepFraction
from genaug_data.gates.quality.no_reference import NoReferenceQuality
from genaug_data.gates.quality.pixel_loss import PixelLoss
from genaug_data.gates.quality.region import RegionConsistency
from genaug_data.gates.quality.share import Share
from genaug_data.gates.quality.under_training import UnderTraining

__all__ = [
    "Agreement",
    "Clip",
    "ClipIqa",
    "ClipScore",
    "CropClipScore",
    "EnsembleDisagreement",
    "KeepFraction",
    "NoReferenceQuality",
    "PixelLoss",
    "RegionConsistency",
    "ScoreGate",
    "Share",
    "UnderTraining",
]

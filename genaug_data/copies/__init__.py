"""Copy detection: which image of a set another image repeats, whole, mirrored, cropped, turned or as a part."""

from genaug_data.copies.calibration import Calibration, calibrate, check_alpha
from genaug_data.copies.detector import CopyDetector, Match

__all__ = ["Calibration", "CopyDetector", "Match", "calibrate", "check_alpha"]

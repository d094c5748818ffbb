"""The default thresholds of the quality gates, and where they come from."""

from genaug_data.gates.quality.share import Share

AGREEMENT_LEAST = 0.1
"""Probability of the label below which a variant is not what it is labelled as.

Low on purpose: variants of hard examples are hard, and only those that the classifier all but excludes are broken. That
both ends are cut off follows ALIA (arXiv:2305.16289), whose thresholds are of each class.
"""

AGREEMENT_MOST = 0.95
"""Probability of the label above which a variant teaches nothing (too easy, as in ALIA, arXiv:2305.16289)."""

CLIP_KEEP = Share(0.9)
"""Share of each class that is kept by CLIP score: Diff-Mix (arXiv:2403.19600) drops the lowest tenth."""

CROP_CLIP_KEEP = Share(0.3)
"""Share that is kept by the CLIP score of the boxes' crops: the best 30 %, as in Fang et al. (WACV 2024)."""

REGION_IOU = 0.5
"""Intersection over union from which a region counts as found: that of PASCAL VOC (doi:10.1007/s11263-009-0275-4)."""

PIXEL_LOSS_FACTOR = 1.25
"""Multiple of its class's mean loss above which a pixel is ignored: that of FreeMask (arXiv:2310.15160)."""

ENSEMBLE_KEEP = Share(0.9)
"""Share that is kept by agreement of an ensemble: DatasetGAN (arXiv:2104.06490) drops the most uncertain tenth."""

QUALITY_KEEP = Share(0.9)
"""Share that is kept by image quality; the lowest tenth goes, as with CLIP scores in Diff-Mix (arXiv:2403.19600)."""

KEEP = Share(0.9)
"""Share that is kept by any other score: the lowest tenth goes, as above.

Dropping a tenth to a third served best in FROST (arXiv:2609.29988).
"""

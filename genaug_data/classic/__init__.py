"""Classic augmentation: Kornia on the batch, image and annotation together."""

from genaug_data.classic.augment import ClassicAugment

__all__ = ["ClassicAugment"]

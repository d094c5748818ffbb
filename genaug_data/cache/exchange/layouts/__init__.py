"""The formats of an export, one a file."""

from __future__ import annotations

from genaug_data.cache.exchange.layouts.base import Item, Layout
from genaug_data.cache.exchange.layouts.coco import CocoLayout
from genaug_data.cache.exchange.layouts.hugging_face import HuggingFaceLayout
from genaug_data.cache.exchange.layouts.image_folder import ImageFolderLayout
from genaug_data.cache.exchange.layouts.web_dataset import WebDatasetLayout

LAYOUTS: dict[str, type[Layout]] = {
    "imagefolder": ImageFolderLayout,
    "webdataset": WebDatasetLayout,
    "coco": CocoLayout,
    "hf": HuggingFaceLayout,
}
"""By the names that ``genaug cache export --to`` takes."""

__all__ = ["LAYOUTS", "Item", "Layout"]

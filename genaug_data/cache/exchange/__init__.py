"""Variants as files that other programs read, and back."""

from genaug_data.cache.exchange.exporting import Exported, export

__all__ = ["Exported", "export"]

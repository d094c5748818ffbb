"""Variants as files that other programs read, and back."""

from genaug_data.cache.exchange.exporting import Exported, export
from genaug_data.cache.exchange.importing import Imported, import_

__all__ = ["Exported", "Imported", "export", "import_"]

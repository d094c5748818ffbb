"""Where accepted variants live: bounded, crash-safe, read by many, written by one."""

from genaug_data.cache.exchange import Exported, Imported, export, import_
from genaug_data.cache.forgetting import Forgotten, forget
from genaug_data.cache.maintenance import Verification, prune, verify
from genaug_data.cache.manifest import Manifest, check_folder, manifest_of, read_manifest
from genaug_data.cache.pictures import RejectedPicture
from genaug_data.cache.reader import CacheReader, Entry
from genaug_data.cache.tombstones import Tombstone, Tombstones, read_tombstones
from genaug_data.cache.totals import CacheStats
from genaug_data.cache.tracing import Traced, trace
from genaug_data.cache.writer import CacheWriter

__all__ = [
    "CacheReader",
    "CacheStats",
    "CacheWriter",
    "Entry",
    "Exported",
    "Forgotten",
    "Imported",
    "Manifest",
    "RejectedPicture",
    "Tombstone",
    "Tombstones",
    "Traced",
    "Verification",
    "check_folder",
    "export",
    "forget",
    "import_",
    "manifest_of",
    "prune",
    "read_manifest",
    "read_tombstones",
    "trace",
    "verify",
]

"""Do synthetic images, made by anyone, copy protected or training images?"""

from genaug_data.audit.audit import Audit, Finding, audit
from genaug_data.audit.images import CachedImages, FolderImages, open_images

__all__ = ["Audit", "CachedImages", "Finding", "FolderImages", "audit", "open_images"]

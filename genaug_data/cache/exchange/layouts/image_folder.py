"""Folders by class, as torchvision's ImageFolder reads them; images and masks side by side."""

from __future__ import annotations

from genaug_data.cache.exchange.layouts.base import Item, Layout


class ImageFolderLayout(Layout):
    """``CLASS/KEY.png`` where there are classes, else ``images/KEY.png`` with ``masks/KEY.png``."""

    def place(self, item: Item) -> tuple[str, str | None]:
        """Return where its image and its mask go."""
        folder = "images" if item.label is None else self.class_folder(item.label)
        return f"{folder}/{item.key}.png", None if item.mask is None else f"masks/{item.key}.png"

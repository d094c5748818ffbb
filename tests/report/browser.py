"""A page as a real browser shows it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Chromium makes no window narrower than 500 pixels; a frame may be of any width, and is the page's window.
_HOST = """<!doctype html><body style="margin:0;background:#f0f">
<iframe id="frame" style="width:{width}px;height:{height}px;border:0;display:block" srcdoc="{page}"></iframe>
<script>
addEventListener("load", () => {{
  const page = document.getElementById("frame").contentDocument, root = page.documentElement;
  const outside = [...page.querySelectorAll("body *")].filter(
    (part) => !part.closest(".wide") && part.getBoundingClientRect().right > root.clientWidth + 0.5);
  document.body.dataset.found = JSON.stringify({{
    title: page.title, clientWidth: root.clientWidth, scrollWidth: root.scrollWidth, height: root.scrollHeight,
    images: page.images.length, loaded: [...page.images].filter((image) => image.naturalWidth > 0).length,
    outside: outside.map((part) => part.outerHTML.slice(0, 80)), scripts: page.scripts.length,
    background: getComputedStyle(page.body).backgroundColor,
  }});
}});
</script></body>"""


@dataclass(frozen=True)
class Look:
    """What a browser made of a page.

    Args:
        found: measures of the document.
        pixels: of its upper part, uint8 ``(H, W, 3)``.
    """

    found: dict[str, Any]
    pixels: np.ndarray


def browser() -> str | None:
    """Return the path of a Chromium; None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def look_at(page: str, width: int, folder: Path, *, is_dark: bool = False, height: int = 2000) -> Look:
    """Show a page in a window of some width; its content security policy is taken out, so that nothing is held back."""
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    host, picture = folder / "host.html", folder / "screenshot.png"
    host.write_text(_HOST.format(width=width, height=height, page=html.escape(page)))
    command = [
        str(browser()),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={max(width, 500)},{height}",
        f"--blink-settings=preferredColorScheme={0 if is_dark else 1}",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--screenshot={picture}",
        "--dump-dom",
        host.as_uri(),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    told = re.search(r'data-found="([^"]*)"', ended.stdout)
    assert told, f"{ended.stdout[-500:]} {ended.stderr[-2000:]}"
    with Image.open(picture) as shot:
        pixels = np.asarray(shot.convert("RGB"))[:, :width]
    return Look(json.loads(html.unescape(told[1])), pixels)

"""One HTML file that says what a run made, what it rejected and why, what it cost, and how near it came to a leak."""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from genaug_data.errors import SaveError
from genaug_data.report.run import Features, LeakPair, Run, read_run
from genaug_data.sample import Sample

FILE_NAME = "report.html"


def write_report(
    folder: str | Path,
    path: str | Path | None = None,
    *,
    samples: Sequence[Sample] | None = None,
    classes: Sequence[str] | None = None,
    features: Features | None = None,
    pairs: Sequence[LeakPair] = (),
) -> Path:
    """Write the report of a run from what lies in the folder of its cache, as one file that needs no other.

    It has no script and loads nothing, from the network or elsewhere. What a run has not left in the folder is left
    out, with a sentence that says why: a cache that was only warmed up has no course of training, say.

    Args:
        folder: of the cache, also while a run is using it.
        path: of the page; None for ``report.html`` in the folder.
        samples: the training set, for the images of all its examples; None shows those that the run kept small.
        classes: names of the classes; None for those that the run noted.
        features: from uint8 images ``(B, C, H, W)`` to floats ``(B, D)``, for the map; None takes the pixels.
        pairs: synthetic images beside the protected ones that they are nearest to, as an audit found them.

    Returns:
        The path of the page.

    Raises:
        CacheError: the folder is no cache.
        SaveError: the page cannot be written; an earlier one stays.

    Example:
        >>> import tempfile
        >>> from genaug_data.cache import CacheWriter
        >>> folder = tempfile.mkdtemp()
        >>> CacheWriter(folder, fingerprint="f", identity="i", max_bytes=1 << 20).close()
        >>> write_report(folder).name
        'report.html'
    """
    run = read_run(folder, samples=samples, classes=classes, features=features, pairs=pairs)
    path = run.folder / FILE_NAME if path is None else Path(path)
    try:
        page = rendered(run)
    finally:
        run.reader.close()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(page, encoding="utf-8", errors="replace")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise SaveError(
            f"the report {path} cannot be written ({error}); make room there or pass another path"
        ) from error
    return path


def rendered(run: Run) -> str:
    """Return the page of a run."""
    import jinja2

    # It imports what it shows with, which is not needed to import this.
    from genaug_data.report.sections import SECTIONS

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("genaug_data.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    return environment.get_template("template.html").render(
        title=f"Report of {run.folder.name or run.folder}",
        subtitle=_subtitle(run),
        sections=[section.build(run) for section in SECTIONS],
        footer=f"Written by genaug_data {importlib.metadata.version('genaug_data')} at {when} UTC from {run.folder}.",
    )


def _subtitle(run: Run) -> str:
    parts = [] if run.manifest is None else [f"generator {run.manifest.fingerprint}"]
    settings = run.settings
    if settings:
        parts.append(f"{settings.get('size', 0):,} real examples")
        parts += [f"{name} {settings[name]}" for name in ("policy", "mode", "seed") if name in settings]
    return ", ".join(parts)

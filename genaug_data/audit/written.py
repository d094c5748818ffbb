"""An audit on paper: a table to print, all of it as JSON, and pictures of the pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genaug_data.audit.audit import Audit, Finding
from genaug_data.report.pairs import draw_pairs
from genaug_data.sample import Sample

_ROWS = 20


def table(audit: Audit, names: Sequence[str], protected_names: Sequence[Sequence[str]], train: Sequence[str]) -> str:
    """Return the audit as lines of text.

    Args:
        audit: what was found.
        names: of the synthetic images.
        protected_names: of the images of each protected set.
        train: likewise of the training set; empty without one.
    """
    lines = [
        f"{_counted(audit.images, 'synthetic image')}, {_counted(len(audit.copies), 'copy', 'copies')} of protected "
        f"ones (about {audit.expected_by_mistake:.1f} expected by mistake)",
    ]
    measured = min(one.images for one in audit.calibrations.values())
    if measured * audit.alpha < 1:
        lines.append(
            f"only {_counted(measured, 'image')} set the thresholds, so that several times as many may be mistakes: "
            "look at the pictures"
        )
    lines += _rows(audit.copies, names, protected_names)
    if audit.authentic is not None:
        share = len(audit.memorised) / max(1, audit.images)
        lines.append(
            f"{_counted(len(audit.memorised), 'copy', 'copies')} of training images ({share:.2%} memorised); "
            f"{audit.authentic:.1%} of the images are authentic"
        )
        lines += _rows(audit.memorised, names, [train])
    lines += [
        f"altered copies are not found by {name}: {audit.calibrations[name].near} of the "
        f"{audit.calibrations[name].images} images that set its threshold are nearly equal to protected ones; leave "
        "such images out"
        for name in audit.blind
    ]
    if audit.unreadable:
        lines.append(f"{_counted(len(audit.unreadable), 'image')} could not be read, and nothing is known of them")
        lines += [f"  {reason}" for _, reason in audit.unreadable[:_ROWS]]
    if not audit.copies and audit.nearest:
        lines.append("the nearest, none of them a copy")
        lines += _rows(audit.nearest[:5], names, protected_names)
    return "\n".join(lines)


def save(
    audit: Audit,
    folder: str | Path,
    synthetic: Sequence[Sample],
    protected: Sequence[Sequence[Sample]],
    train: Sequence[Sample] | None,
    names: tuple[Sequence[str], Sequence[Sequence[str]], Sequence[str]],
) -> list[Path]:
    """Write ``audit.json`` and pictures of the pairs.

    Args:
        audit: what was found.
        folder: to write to; made where it is missing.
        synthetic: the images that were audited.
        protected: the sets they were compared with.
        train: the training set, if it was compared with.
        names: of the synthetic images, of those of each protected set, and of the training images.

    Returns:
        The files: ``audit.json``; ``copies.png``, or ``nearest.png`` where nothing is a copy; and ``memorised.png``
        where a training image is repeated.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "audit.json"]
    written[0].write_text(json.dumps(_plain(audit, names), indent=1) + "\n")
    for stale in ("copies.png", "nearest.png", "memorised.png"):
        (folder / stale).unlink(missing_ok=True)
    title, shown = ("copies", audit.copies) if audit.copies else ("nearest", audit.nearest)
    if shown:
        pairs = [(synthetic[one.index], protected[one.match.dataset][one.match.item], _told(one)) for one in shown]
        written.append(draw_pairs(pairs[:60], folder / f"{title}.png"))
    if audit.memorised and train is not None:
        pairs = [(synthetic[one.index], train[one.match.item], _told(one)) for one in audit.memorised]
        written.append(draw_pairs(pairs[:60], folder / "memorised.png", sides=("synthetic", "training")))
    return written


def _rows(findings: Sequence[Finding], names: Sequence[str], others: Sequence[Sequence[str]]) -> list[str]:
    lines = [
        f"  {names[one.index]}  is like  {others[one.match.dataset][one.match.item]}  "
        f"({one.match.measure} distance {one.match.distance:.4f}, a copy from {one.match.threshold:.4f} down)"
        for one in findings[:_ROWS]
    ]
    return lines if len(findings) <= _ROWS else [*lines, f"  and {len(findings) - _ROWS} more in audit.json"]


def _counted(count: int, one: str, several: str | None = None) -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def _told(finding: Finding) -> str:
    return f"#{finding.index} {finding.match.measure} {finding.match.distance:.4f}"


def _plain(audit: Audit, names: tuple[Sequence[str], Sequence[Sequence[str]], Sequence[str]]) -> dict[str, Any]:
    synthetic, protected, train = names

    def listed(findings: Sequence[Finding], others: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
        return [
            {"image": synthetic[one.index], "index": one.index, "like": others[one.match.dataset][one.match.item]}
            | asdict(one.match)
            for one in findings
        ]

    return {
        "images": audit.images,
        "alpha": audit.alpha,
        "expected_by_mistake": audit.expected_by_mistake,
        "authentic": audit.authentic,
        "copies": listed(audit.copies, protected),
        "nearest": listed(audit.nearest, protected),
        "memorised": listed(audit.memorised, [train]),
        "unreadable": [{"index": index, "reason": reason} for index, reason in audit.unreadable],
        "calibrations": {name: asdict(one) for name, one in audit.calibrations.items()},
        "train_calibrations": {name: asdict(one) for name, one in audit.train_calibrations.items()},
    }

"""``genaug cache show FOLDER KEY``: where one variant comes from."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from jsonargparse import ArgumentParser, Namespace

from genaug_data.cache import Traced, trace
from genaug_data.cli.cache.base import Command, add_folder
from genaug_data.sample import Verdict


def _add_arguments(parser: ArgumentParser) -> None:
    add_folder(parser)
    parser.add_argument("key", type=str, help="of a variant, or the first few of its hexadecimal digits")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines to read")


def _run(chosen: Namespace) -> int:
    found = trace(chosen.folder, chosen.key)
    print(json.dumps(found.to_plain(), indent=1) if chosen.json else "\n".join(_lines(found)))
    return 0


def _lines(found: Traced) -> list[str]:
    made = found.made
    created = datetime.fromtimestamp(made.created, timezone.utc)
    facts = {
        "key": f"{found.key.hex()}, {found.status}",
        "annotation": found.annotation,
        "parent": ", ".join(map(str, made.parents)),
        "parent hash": made.parent_hash,
        "variant": made.variant,
        "seed": made.seed,
        "hardness": f"{made.hardness:.4g}",
        "generator": made.fingerprint,
        "recipe": made.recipe.to_json(),
        "prompt": made.prompt,
        **made.origin,
        "created": f"{created:%Y-%m-%d %H:%M:%S} UTC",
        "device": f"{made.device}, {made.seconds:.3f} s" if made.device else None,
        "versions": ", ".join(f"{name} {version}" for name, version in made.versions.items()),
        "ignored pixels": made.ignored_pixels or None,
    }
    lines = [f"{name:15} {value}" for name, value in facts.items() if value not in (None, "")]
    return [*lines, *(f"{'gate':15} {_told(verdict)}" for verdict in made.verdicts)]


def _told(verdict: Verdict) -> str:
    needed = "" if verdict.threshold is None else f" of {verdict.threshold:.4g}"
    details = "".join(f"; {name} {value}" for name, value in verdict.details.items())
    return (
        f"{verdict.gate} {'accepted' if verdict.accepted else 'rejected'}, score {verdict.score:.4g}{needed}"
        f"{': ' if verdict.reason else ''}{verdict.reason}{details}"
    )


SHOW = Command("show", "whole provenance of one variant, accepted or rejected", _run, _add_arguments)

"""``genaug cache remake KEY --config run.yaml``: make a variant again, and say whether it is equal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from genaug_data.cli.configured import dataset_of, dataset_parser
from genaug_data.cli.parsing import parse
from genaug_data.report import Family, draw_families


def run(arguments: Sequence[str]) -> int:
    """Make one variant again and compare it with the one in the cache; the exit status is 0 if they are equal, else 1.

    Args:
        arguments: of the command line, after ``genaug cache remake``.
    """
    parser = dataset_parser("cache remake", __doc__)
    parser.add_argument("key", help="of the variant, 32 hexadecimal digits; genaug cache list FOLDER names them")
    parser.add_argument("--picture", type=Path | None, default=None, help="file for parent, stored and remade variant")
    found = parse(parser, arguments)
    # Nothing is started: the generator runs here.
    with closing(dataset_of(parser, found, "key", "picture")) as train:
        remade = train.remake(found.key)
        made = remade.provenance
        print(f"parent {made.parent}, variant {made.variant}, seed {made.seed}, {made.recipe.to_json()}")
        print(f"generator {made.fingerprint}")
        if found.picture is not None:
            family = Family(made.parent, made.hardness, train.samples[made.parent], (remade.stored, remade.made))
            draw_families([family], found.picture)
    print("equal, bit by bit" if remade.is_equal else f"not equal: pixel values differ by up to {remade.difference}")
    return 0 if remade.is_equal else 1

"""``genaug cache forget FOLDER INDEX...``: a consent is withdrawn."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from genaug_data.cache import forget
from genaug_data.cli.cache.base import Command, add_folder, add_progress


def _add_arguments(parser: ArgumentParser) -> None:
    add_folder(parser)
    parser.add_argument("indices", type=int, nargs="+", help="of the real examples in the wrapped dataset")
    parser.add_argument("--fitted", action="store_true", help="also delete weights that were fitted on them")
    add_progress(parser)


def _run(chosen: Namespace) -> int:
    done = forget(chosen.folder, chosen.indices, fitted=chosen.fitted, progress=chosen.progress)
    print(f"{done.records} variants and {done.rejections} rejections deleted; read once more, none is left")
    for page in done.pages:
        print(f"deleted, as it shows small pictures: {page}")
    for journal in done.journals:
        print(f"deleted, as it names them, so that this run cannot be replayed: {journal}")
    if done.unknown:
        indices = ", ".join(map(str, done.unknown))
        print(f"nothing is left here that tells what was at {indices}: copies of it at other indices are not known")
    if done.also:
        print(f"forgotten with them, as they show the same: {', '.join(map(str, done.also))}")
    for folder in done.fitted:
        said = "deleted" if done.fitted_deleted else "still there, pass --fitted to delete it"
        print(f"weights that were fitted on the training set, and remember it: {folder} ({said})")
    print(
        "remove the examples from the training set too, and begin a new cache with it: a model that is fitted on it "
        "learns from them again"
    )
    return 0


FORGET = Command("forget", "delete all that was made from real examples, and keep it away", _run, _add_arguments)

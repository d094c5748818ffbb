"""``genaug audit DIR --protected DIR``: do synthetic images, made by anyone, copy protected or training images?

The exit status is 0 if none counts as a copy of a protected image, 3 if one does, and 1 for an error, where no image
can be read, or where the threshold of a measure cannot be set, so that altered copies are not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genaug_data.audit import CachedImages, FolderImages, audit, open_images
from genaug_data.audit.written import save, table
from genaug_data.cli.parsing import new_parser, parse
from genaug_data.errors import ConfigError
from genaug_data.features import TorchScriptFeatures

COPIES_FOUND = 3


def run(arguments: Sequence[str]) -> int:
    """Compare, print a table, and write pictures of the pairs where ``--out`` says.

    Args:
        arguments: of the command line, after ``genaug audit``.
    """
    parser = new_parser("audit", __doc__)
    parser.add_argument("folder", type=Path, help="of images, in folders of any names, or a cache")
    parser.add_argument("--protected", type=Path, nargs="+", required=True, help="folders of validation or test images")
    parser.add_argument("--train", type=Path | None, default=None, help="folder of the generator's training images")
    parser.add_argument(
        "--features", type=Path | None, default=None, help="TorchScript file of a network to compare by, such as SSCD's"
    )
    parser.add_argument("--alpha", type=float, default=1e-3, help="share of images taken for copies by mistake")
    parser.add_argument(
        "--out", type=Path | None, default=None, help="folder for audit.json and pictures; left out, DIR/audit"
    )
    parser.add_argument("--progress", type=bool, default=True, help="show bars")
    chosen = parse(parser, arguments)
    # Looked for before anything is written, so that an audit's own pictures are not audited.
    out = chosen.out or chosen.folder / "audit"
    synthetic = open_images(chosen.folder)
    if isinstance(synthetic, FolderImages):
        synthetic.leave_out(out)
    # One folder given twice would set a threshold of nothing, as each image has its equal in the other.
    folders = {folder.resolve(): folder for folder in chosen.protected}
    protected = [FolderImages(folder) for folder in folders.values()]
    train = None if chosen.train is None else FolderImages(chosen.train)
    features = None if chosen.features is None else TorchScriptFeatures(chosen.features)
    # Before hours of comparing, not behind them.
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder {out} cannot be made ({error}); pass another one as --out") from error
    # The parents of a cache are indices of the wrapped dataset, which a folder need not be in the order of.
    found = audit(synthetic, protected, train=train, features=features, alpha=chosen.alpha, progress=chosen.progress)
    names = (synthetic.names, [one.names for one in protected], [] if train is None else train.names)
    print(table(found, *names))
    if isinstance(synthetic, CachedImages) and train is not None:
        print("parents are not told from other training images: each variant may be like its own")
    for path in save(found, out, synthetic, protected, train, names):
        print(path)
    return COPIES_FOUND if found.copies else int(bool(found.blind) or found.images == 0)

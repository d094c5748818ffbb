"""The quickstart: digits of scikit-learn, hard parents and their variants, and an honest comparison of four arms.

This is what ``genaug demo`` runs; its parts are in ``genaug_data/demo``, the training loop in ``training.py`` there.

    python examples/quickstart.py [--out FOLDER] [--seeds 3] [--small]
"""

from __future__ import annotations

import sys

from genaug_data.cli.demo import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

"""What importing costs: ``import genaug_data``, with its public names, against ``import torch`` alone."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from benchmarks.reporting import interleaved, report

GOALS = {"package": 1.15, "names": None}
PROGRAMS = {"package": "import torch, genaug_data", "names": "from genaug_data import *"}


def run(program: str) -> None:
    """Run a program in an interpreter of its own."""
    subprocess.run([sys.executable, "-c", program], check=True)


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks imports", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats: within 60 s")
    chosen = parser.parse_args(arguments)
    figures, rows = {}, []
    for name, program in PROGRAMS.items():
        ours, torch = interleaved(lambda p=program: run(p), lambda: run("import torch"), 1 if chosen.quick else 4)
        figures[name] = statistics.median(a / b for a, b in zip(ours, torch, strict=True))
        seconds = [f"{statistics.median(times):.2f}" for times in (ours, torch)]
        rows.append((program, *seconds, f"{figures[name]:.3f}", GOALS[name] or ""))
    report("imports", figures, ("import", "ours s", "torch s", "ratio", "goal"), rows)

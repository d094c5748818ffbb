"""Does auto_off find the classes whose variants are broken? 500 digits; three classes get images of another digit."""

from __future__ import annotations

import argparse
import tempfile

import torch

from benchmarks.reporting import report
from genaug_data import AutoOff, GenerativeAugmentDataset, Request, Sample
from genaug_data.demo.digits import Digits, load_digits_split
from genaug_data.demo.training import accuracy, small_network, train_network
from genaug_data.seeding import torch_generator

BROKEN = (0, 1, 2)


class Breaks:
    """Gives variants of some classes images of the next class; the others only differ in brightness."""

    fingerprint = "breaks"

    def __init__(self, base: Digits) -> None:
        self._base = base
        self._places = [[place for place, known in enumerate(base.labels) if known == label] for label in range(10)]

    def generate(self, parents: list[Sample], requests: list[Request]) -> list[Sample]:
        """Return one variant of each parent."""
        return [self._variant(parent, request.seed) for parent, request in zip(parents, requests, strict=True)]

    def _variant(self, parent: Sample, seed: int) -> Sample:
        draw = torch_generator(seed)
        if parent.target in BROKEN:
            others = self._places[(parent.target + 1) % 10]
            return Sample(self._base.images[others[int(torch.randint(len(others), (), generator=draw))]], parent.target)
        gain = 0.8 + 0.4 * torch.rand((), generator=draw)
        return Sample((parent.image.float() * gain).clamp(0, 255).byte(), parent.target)


def main(arguments: list[str]) -> None:
    """Run the benchmark; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks auto_off", description=__doc__)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="few epochs: whether it runs, not what it is worth")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    train, test = load_digits_split(50, chosen.seed)
    figures: dict[str, float] = {}
    rows: list[tuple[str, str]] = []
    for name, rules in (("with", AutoOff(held_out=0.2)), ("without", None)):
        with tempfile.TemporaryDirectory() as folder:
            wrapped = GenerativeAugmentDataset(
                train,
                cache=folder,
                ratio=0.4,
                generator=Breaks(train),
                gates=[],
                policy="uniform",
                parent_share=1.0,
                auto_off=rules,
                mode="sync",
                worker="inline",
                refresh_every=8,
                seed=chosen.seed,
                progress=False,
            )
            network = small_network(chosen.seed)
            train_network(wrapped, network, epochs=4 if chosen.quick else 200, seed=chosen.seed, classic=False)
            figures[f"accuracy_{name}"] = accuracy(network, test)
            rows += [(f"class {known.label}, share kept", f"{known.keep:.3g}") for known in wrapped.usefulness()]
            figures |= {f"keep_{known.label}": known.keep for known in wrapped.usefulness()}
    rows += [(f"accuracy % {name} auto_off", f"{figures[f'accuracy_{name}']:.1f}") for name in ("with", "without")]
    report("auto_off", figures, ("figure", "measured"), rows)

"""Kornia's published augmentation policies, with an operation of its own for every sample of the batch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

from genaug_data.classic.isolation import isolated_draws
from genaug_data.errors import ConfigError
from genaug_data.seeding import derive, numpy_generator

POLICIES = ("trivial", "rand", "auto")
_BLOCK = 16
_RAND_OPERATIONS = 2
_RAND_MAGNITUDE = 10


@dataclass(eq=False)
class _Step:
    """One operation of Kornia with the rows that it is applied to, in ascending order, and their parameters."""

    operation: Any
    rows: torch.Tensor
    parameters: dict[str, torch.Tensor]

    @classmethod
    def join(cls, operation: Any, drawn: list[tuple[torch.Tensor, dict[str, torch.Tensor]]]) -> _Step:
        """Return one step for all that was drawn of a kind of operation."""
        rows, order = torch.cat([rows for rows, _ in drawn]).sort()
        names = drawn[0][1]
        return cls(
            operation, rows, {name: torch.cat([parameters[name] for _, parameters in drawn])[order] for name in names}
        )

    def part(self, low: int, high: int) -> _Step:
        """Return the step for the rows from ``low`` up to ``high``, counted from ``low``."""
        first, last = torch.searchsorted(self.rows, torch.tensor([low, high])).tolist()
        parameters = {name: value[first:last] for name, value in self.parameters.items()}
        return _Step(self.operation, self.rows[first:last] - low, parameters)

    def arguments(self, shape: torch.Size) -> dict[str, torch.Tensor]:
        """Return the parameters as Kornia wants them for images of ``shape``."""
        size = torch.tensor([len(self.rows), *shape[1:]])
        return {**self.parameters, "batch_prob": torch.ones(len(self.rows)), "forward_input_shape": size}


class SampledPolicy:
    """A policy of Kornia whose choice of operations is drawn for every sample.

    Kornia draws magnitudes per sample, but the operation once for the whole batch; the papers draw it per image. Here
    each sample draws its sub-policies, and samples that drew the same kind of operation share one call of it.

    Args:
        members: Kornia policies with a single sub-policy each.
        rounds: how many different members a sample goes through.
    """

    def __init__(self, members: Sequence[Any], rounds: int = 1) -> None:
        self._members = list(members)
        self._rounds = rounds
        self._block: tuple[Any, list[list[_Step]]] = (None, [])

    @torch.no_grad()
    def __call__(
        self, images: torch.Tensor, masks: torch.Tensor | None, seed: int, step: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Augment a batch.

        Args:
            images: float32 ``(B, C, H, W)`` in [0, 1].
            masks: float32 ``(B, K, H, W)``, moved with nearest-neighbour sampling, 0 from outside; or None.
            seed: of every draw.
            step: number of the batch, from 0.
        """
        images, masks = images.clone(), None if masks is None else masks.clone()
        kornia = import_kornia()
        for steps in self._steps(images.shape, seed, step):
            moves = [part for part in steps if isinstance(part.operation, kornia.GeometricAugmentationBase2D)]
            if moves:
                _move(moves, images, masks)
            for part in steps:
                # Grey has no saturation, and channels that are not three are no colours.
                colours = images.shape[1] == 3 or not isinstance(part.operation, kornia.RandomSaturation)
                if part not in moves and colours:
                    _recolour(part, images)
        return images, masks

    def _steps(self, shape: torch.Size, seed: int, step: int) -> list[list[_Step]]:
        # Drawing takes Kornia as long for many batches as for one, and half of the time if it is done for each.
        block, place = divmod(step, _BLOCK)
        if self._block[0] != (shape, seed, block):
            rows = torch.Size((shape[0] * _BLOCK, *shape[1:]))
            self._block = (shape, seed, block), self._draw(rows, derive(seed, "block", block))
        low, high = place * shape[0], (place + 1) * shape[0]
        parts = [[step.part(low, high) for step in steps] for steps in self._block[1]]
        return [[step for step in steps if len(step.rows)] for steps in parts]

    def _draw(self, shape: torch.Size, seed: int) -> list[list[_Step]]:
        """Return the steps of each round and position in a sub-policy, one for each kind of operation."""
        ranks = numpy_generator(derive(seed, "choice")).random((shape[0], len(self._members)))
        chosen = ranks.argsort(axis=1)[:, : self._rounds]
        drawn: dict[tuple[int, int], dict[type, list[Any]]] = {}
        operations: dict[type, Any] = {}
        with isolated_draws(derive(seed, "parameters")):
            for place in range(self._rounds):
                for number in np.unique(chosen[:, place]).tolist():
                    rows = torch.from_numpy(np.flatnonzero(chosen[:, place] == number))
                    for position, (operation, *found) in enumerate(_draw_member(self._members[number], rows, shape)):
                        operations.setdefault(type(operation), operation.op)
                        drawn.setdefault((place, position), {}).setdefault(type(operation), []).append(found)
        return [
            [_Step.join(operations[kind], found) for kind, found in drawn[place].items()] for place in sorted(drawn)
        ]


def _draw_member(member: Any, rows: torch.Tensor, shape: torch.Size) -> Iterator[tuple[Any, torch.Tensor, dict]]:
    """Yield the operations of a member, in order, each with the rows that it is applied to and their parameters."""
    (policy,) = member.forward_parameters(torch.Size((len(rows), *shape[1:])))
    subpolicy = member.get_submodule(policy.name)
    for name, parameters in policy.data:
        applied = parameters.pop("batch_prob") > 0
        del parameters["forward_input_shape"]
        yield subpolicy.get_submodule(name), rows[applied], {key: value[applied] for key, value in parameters.items()}


def build_policy(name: str) -> SampledPolicy:
    """Return the policy ``name``; imports Kornia.

    Args:
        name: ``"trivial"``: TrivialAugment (arXiv:2103.10158), one operation a sample at a magnitude drawn at random;
            ``"rand"``: RandAugment (arXiv:1909.13719), 2 operations at magnitude 10 of 30;
            ``"auto"``: AutoAugment (arXiv:1805.09501), the policy found on ImageNet, which is the one that the paper
            transfers to other datasets.

    Raises:
        ConfigError: there is no such policy.
    """
    kornia = import_kornia()
    if name == "trivial":
        trivial = kornia.auto.trivial_augment.trivial_augment.default_policy
        return SampledPolicy([kornia.auto.TrivialAugment(policy=[entry]) for entry in trivial])
    if name == "rand":
        rand = kornia.auto.rand_augment.rand_augment.default_policy
        members = [kornia.auto.RandAugment(1, _RAND_MAGNITUDE, policy=[entry]) for entry in rand]
        return SampledPolicy(members, rounds=_RAND_OPERATIONS)
    if name == "auto":
        auto = kornia.auto.autoaugment.autoaugment.imagenet_policy
        return SampledPolicy([kornia.auto.AutoAugment([entry]) for entry in auto])
    raise ConfigError(f"policy must be one of {', '.join(map(repr, POLICIES))} or an nn.Module, found {name!r}")


@cache
def import_kornia() -> Any:
    """Import and return ``kornia.augmentation``, silently also where warnings are errors."""
    with warnings.catch_warnings():
        # kornia 0.9 scripts functions at import, which torch 2.14 deprecates.
        warnings.simplefilter("ignore")
        import kornia.augmentation
        import kornia.augmentation.auto
    return kornia.augmentation


def _recolour(step: _Step, images: torch.Tensor) -> None:
    rows = step.rows.to(images.device)
    images[rows] = step.operation(images[rows], params=step.arguments(images.shape))


def _move(steps: Sequence[_Step], images: torch.Tensor, masks: torch.Tensor | None) -> None:
    """Rotate, shear and shift, all in one warp: every geometric operation of the policies is affine."""
    from kornia.geometry.transform import warp_affine

    matrices = []
    for step in steps:
        like = images[:1].expand(len(step.rows), -1, -1, -1)
        matrices.append(step.operation.compute_transformation(like, step.arguments(images.shape), step.operation.flags))
    rows, matrix = torch.cat([step.rows for step in steps]).to(images.device), torch.cat(matrices)[:, :2]
    size = tuple(images.shape[2:])
    images[rows] = warp_affine(images[rows], matrix, size, "bilinear", "zeros", align_corners=True)
    if masks is not None:
        masks[rows] = warp_affine(masks[rows], matrix, size, "nearest", "zeros", align_corners=True)

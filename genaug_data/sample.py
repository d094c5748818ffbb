"""The nouns: what a sample, a request for a variant, its key and its provenance are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

KEY_BYTES = 16
"""Length of every key and content hash."""

IGNORED_PIXELS, IGNORE_INDEX = "ignored_pixels", "ignore_index"
"""Among the details of a verdict: how many pixels of the mask a gate has set to the ignore index, and that index."""

PARENTS = "parents"
"""In the origin of a variant that is mixed from several real examples: their indices, separated by commas."""

Target: TypeAlias = "int | str | torch.Tensor | Mapping[str, torch.Tensor]"
"""What an annotation can be: a class id, a soft label, a caption, a mask, or named tensors (boxes, labels, points)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with its annotation, as generators and the cache see it: before any classic augmentation.

    Args:
        image: uint8 tensor ``(C, H, W)``, values 0..255.
        target: class id (int); soft label, the probability of each class, float ``(classes,)``; mask, int64 ``(H, W)``;
            named tensors; or caption.

    Example:
        >>> Sample(torch.zeros(3, 4, 4, dtype=torch.uint8), 7).target
        7
    """

    image: torch.Tensor
    target: Target


class Token(NamedTuple):
    """What the sampler hands a DataLoader worker: a real index, or the key of a variant of that index."""

    index: int  # type: ignore[assignment]  # the name tuple.index gives way to the field
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a variant is made; frozen, hashable and JSON, and part of the variant's key.

    Args:
        strength: share of the diffusion that is redone, in (0, 1]; 1 starts from pure noise.
        guidance_scale: classifier-free guidance (arXiv:2207.12598); 1 is none.
        steps: denoising steps of a full diffusion, at least 1.

    Example:
        >>> Recipe(strength=0.5).to_json()
        '{"guidance_scale":2.0,"steps":20,"strength":0.5}'
        >>> Recipe.from_json(Recipe(strength=0.5).to_json()) == Recipe(strength=0.5)
        True
    """

    strength: float = 0.6
    guidance_scale: float = 2.0
    steps: int = 20

    def to_json(self) -> str:
        """Return the canonical JSON of this recipe: sorted keys, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read back what :meth:`to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Request:
    """An order for one variant: of which parent, which number, how, from which seed, and how urgent.

    Args:
        parent: index into the wrapped dataset.
        variant: number of this variant among the parent's, from 0.
        recipe: how to make it.
        seed: of every random draw in making it.
        priority: larger is made first; no part of the key.
    """

    parent: int
    variant: int
    recipe: Recipe
    seed: int
    priority: float = 0.0

    @property
    def place(self) -> tuple[int, int]:
        """Parent and number of the variant: what tells the requests of a run apart."""
        return self.parent, self.variant


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one gate says of one variant.

    Args:
        gate: name of the gate.
        score: in [0, 1], larger is better.
        accepted: whether the variant may train as far as this gate is concerned.
        reason: one sentence when rejected, empty otherwise.
        threshold: the score that was needed, in [0, 1]; None where no one number decides.
        details: what else is to be known of it, as plain values: which snapshot of a model judged, how many pixels of
            a mask are ignored.
        amended: the variant with another annotation, which is what may train; None for the variant as it was. Not
            stored here: the record of the variant holds it.
    """

    gate: str
    score: float
    accepted: bool
    reason: str = ""
    threshold: float | None = None
    details: Mapping[str, int | float | str] = field(default_factory=dict, hash=False)
    amended: Sample | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is stored with each variant, so that it can be traced and made again.

    Args:
        parent: index of the real example.
        parent_hash: hexadecimal :func:`content_hash` of the real example.
        variant: number among the parent's variants.
        fingerprint: of the generator.
        recipe: how it was made.
        seed: of its random draws.
        verdicts: of every gate that judged it, in order.
        hardness: the parent's priority when the variant was asked for.
        versions: versions of the libraries that made it.
        created: seconds since the epoch, UTC.
        prompt: text that the generator was given, if any.
        origin: where the generator's model comes from: model, revision, licence, as far as they are known.
        device: on which it was made.
        seconds: of that device, its share of its batch's.

    Example:
        >>> made = Provenance(3, "ab", 0, "f", Recipe(), 1, (Verdict("blank", 1.0, True),), 0.5, {"torch": "2"}, 0.0)
        >>> Provenance.from_json(made.to_json()) == made
        True
    """

    parent: int
    parent_hash: str
    variant: int
    fingerprint: str
    recipe: Recipe
    seed: int
    verdicts: tuple[Verdict, ...]
    hardness: float
    versions: Mapping[str, str] = field(default_factory=dict)
    created: float = 0.0
    prompt: str | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    seconds: float = 0.0

    @property
    def parents(self) -> tuple[int, ...]:
        """Indices of all real examples it was made from: its parent, and those that a generator which mixes names.

        Such a generator gives them, separated by commas, as ``parents`` of its
        :meth:`~genaug_data.generators.SampleGenerator.origin`.

        Example:
            >>> Provenance(3, "ab", 0, "f", Recipe(), 1, (), 0.5, origin={"parents": "3,17"}).parents
            (3, 17)
        """
        named = self.origin.get(PARENTS, "").split(",")
        return tuple(dict.fromkeys([self.parent, *(int(index) for index in named if index.strip().isdecimal())]))

    @property
    def ignored_pixels(self) -> int:
        """Pixels of the mask that gates have set to the ignore index, so that they do not train."""
        counts = [verdict.details.get(IGNORED_PIXELS, 0) for verdict in self.verdicts]
        return sum(count for count in counts if isinstance(count, int))

    def to_json(self) -> str:
        """Return this provenance as one line of JSON."""
        fields = asdict(replace(self, verdicts=tuple(replace(verdict, amended=None) for verdict in self.verdicts)))
        for verdict in fields["verdicts"]:
            del verdict["amended"]
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """Read back what :meth:`to_json` wrote."""
        fields = json.loads(text)
        fields["recipe"] = Recipe(**fields["recipe"])
        fields["verdicts"] = tuple(
            Verdict(**verdict | {"details": dict(verdict.get("details", {}))}) for verdict in fields["verdicts"]
        )
        return cls(**fields)


def content_hash(sample: Sample) -> bytes:
    """Return 16 bytes that are equal for two samples iff image and annotation are.

    Example:
        >>> blank = torch.zeros(1, 2, 2, dtype=torch.uint8)
        >>> content_hash(Sample(blank, 0)) == content_hash(Sample(blank.clone(), 0))
        True
        >>> content_hash(Sample(blank, 0)) == content_hash(Sample(blank, 1))
        False
    """
    digest = hashlib.blake2b(digest_size=KEY_BYTES)
    _feed(digest, sample.image)
    _feed(digest, sample.target)
    return digest.digest()


def class_id(target: Target | None) -> int | None:
    """Return the class of an annotation: a class id itself, of a soft label the most probable; None for any other.

    Example:
        >>> class_id(3), class_id(torch.tensor([0.2, 0.7, 0.1])), class_id("a cat")
        (3, 1, None)
    """
    if isinstance(target, int):
        return target
    if isinstance(target, torch.Tensor) and target.ndim == 1 and target.is_floating_point() and len(target):
        return int(target.argmax())
    return None


def variant_key(parent_hash: bytes, fingerprint: str, recipe: Recipe, seed: int) -> bytes:
    """Return the 16-byte key of a variant: the same order has the same key, so a repeated order is a no-op.

    Example:
        >>> len(variant_key(b"x" * 16, "model", Recipe(), 1))
        16
    """
    digest = hashlib.blake2b(digest_size=KEY_BYTES)
    for part in (parent_hash, fingerprint.encode(), recipe.to_json().encode(), str(seed).encode()):
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()


def _feed(digest: Any, value: Target) -> None:
    match value:
        case torch.Tensor():
            # Not ascontiguousarray, for which a single number is a row of one.
            array = np.asarray(value.detach().cpu().numpy(), order="C")
            digest.update(f"tensor {array.dtype.str} {array.shape} ".encode())
            digest.update(array.data)
        case Mapping():
            digest.update(f"mapping {len(value)} ".encode())
            for name in sorted(value):
                digest.update(f"name {name!r} ".encode())
                _feed(digest, value[name])
        case _:
            digest.update(f"{type(value).__name__} {value!r} ".encode())

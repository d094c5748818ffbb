"""Any variant once more, from its provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from genaug_data.cache import CacheReader
from genaug_data.errors import DataError, GeneratorError
from genaug_data.generators import Refusal, SampleGenerator
from genaug_data.sample import IGNORE_INDEX, Provenance, Request, Sample, content_hash


@dataclass(frozen=True)
class Remade:
    """A variant as it is in the cache and as it came out once more.

    Args:
        provenance: from which it was made again.
        stored: what the cache holds.
        made: what the generator made now.
    """

    provenance: Provenance
    stored: Sample
    made: Sample

    @property
    def is_equal(self) -> bool:
        """Whether image and annotation are the same, bit by bit."""
        return content_hash(self.stored) == content_hash(self.made)

    @property
    def difference(self) -> int:
        """Largest difference between two pixel values, in 0..255."""
        return int((self.stored.image.int() - self.made.image.int()).abs().max())


def remake(
    key: bytes,
    samples: Sequence[Sample],
    generator: SampleGenerator,
    folder: Path,
    *,
    lessons: Sequence[Sample] | None = None,
    progress: bool = True,
) -> Remade:
    """Make one variant of a cache again, in this process.

    What gates have set to the ignore index in its mask is set so again: these pixels are read from the cache, and count
    only if they are as many as the provenance says.

    Other versions of the libraries, another kind of device, or another batch size on the same one may change single
    pixel values by one.

    Args:
        key: of the variant, 16 bytes.
        samples: the training set.
        generator: that made it; its kept fit is read from the cache.
        folder: of the cache.
        lessons: what the generator was fitted on; None for ``samples``.
        progress: whether a fit shows a bar.

    Raises:
        DataError: the cache has no such variant, or its parent is no longer what it was made from.
        GeneratorError: another generator made it, or the generator keeps it back now.
    """
    with CacheReader(folder) as reader:
        stored, provenance = reader.gather([key])[0], reader.provenance(key)
    if stored is None or provenance is None:
        raise DataError(f"the cache in {folder} has no variant {key.hex()} that can be read; see genaug cache list")
    if hasattr(generator, "fit"):
        generator.fit(samples if lessons is None else lessons, folder / "generator", progress=progress)
    if generator.fingerprint != provenance.fingerprint:
        raise GeneratorError(
            f"variant {key.hex()} was made by {provenance.fingerprint}, this is {generator.fingerprint}; "
            "use the same generator and training set"
        )
    if not 0 <= provenance.parent < len(samples):
        raise DataError(f"the parent {provenance.parent} of variant {key.hex()} is not one of {len(samples)} examples")
    parent = samples[provenance.parent]
    if content_hash(parent).hex() != provenance.parent_hash:
        raise DataError(
            f"example {provenance.parent}, the parent of variant {key.hex()}, has changed since; restore it to compare"
        )
    request = Request(provenance.parent, provenance.variant, provenance.recipe, provenance.seed, provenance.hardness)
    made = generator.generate([parent], [request])[0]
    if isinstance(made, Refusal):
        raise GeneratorError(f"variant {key.hex()} is no longer made: {made.reason}; compare versions and device")
    return Remade(provenance, stored, _as_amended(made, stored, provenance))


def _as_amended(made: Sample, stored: Sample, provenance: Provenance) -> Sample:
    masks = made.target, stored.target
    if not provenance.ignored_pixels or not all(isinstance(mask, torch.Tensor) for mask in masks):
        return made
    own, kept = (torch.as_tensor(mask) for mask in masks)
    if own.shape != kept.shape:
        return made
    indices = [verdict.details[IGNORE_INDEX] for verdict in provenance.verdicts if IGNORE_INDEX in verdict.details]
    ignored = (own != kept) & torch.isin(kept, torch.tensor(indices, dtype=kept.dtype))
    exact = int(ignored.sum()) == provenance.ignored_pixels
    return replace(made, target=torch.where(ignored, kept, own)) if exact else made

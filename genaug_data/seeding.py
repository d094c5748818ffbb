"""Every random draw of the package, as a pure function of a seed and a path: no global generator is ever touched."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def derive(seed: int, *path: int | str | bytes) -> int:
    """Derive an independent seed from ``seed`` and a path that names what the draw is for.

    Args:
        seed: the seed of the run, any integer.
        path: integers, strings or bytes, for example ``("epoch", 3)``; ``1`` and ``"1"`` are different steps.

    Returns:
        An integer in ``[0, 2**63)``.

    Raises:
        TypeError: a step of the path is neither int, str nor bytes.

    Example:
        >>> derive(0, "epoch", 1) == derive(0, "epoch", 1)
        True
        >>> derive(0, "epoch", 1) == derive(0, "epoch", 2)
        False
    """
    digest = hashlib.blake2b(digest_size=8)
    for step in (seed, *path):
        match step:
            case bytes():
                tag, data = b"b", step
            case str():
                tag, data = b"s", step.encode()
            case int() | np.integer():
                tag, data = b"i", str(int(step)).encode()
            case _:
                raise TypeError(f"a step of a seed's path must be int, str or bytes, got {type(step).__name__}")
        digest.update(tag + len(data).to_bytes(8, "little") + data)
    return int.from_bytes(digest.digest(), "little") >> 1


def uniforms(seed: int, counters: np.ndarray) -> np.ndarray:
    """Draw one uniform number per counter, each a pure function of ``(seed, counter)``.

    The generator is SplitMix64 (Steele, Lea and Flood 2014) used as a hash of the counter.

    Args:
        seed: as :func:`derive` returns it.
        counters: integers, any shape.

    Returns:
        float64 in ``[0, 1)``, the shape of ``counters``.

    Example:
        >>> draws = uniforms(7, np.arange(4))
        >>> bool((draws == uniforms(7, np.array([0, 1, 2, 3]))).all() and (draws < 1).all())
        True
    """
    with np.errstate(over="ignore"):
        mixed = np.uint64(seed & (2**64 - 1)) + (np.asarray(counters).astype(np.uint64) + np.uint64(1)) * _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
        mixed = mixed ^ (mixed >> np.uint64(31))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(seed: int, size: int) -> np.ndarray:
    """Return the permutation of ``range(size)`` that belongs to ``seed``, int64 of shape ``(size,)``.

    Example:
        >>> sorted(permutation(3, 5).tolist())
        [0, 1, 2, 3, 4]
    """
    return np.random.Generator(np.random.Philox(seed)).permutation(size)


def numpy_generator(seed: int) -> np.random.Generator:
    """Return a private NumPy generator (Philox) for ``seed``."""
    return np.random.Generator(np.random.Philox(seed))


def torch_generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a private ``torch.Generator`` on ``device``, seeded with ``seed``.

    Example:
        >>> draw = torch.rand(2, generator=torch_generator(1))
        >>> bool((draw == torch.rand(2, generator=torch_generator(1))).all())
        True
    """
    return torch.Generator(device).manual_seed(seed)

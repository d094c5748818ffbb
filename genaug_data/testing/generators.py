"""What every generator must keep, so that a variant can be cached under a key and made again."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cloudpickle

from genaug_data.errors import GeneratorError
from genaug_data.generators import Refusal, SampleGenerator, check_variants
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.testing.rules import Violation, difference, global_seed, require, unchanged, unshared_randomness


def check_generator(
    make: Callable[[], SampleGenerator],
    samples: Sequence[Sample],
    *,
    recipe: Recipe | None = None,
    tolerance: int = 1,
) -> None:
    """Check that a generator keeps the contract of :class:`~genaug_data.SampleGenerator`.

    Args:
        make: returns a new generator; one with a ``fit`` is fitted on ``samples`` first.
        samples: parents, at least 3, of the kind that it is for.
        recipe: to ask for; None is strength 0.5 in 4 steps.
        tolerance: grey levels by which an image may depend on the batch that it was made in.

    Raises:
        Violation: a rule is broken; the sentence says which.

    Example:
        >>> from genaug_data.testing.parts import Speckled, some_samples
        >>> check_generator(Speckled, some_samples())
    """
    parents = list(samples)
    require(len(parents) >= 3, f"check_generator got {len(parents)} samples; pass at least 3")
    recipe = recipe or Recipe(strength=0.5, steps=4)
    requests = [Request(place, 0, recipe, 1000 + place, 0.5) for place in range(len(parents))]
    with tempfile.TemporaryDirectory() as folder:
        generator = _ready(make, parents, Path(folder))
        images = _check_calls(generator, parents, requests)
        _check_purity(generator, parents, requests, images, tolerance)
        _check_fingerprint(generator, _ready(make, parents, Path(folder)), parents, requests, images)


def _ready(make: Callable[[], SampleGenerator], parents: list[Sample], folder: Path) -> SampleGenerator:
    generator = make()
    for name in ("fingerprint", "generate"):
        require(
            inspect.getattr_static(generator, name, None) is not None,
            f"{type(generator).__name__} has no {name}; a generator has fingerprint and generate(parents, requests)",
        )
    require(callable(generator.generate), f"generate of {type(generator).__name__} is no method; make it one")
    if hasattr(generator, "fit"):
        with unchanged(parents, "fit"), unshared_randomness("fit"):
            generator.fit(parents, folder, progress=False, beat=lambda: None)
    return generator


def _check_calls(generator: SampleGenerator, parents: list[Sample], requests: list[Request]) -> list[Sample]:
    with unchanged(parents, "generate"), unshared_randomness("generate"):
        made = generator.generate(list(parents), list(requests))
    try:
        check_variants(parents, made)
    except GeneratorError as error:
        raise Violation(str(error)) from error
    refused = [answer for answer in made if isinstance(answer, Refusal)]
    require(not refused, f"{len(refused)} parents were refused; pass samples of which variants can be made")
    return made


def _check_purity(
    generator: SampleGenerator, parents: list[Sample], requests: list[Request], made: list[Sample], tolerance: int
) -> None:
    for seed in (1, 2):
        with global_seed(seed):
            again = generator.generate(list(parents), list(requests))
        _require_equal(again, made, 0, "a repeated call", "let the parent and the request alone decide an image")
    backwards = generator.generate(parents[::-1], requests[::-1])[::-1]
    _require_equal(backwards, made, tolerance, "the reversed order", "let no image depend on its place in the batch")
    alone = [generator.generate([one], [order])[0] for one, order in zip(parents, requests, strict=True)]
    _require_equal(alone, made, tolerance, "a batch of its own", "let no image depend on the rest of its batch")
    # None of these is part of a variant's key.
    renamed = [replace(order, parent=order.parent + 7, variant=3, priority=0.1) for order in requests]
    _require_equal(
        generator.generate(list(parents), renamed),
        made,
        0,
        "another index, variant number or priority",
        "let seed, recipe and parent decide alone, as the key holds no more",
    )
    reseeded = generator.generate(list(parents), [replace(order, seed=order.seed + 10_000) for order in requests])
    changed = [difference(one.image, other.image) > 0 for one, other in zip(reseeded, made, strict=True)]
    require(any(changed), "no image changed with the seed of its request; draw from torch_generator(request.seed)")


def _check_fingerprint(
    generator: SampleGenerator,
    second: SampleGenerator,
    parents: list[Sample],
    requests: list[Request],
    made: list[Sample],
) -> None:
    name = generator.fingerprint
    require(
        isinstance(name, str) and name != "", f"the fingerprint is {name!r}; return a text that names model and weights"
    )
    copy = cloudpickle.loads(cloudpickle.dumps(generator))
    for other, what in ((copy, "after pickling"), (second, "of a second generator made and fitted alike")):
        require(
            other.fingerprint == name,
            f"the fingerprint {what} is {other.fingerprint!r} instead of {name!r}; derive it from settings and weights",
        )
        again = other.generate(list(parents), list(requests))
        _require_equal(again, made, 0, f"a generator {what}", "let what the fingerprint names decide every image")
    require(
        generator.fingerprint == name,
        f"the fingerprint was {name!r} and is {generator.fingerprint!r} after some calls; keep it the same",
    )


def _require_equal(found: list[Sample], made: list[Sample], tolerance: int, what: str, advice: str) -> None:
    require(len(found) == len(made), f"{what} gave {len(found)} variants instead of {len(made)}; return one for each")
    for place, (one, other) in enumerate(zip(found, made, strict=True)):
        levels = difference(one.image, other.image)
        require(
            levels <= tolerance,
            f"{what} changed variant {place} by {levels} grey levels (at most {tolerance}); {advice}",
        )

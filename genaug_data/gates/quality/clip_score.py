"""The gate that asks CLIP whether an image fits its class better than the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genaug_data.errors import ConfigError
from genaug_data.gates.quality import thresholds
from genaug_data.gates.quality.base import ScoreGate
from genaug_data.gates.quality.clip import Clip
from genaug_data.gates.quality.predictions import label_of
from genaug_data.gates.quality.share import Share
from genaug_data.sample import Sample

TEMPLATE = "a photo of a {}"


class ClipScore(ScoreGate):
    """Rejects the children of each class that CLIP finds least like their class, compared with the other classes.

    A CLIP score as such (arXiv:2104.08718) means little: some classes have high ones throughout. So the score is the
    probability of the class's prompt among those of all classes, and the share is kept in each class by itself.

    Args:
        clip: the model, or its folder or id.
        classes: names of the classes, by class id; at least 2.
        threshold: probability that is needed, or the share to keep.
        template: with ``{}`` where the name goes.

    Raises:
        ConfigError: fewer than 2 classes, a template without a place for the name, or a threshold outside of [0, 1].

    Example:
        >>> import tempfile
        >>> from genaug_data.testing.parts import some_samples
        >>> from genaug_data.testing.tiny_models import save_clip
        >>> gate = ClipScore(save_clip(tempfile.mkdtemp()), ["cat", "dog", "cow"], threshold=0.0)
        >>> gate.judge(some_samples(1), some_samples(1))[0].accepted
        True
    """

    name = "clip_score"
    cost = 6.0
    what = "the probability of its class among all, by CLIP,"

    def __init__(
        self,
        clip: Clip | str | Path,
        classes: Sequence[str],
        threshold: float | Share = thresholds.CLIP_KEEP,
        *,
        template: str = TEMPLATE,
    ) -> None:
        super().__init__(threshold)
        self.prompts = prompts_of(classes, template)
        self._clip = clip if isinstance(clip, Clip) else Clip(clip)

    @property
    def parts(self) -> str:
        """The model."""
        return self._clip.fingerprint

    def score(self, parent: Sample, child: Sample) -> float:
        """Return the probability of a child's class."""
        label = label_of(child, len(self.prompts))
        return min(float(self._clip.probabilities(child.image, self.prompts)[label]), 1.0)


def prompts_of(classes: Sequence[str], template: str) -> tuple[str, ...]:
    """Return the prompt of each class.

    Raises:
        ConfigError: fewer than 2 classes, classes that are no list, or a template without a place for the name.

    Example:
        >>> prompts_of(["cat", "dog"], "a {}")
        ('a cat', 'a dog')
    """
    if isinstance(classes, str) or len(classes) < 2:
        raise ConfigError(f"CLIP compares at least 2 classes, got {classes!r}; pass the list of their names")
    if template.count("{}") != 1:
        raise ConfigError(f'the template of a prompt must hold one {{}} for the name, got "{template}"')
    return tuple(template.replace("{}", str(name)) for name in classes)

"""An adapter that is fitted on the training set once, kept on disk, and found again."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from genaug_data.errors import GenaugWarning, GeneratorError
from genaug_data.generators.accelerator import own_accelerator
from genaug_data.generators.fitted import folder_of_fit
from genaug_data.generators.pretrained.adapters.fit_job import FitJob
from genaug_data.generators.pretrained.adapters.launch import fit_in_ranks
from genaug_data.generators.pretrained.adapters.lessons import NoiseLessons
from genaug_data.generators.pretrained.adapters.plan import FitPlan
from genaug_data.sample import Sample
from genaug_data.tasks import dataset_probe
from genaug_data.tensor_file import DamagedFile, digest_of, read_tensors, write_tensors

if TYPE_CHECKING:
    from genaug_data.generators.pretrained.prompts.base import PromptPolicy


class LearnedAdapter(ABC):
    """Template of an adapter that is fitted: a member says which weights are learned, and how a pipeline gets them.

    Args:
        plan: of the fit.
    """

    file: ClassVar[str]

    def __init__(self, plan: FitPlan) -> None:
        self.plan = plan
        self._weights: dict[str, torch.Tensor] | None = None
        self._digest = ""
        self._fitted_as: tuple[str, ...] = ()

    @property
    @abstractmethod
    def identity(self) -> str:
        """Name and settings, known before anything is learned."""

    @property
    @abstractmethod
    def learned_as(self) -> str:
        """Name and the settings that decide what is learned."""

    @property
    def digest(self) -> str:
        """Hash of the fitted weights.

        Raises:
            GeneratorError: there was no fit yet.
        """
        self._known()
        return self._digest

    @abstractmethod
    def begin(
        self,
        pipeline: Any,
        samples: Sequence[Sample],
        prompts: PromptPolicy,
        device: torch.device,
        beat: Callable[[], None],
    ) -> tuple[dict[str, torch.nn.Parameter], NoiseLessons]:
        """Add new weights to a frozen pipeline, move it to the device, and return them and what they are to learn."""

    @abstractmethod
    def add(self, pipeline: Any, weights: dict[str, torch.Tensor]) -> None:
        """Add fitted weights to a loaded pipeline."""

    def fit(
        self,
        load: Callable[[], Any],
        samples: Sequence[Sample],
        prompts: PromptPolicy,
        folder: Path,
        device: torch.device,
        *,
        progress: bool = True,
        beat: Callable[[], None] | None = None,
    ) -> None:
        """Take over a finished fit, also its own, go on with an interrupted one, or begin.

        Training sets are told apart by their length and a probe of 64 examples.

        Args:
            load: returns a pipeline of diffusers in float32 with the adapters before this one; called only where there
                is something to learn, on several devices in a process for each.
            samples: the training set.
            prompts: what the model will be told of them.
            folder: of the model with the adapters before this one; each fit has a sub-folder of its own.
            device: where to fit, if the plan names none.
            progress: whether to show a progress bar.
            beat: called at least once a step.

        Raises:
            GeneratorError: nothing can be learned from this training set, or with this model; or a process of a fit on
                several devices cannot be sent it, or ended.
        """
        if len(samples) == 0:
            raise GeneratorError("the training set is empty, so there is nothing to learn from: check its path")
        identity, dataset = f"{self.learned_as}, {prompts.identity}", dataset_probe(samples)
        place = folder_of_fit(Path(folder), identity, dataset)
        known_as = (Path(folder).name, identity, dataset)
        found = _read(place / self.file, identity, dataset)
        if found is None:
            losses: list[list[float]] = []
            if self._weights is not None and self._fitted_as == known_as:
                # In another folder before: kept here too, so that a process that starts anew finds it.
                found = self._weights
            else:
                job = FitJob(self, load, samples, prompts, _checkpoint(place), identity, progress)
                found, losses = self._learn(job, device, beat or (lambda: None))
            description = {"identity": identity, "dataset": dataset, "weights": digest_of(found), "losses": losses}
            write_tensors(place / self.file, found, description)
            _checkpoint(place).unlink(missing_ok=True)
        self._weights, self._digest, self._fitted_as = found, digest_of(found), known_as

    def apply(self, pipeline: Any) -> None:
        """Add the fitted weights to a loaded pipeline.

        Raises:
            GeneratorError: there was no fit yet, or they do not fit to it.
        """
        self.add(pipeline, self._known())

    def _learn(
        self, job: FitJob, device: torch.device, beat: Callable[[], None]
    ) -> tuple[dict[str, torch.Tensor], list[list[float]]]:
        devices = [torch.device(name) for name in self.plan.devices] or [device]
        if len(devices) > 1:
            return fit_in_ranks(job, devices, self.plan.mixed_precision, beat)
        with own_accelerator(devices[0], self.plan.mixed_precision) as accelerator:
            return job(accelerator, beat)

    def _known(self) -> dict[str, torch.Tensor]:
        if self._weights is None:
            raise GeneratorError(
                f"{type(self).__name__} has not been fitted yet: call the generator's fit(samples, folder) first"
            )
        return self._weights


def freeze(pipeline: Any) -> None:
    """Record no gradients for any weight that a pipeline has so far."""
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.requires_grad_(False)


def _checkpoint(place: Path) -> Path:
    return place / "progress.safetensors"


def _read(file: Path, identity: str, dataset: str) -> dict[str, torch.Tensor] | None:
    """Return the weights of a fit; None, with a warning if the file is damaged, if there are none."""
    try:
        stored = read_tensors(file)
        if stored is None:
            return None
        weights, described = stored
        if described.get("weights") != digest_of(weights):
            raise DamagedFile(f"{file}: the weights are not those that were written")
    except DamagedFile as error:
        warnings.warn(f"a fitted adapter is damaged and is fitted anew ({error})", GenaugWarning, stacklevel=2)
        return None
    return weights if (described["identity"], described["dataset"]) == (identity, dataset) else None

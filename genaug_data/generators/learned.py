"""A network that is learned once, kept on disk, and built on the device of the process that needs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch

from genaug_data.errors import ConfigError, GeneratorError
from genaug_data.generators.examples import Examples
from genaug_data.generators.fitted import FitRecord, Fitted, folder_of_fit, load_fitted, save_fitted
from genaug_data.generators.fitting import FitPlace, fit_network
from genaug_data.generators.lessons import Lessons
from genaug_data.generators.network import ConditionalUNet, load_network
from genaug_data.generators.settings import FitSettings
from genaug_data.tensor_file import digest_of

_MAX_SIZE = {"CPU": 32, "GPU": 128}
"""Largest side, in pixels, for which a fit on this kind of device ends within a usual training run's time."""


class LearnedNetwork:
    """What the diffusion models of this package share: the fit, its record, and the network that came out of it.

    Args:
        name: of the generator's class.
        settings: of the fit; what they leave open is chosen by the size of the images.
        max_size: refuse images with a longer side, in pixels; None takes any, ``"auto"`` 32 on a CPU and 128 on a GPU.
        checkpoint_seconds: time between two checkpoints of the fit.

    Raises:
        ConfigError: ``max_size`` is none of these.
    """

    def __init__(
        self,
        name: str,
        settings: FitSettings,
        *,
        max_size: int | Literal["auto"] | None = None,
        checkpoint_seconds: float = 5.0,
    ) -> None:
        if isinstance(max_size, str) and max_size != "auto":
            raise ConfigError(f'max_size must be a number of pixels, "auto" or None, got {max_size!r}')
        self.settings = settings
        self._name = name
        self._max_size = max_size
        self._checkpoint_seconds = checkpoint_seconds
        self._fitted: Fitted | None = None
        self._network: ConditionalUNet | None = None

    @property
    def record(self) -> FitRecord:
        """What was fitted, on what, and how it went.

        Raises:
            GeneratorError: there was no fit yet.
        """
        return self._known().record

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """The fitted weights, on the CPU.

        Raises:
            GeneratorError: there was no fit yet.
        """
        return self._known().weights

    @property
    def multiple(self) -> int:
        """Both sides of the images that the network takes are multiples of this."""
        return _multiple(self.record.channels)

    def learn(
        self,
        folder: Path,
        identity: str,
        dataset: str,
        read: Callable[[], Examples],
        lessons: Callable[[Examples, tuple[int, int]], Lessons],
        *,
        device: torch.device,
        progress: bool,
        beat: Callable[[], None],
    ) -> None:
        """Take over a finished fit, also its own, go on with an interrupted one, or begin.

        Args:
            folder: where fits are kept; each combination of ``identity`` and ``dataset`` has a sub-folder of its own.
            identity: of the generator before the fit.
            dataset: probe of what is learned from.
            read: reads it; called only where there is something to learn.
            lessons: makes of it what the fit sees, at the size to which images are padded.
            device: of the fit.
            progress: whether to show progress bars.
            beat: called at least once per step.

        Raises:
            GeneratorError: nothing can be learned from it, images are too large, or the loss is not finite.
        """
        place = folder_of_fit(folder, identity, dataset)
        fitted = load_fitted(place, identity, dataset)
        if fitted is None and self._is_fitted_for(identity, dataset):
            # In another folder before: kept here too, so that a process that starts anew finds it.
            fitted = self._known()
            save_fitted(place, fitted)
        if fitted is None:
            examples = read()
            self._check_size(examples.size, device)
            reporting = FitPlace(place / "progress.safetensors", self._checkpoint_seconds, progress, beat)
            fitted = self._fit(examples, lessons, device, reporting, identity, dataset)
            save_fitted(place, fitted)
            reporting.checkpoint.unlink(missing_ok=True)
        self._fitted, self._network = fitted, None

    def on(self, device: torch.device) -> ConditionalUNet:
        """Return the network on ``device``, built at the first call.

        Raises:
            GeneratorError: there was no fit yet.
        """
        if self._network is None:
            record = self.record
            network = load_network(record.condition, record.image_channels, record.channels, self.weights)
            self._network = network.to(device)
        return self._network

    def leave_device(self) -> None:
        """Forget the network, so that it is built on another device next time."""
        self._network = None

    def check_channels(self, channels: int) -> None:
        """Refuse images of other channels than those of the fit.

        Raises:
            GeneratorError: they have others, or there was no fit yet.
        """
        expected = self.record.image_channels
        if channels != expected:
            raise GeneratorError(
                f"the model was fitted on images of {expected} channel(s), found {channels}: pass images like those"
            )

    def __getstate__(self) -> dict[str, Any]:
        # The network is built again from the weights, on the device of the process that needs it.
        return {**self.__dict__, "_network": None}

    def _fit(
        self,
        examples: Examples,
        lessons: Callable[[Examples, tuple[int, int]], Lessons],
        device: torch.device,
        reporting: FitPlace,
        identity: str,
        dataset: str,
    ) -> Fitted:
        settings = self.settings.sized(examples.size, on_gpu=device.type == "cuda")
        assert settings.channels is not None
        multiple = _multiple(settings.channels)
        height, width = (-(-side // multiple) * multiple for side in examples.size)
        learned = lessons(examples, (height, width))
        weights, course = fit_network(learned, settings, device, reporting)
        record = FitRecord(
            identity=identity,
            dataset=dataset,
            kind=learned.condition.kind,
            classes=learned.condition.classes,
            image_channels=examples.image_channels,
            size=examples.size,
            channels=settings.channels,
            steps=course.step,
            best_step=course.best_step,
            losses=tuple((int(step), loss) for step, loss in course.losses),
            weights=digest_of(weights),
            generator=self._name,
        )
        return Fitted(record, weights)

    def _is_fitted_for(self, identity: str, dataset: str) -> bool:
        record = None if self._fitted is None else self._fitted.record
        return record is not None and (record.identity, record.dataset) == (identity, dataset)

    def _known(self) -> Fitted:
        if self._fitted is None:
            raise GeneratorError(f"{self._name} has not been fitted yet: call fit(samples, folder) first")
        return self._fitted

    def _check_size(self, size: tuple[int, int], device: torch.device) -> None:
        kind = "GPU" if device.type == "cuda" else "CPU"
        limit = _MAX_SIZE[kind] if self._max_size == "auto" else self._max_size
        if limit is not None and max(size) > limit:
            raise GeneratorError(
                f"images of {size[0]}x{size[1]} are too large to fit a diffusion model from scratch on a {kind}, whose "
                f"limit is {limit} pixels: resize them, pass generator={self._name}(max_steps=...), which has no "
                "limit, or pass another generator"
            )


def _multiple(channels: tuple[int, ...]) -> int:
    return 2 ** (len(channels) - 1)

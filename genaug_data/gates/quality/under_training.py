"""The model under training as a classifier, in the process that judges."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable

import torch
from torch import nn

from genaug_data.errors import ConfigError, brief
from genaug_data.gates.snapshot import Snapshot


def scaled(images: torch.Tensor) -> torch.Tensor:
    """Return uint8 images as floats in [0, 1]."""
    return images.float() / 255


class UnderTraining:
    """A copy of the model that is being trained, whose weights are those of the last snapshot.

    Args:
        model: the model, of which a copy is kept on the CPU, in evaluation mode.
        transform: from uint8 images ``(B, C, H, W)`` to the model's input: what ``transform=`` of the wrapped dataset
            does, on a batch. The default scales to [0, 1].
        device: where it judges; "cuda" shares the generator's device.

    Attributes:
        snapshot: name of the last snapshot, None before the first.
        step: of it.

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
        >>> judge = UnderTraining(model)
        >>> judge.learn(Snapshot.of(model.state_dict(), step=100))
        >>> judge(torch.zeros(1, 1, 2, 2, dtype=torch.uint8)).shape, judge.step
        (torch.Size([1, 3]), 100)
    """

    def __init__(
        self,
        model: nn.Module,
        transform: Callable[[torch.Tensor], torch.Tensor] = scaled,
        *,
        device: str = "cpu",
    ) -> None:
        self.snapshot: str | None = None
        self.step = 0
        self._model = copy.deepcopy(plain(model)).to("cpu").eval().requires_grad_(False)
        self._transform = transform
        self._device = device

    @property
    def fingerprint(self) -> str:
        """The architecture: names and shapes of the weights, not their values."""
        shapes = sorted((name, tuple(value.shape)) for name, value in self._model.state_dict().items())
        digest = hashlib.blake2b(repr(shapes).encode(), digest_size=8).hexdigest()
        return f"UnderTraining({type(self._model).__qualname__}/{digest})"

    def learn(self, snapshot: Snapshot) -> None:
        """Take over the weights of a snapshot.

        Raises:
            ConfigError: they are those of another model; nothing was changed.
        """
        fresh = copy.deepcopy(self._model)
        try:
            fresh.load_state_dict(dict(snapshot.weights))
        except RuntimeError as error:
            raise ConfigError(
                f"the snapshot of step {snapshot.step} does not fit the model that UnderTraining was given "
                f"({brief(error)}); pass train.snapshot() the same model"
            ) from error
        self._model, self.snapshot, self.step = fresh.to(self._device), snapshot.name, snapshot.step

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the model's logits for uint8 images."""
        with torch.no_grad():
            return self._model(self._transform(images).to(self._device))


def plain(model: nn.Module) -> nn.Module:
    """Return the model inside of what ``torch.compile`` and data parallelism wrap around it.

    Example:
        >>> model = nn.Linear(1, 1)
        >>> plain(nn.DataParallel(model)) is model
        True
    """
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = model.module
        if not isinstance(inner, nn.Module):
            return model
        model = inner

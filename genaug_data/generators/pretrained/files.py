"""The files of a pretrained model on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from genaug_data.errors import GeneratorError, brief

_HALF = re.compile(r"\.(fp16|bf16)[.-]")
_CHUNK = 1 << 20
_DECISIVE = (".safetensors", ".json", ".txt", ".model")
_PICKLED = (".bin", ".ckpt", ".pt", ".pth")


class ModelFiles:
    """A model by folder, or by id in the Hugging Face cache of this machine; nothing is ever downloaded.

    Args:
        model: folder, or id.
        revision: of a model by id.
        index: file that every model of this kind has.

    Example:
        >>> ModelFiles("nobody/nothing").model
        'nobody/nothing'
    """

    def __init__(self, model: str | Path, *, revision: str | None = None, index: str = "model_index.json") -> None:
        self.model = str(model)
        self.revision = revision
        self._index = index

    @cached_property
    def folder(self) -> Path:
        """Where the files are.

        Raises:
            GeneratorError: they are not on this machine, are not all there, or are only there pickled.
        """
        folder = Path(self.model)
        if not folder.is_dir():
            folder = self._cached()
        elif self.revision is not None:
            raise GeneratorError(
                f"only a model by id has revisions, got {self.revision!r} for the folder {folder}; leave it out"
            )
        if not (folder / self._index).is_file():
            raise GeneratorError(f"{folder} is no saved model of diffusers: {self._index} is missing; pass its folder")
        settings = read_settings(folder / self._index)
        if self._index == "model_index.json":
            _check_parts(folder, settings)
        else:
            _check_weights(folder, folder)
        return folder

    @cached_property
    def variant(self) -> str | None:
        """Half precision in the names of weights, "fp16" for example, where some part has no others.

        Raises:
            GeneratorError: as :attr:`folder`.
        """
        for part in (self.folder, *(place for place in self.folder.iterdir() if place.is_dir())):
            names = [file.name for file in part.glob("*.safetensors")]
            if part == self.folder and self._index == "model_index.json":
                continue  # those beside the parts belong to other programs
            if names and all(_HALF.search(name) for name in names):
                return str(_HALF.search(names[0])[1])  # type: ignore[index]
        return None

    @cached_property
    def digest(self) -> str:
        """Hash of every weight and configuration file, hexadecimal, so that a changed model makes new variants.

        Raises:
            GeneratorError: as :attr:`folder`.
        """
        return digest_of(self.folder)

    @cached_property
    def origin(self) -> dict[str, str]:
        """Model, revision and licence, as far as they are known: the licence is that of the model card.

        Raises:
            GeneratorError: as :attr:`folder`.
        """
        from huggingface_hub import ModelCard
        from yaml import YAMLError

        found = {"model": self.model}
        # The cache keeps a revision in the folder of its commit.
        if self.folder.parent.name == "snapshots":
            found["revision"] = self.folder.name
        card = self.folder / "README.md"
        if card.is_file():
            try:
                licence = ModelCard.load(card).data.get("license")
            except (ValueError, YAMLError):
                licence = None  # a card that cannot be read says nothing of a licence
            if licence:
                found["license"] = str(licence)
        return found

    def __getstate__(self) -> dict[str, Any]:
        # A copy reads the files anew, which may be others by then: it must not be known by those of before.
        return {name: self.__dict__[name] for name in ("model", "revision", "_index")}

    def _cached(self) -> Path:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            return Path(snapshot_download(self.model, revision=self.revision, local_files_only=True))
        except (HFValidationError, LocalEntryNotFoundError, OSError) as error:
            raise GeneratorError(
                f"the model {self.model!r} is neither a folder nor in this machine's Hugging Face cache; run "
                f"`hf download {self.model}` where there is a network, or pass the folder of a saved model"
            ) from error


def read_settings(file: Path) -> dict[str, Any]:
    """Return what is in a JSON file of settings.

    Raises:
        GeneratorError: it holds none.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GeneratorError(f"{file} cannot be read as JSON ({brief(error)}); download it again") from error
    if not isinstance(found, dict):
        raise GeneratorError(f"{file} holds a {type(found).__name__} and no settings; download it again")
    return found


def tidy(name: str | Path) -> str:
    """Return a folder or id in one way of writing it, as the name of a model is part of every variant's key.

    Example:
        >>> tidy("./models/sd/"), tidy("some/model")
        ('models/sd', 'some/model')
    """
    text = str(name)
    return text if text == "" or "://" in text else os.path.normpath(os.path.expanduser(text))


def digest_of(place: Path) -> str:
    """Return a hash of a file, or of all weights and settings in a folder, as 16 hexadecimal digits."""
    found = hashlib.blake2b(digest_size=8)
    for file in [place] if place.is_file() else sorted(_decisive(place)):
        found.update(f"{file.relative_to(place)} {file.stat().st_size} ".encode())
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                found.update(chunk)
    return found.hexdigest()


def _decisive(folder: Path) -> Iterator[Path]:
    # Parts that models share are often links to folders, which rglob does not go into.
    for inside, folders, names in os.walk(folder, followlinks=True):
        here = Path(inside).resolve()
        # A link to where it lies in would lead round for ever.
        folders[:] = [name for name in folders if not here.is_relative_to(Path(inside, name).resolve())]
        for name in names:
            file = Path(inside, name)
            if file.suffix in _DECISIVE and file.is_file():
                yield file


def _check_parts(folder: Path, parts: dict[str, Any]) -> None:
    """Refuse a model that lacks a part, or has one as a pickle only, before diffusers says so at length."""
    for name, found in parts.items():
        if name.startswith("_") or not isinstance(found, list) or found[:1] in ([], [None]):
            continue
        part = folder / name
        if not part.is_dir():
            raise GeneratorError(f"the model in {folder} lacks its part {name}/; download all of it again")
        _check_weights(folder, part)
        # Without one, transformers makes a tokenizer that knows no word, and says nothing.
        if name.startswith("tokenizer") and not any(_is_vocabulary(file) for file in part.iterdir()):
            raise GeneratorError(f"the part {name}/ of the model in {folder} has no vocabulary; download it again")


def _is_vocabulary(file: Path) -> bool:
    return file.name == "tokenizer.json" or file.name.startswith("vocab") or file.suffix == ".model"


def _check_weights(folder: Path, part: Path) -> None:
    files = [file for file in part.iterdir() if file.is_file()]
    pickled = [file.name for file in files if file.suffix in _PICKLED]
    if pickled and not any(file.suffix == ".safetensors" for file in files):
        name = f"the part {part.name}/ of the model in {folder}" if part != folder else f"the model in {folder}"
        raise GeneratorError(
            f"{name} has pickled weights only ({pickled[0]}), which could run code; convert it with "
            "save_pretrained(safe_serialization=True)"
        )

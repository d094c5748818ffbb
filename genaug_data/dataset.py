"""The drop-in wrapper that users hold: a dataset for the loader, and the run behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch.utils.data import DataLoader, default_collate, get_worker_info

from genaug_data.arguments import check_arguments
from genaug_data.assembly import Parts, assemble
from genaug_data.auto_off import AutoOff
from genaug_data.checkpoint import load, restore_state, save, state_of
from genaug_data.collate import Collate
from genaug_data.errors import ConfigError, DataError
from genaug_data.figures import figures_of
from genaug_data.gates import Gate
from genaug_data.generators import SampleGenerator
from genaug_data.hardness import HardnessPolicy
from genaug_data.hardness.noise import NoisePolicy
from genaug_data.journal_reading import read_journal
from genaug_data.meta import SampleMeta
from genaug_data.mixed import MixedDataset
from genaug_data.ratio import Ratio
from genaug_data.recipes import RecipePolicy
from genaug_data.recording import names_of
from genaug_data.remake import Remade
from genaug_data.replay import ReplaySampler
from genaug_data.report import Family, log_figures, write_report
from genaug_data.sampler import HardExampleSampler
from genaug_data.targeting import Suspect
from genaug_data.tasks import SampleView, Task
from genaug_data.usefulness import Usefulness
from genaug_data.workers import Budget


class GenerativeAugmentDataset(MixedDataset):
    """Wraps a map-style dataset so that an exact share of every batch is made of variants of its hard examples.

    ``dataset[i]`` is always the real example i. Variants come in through :meth:`sampler` or :meth:`loader`; a variant
    that cannot be read gives its parent's real example instead. Unknown attributes are the wrapped dataset's.

    Args:
        base: map-style dataset whose items are neither normalised nor augmented: (image, class id or soft label),
            (image, mask), or Hugging Face dicts; images as PIL, uint8 tensor, float tensor or array in [0, 1].
        cache: folder that keeps the variants and the fitted generator, for one training set and generator.
        ratio: share of synthetic slots in every batch, in [0, 1), or a :class:`~genaug_data.Ratio` for a schedule.
        protected: datasets (validation, test) of items like ``base``'s that must never leak into training.
        transform: applied to the image of every item, real or synthetic.
        transforms: applied to image and annotation together, as ``transforms(image, target)``.
        task: "auto", "classification", "segmentation" or a :class:`~genaug_data.tasks.Task`.
        generator: "auto" fits a small diffusion model on ``base`` alone; or any
            :class:`~genaug_data.generators.SampleGenerator`.
        gates: decide which variant may train; None for validity, no-op, duplicate and leak. A list takes the place of
            the first three; the leak gate is among the gates of whoever names protected sets, unless the list holds a
            :class:`~genaug_data.gates.Leak` of other settings.
        policy: who is hard: a name of :data:`~genaug_data.hardness.POLICIES`, a policy, or a callable of the hardness
            table.
        recipes: how strongly parents are edited.
        mixing: "replace" keeps the number of steps of an epoch, "extend" the number of real examples.
        mode: "async" never waits; "sync" waits at each refresh, so that a run is a function of its seed.
        worker: "process", or "inline" for debugging.
        budget: what generation may take.
        max_bytes: bound of the cache.
        max_children: variants of one parent at a time.
        noise: says whose label is in doubt; these examples stay in training and have no variants. None for nobody.
        parent_share: share of the examples that may be parents at a time, the hardest, in (0, 1].
        auto_off: lets the run measure, on a slice of ``base`` that it does not train on, whether variants help, and
            show fewer where they do not; None for never.
        refresh_every: steps between two updates of the priorities; in mode "sync" DataLoader workers may be as many
            batches ahead.
        synthetic_weight: loss weight of a synthetic row in ``meta.weight()``.
        collate_fn: the user's own.
        return_meta: whether batches carry their :class:`~genaug_data.meta.SampleMeta`.
        seed: of every random draw.
        progress: whether long steps show a bar.

    Raises:
        DataError: the items cannot be generated from; the sentence says what to change.
        LeakError: a protected example is in ``base``.
        ConfigError: an argument is out of its range.
        CacheError: the folder is not a cache, or belongs to another training set or generator.

    Example:
        >>> import tempfile
        >>> base = [(torch.full((1, 8, 8), 20 * i, dtype=torch.uint8), i % 2) for i in range(8)]
        >>> train = GenerativeAugmentDataset(base, cache=tempfile.mkdtemp(), ratio=0.25)
        >>> images, labels, meta = next(iter(train.loader(batch_size=4)))
        >>> images.shape, len(meta)
        (torch.Size([4, 1, 8, 8]), 4)
        >>> train.close()
    """

    def __init__(
        self,
        base: Any,
        *,
        cache: str | Path,
        ratio: float | Ratio = 0.25,
        protected: Sequence[Any] = (),
        transform: Callable[[Any], Any] | None = None,
        transforms: Callable[[Any, Any], Any] | None = None,
        task: str | Task = "auto",
        generator: Literal["auto"] | SampleGenerator = "auto",
        gates: Sequence[Gate] | None = None,
        policy: str | HardnessPolicy | Callable = "latecomer",
        recipes: RecipePolicy | None = None,
        mixing: Literal["replace", "extend"] = "replace",
        mode: Literal["async", "sync"] = "async",
        worker: Literal["process", "inline"] = "process",
        budget: Budget | None = None,
        max_bytes: int = 1 << 30,
        max_children: int = 5,
        noise: NoisePolicy | None = None,
        parent_share: float = 0.4,
        auto_off: AutoOff | None = None,
        refresh_every: int = 50,
        synthetic_weight: float = 1.0,
        collate_fn: Callable[[list[Any]], Any] = default_collate,
        return_meta: bool = True,
        seed: int = 0,
        progress: bool = True,
    ) -> None:
        check_arguments(locals())
        self.collate = Collate(collate_fn, return_meta)
        parts = assemble(
            base,
            folder=Path(cache),
            protected=protected,
            task=task,
            generator=generator,
            gates=gates,
            policy=policy,
            recipes=recipes or RecipePolicy(),
            mode=mode,
            worker=worker,
            budget=budget or Budget(),
            max_bytes=max_bytes,
            max_children=max_children,
            noise=noise,
            parent_share=parent_share,
            auto_off=auto_off,
            refresh_every=refresh_every,
            seed=seed,
            progress=progress,
            ratio=ratio,
            mixing=mixing,
        )
        meter = parts.loop.feedback.meter
        super().__init__(
            base,
            parts.task,
            parts.reader,
            transform=transform,
            transforms=transforms,
            synthetic_weight=synthetic_weight,
            held_out=None if meter is None else meter.held_out,
        )
        self._parts: Parts | None = parts

    def sampler(self) -> HardExampleSampler:
        """Return the sampler that mixes variants in; pass it to a DataLoader together with :attr:`collate`."""
        return self._own().sampler

    def loader(self, batch_size: int, **arguments: Any) -> DataLoader:
        """Return a plain DataLoader over this dataset: short for passing :meth:`sampler` and :attr:`collate`.

        Args:
            batch_size: rows a batch.
            arguments: any other argument of ``torch.utils.data.DataLoader``.

        Raises:
            ConfigError: shuffle, sampler, batch_sampler or collate_fn among them.
        """
        taken = sorted({"shuffle", "sampler", "batch_sampler", "collate_fn"} & set(arguments))
        if taken:
            raise ConfigError(
                f"loader() sets {taken[0]} itself: its sampler shuffles, and collate_fn= belongs to "
                "GenerativeAugmentDataset; leave it out, or build a DataLoader from train.sampler() and train.collate"
            )
        return DataLoader(self, batch_size=batch_size, sampler=self.sampler(), collate_fn=self.collate, **arguments)

    def observe(
        self,
        meta: SampleMeta,
        loss: torch.Tensor,
        logits: torch.Tensor | None = None,
        target: torch.Tensor | None = None,
    ) -> None:
        """Tell the selection how a training step went; takes microseconds and synchronises nothing.

        Args:
            meta: of the batch.
            loss: one value a row, ``(B,)``; for segmentation also ``(B, H, W)``. Any device; NaN rows are ignored.
            logits: ``(B, classes)`` or ``(B, classes, H, W)``; without them only policies of the
                loss and "uniform" select.
            target: labels as the loss got them, before rows are mixed; soft labels are ``(B, classes)``.

        Raises:
            DataError: the loss is a scalar, or the arguments do not have the batch's rows.
        """
        self._own().loop.observe(meta, loss, logits, target)

    def snapshot(self, model: torch.nn.Module) -> None:
        """Let gates judge by the present weights of the model under training, those that ask for it.

        These are given to them as ``Agreement(UnderTraining(model))`` of :mod:`genaug_data.gates.quality`. Call it now
        and then, once an epoch say, and first when the model is worth asking: until then they let everything pass. In
        mode "async" it takes as long as copying the weights where they are, and no longer.

        Raises:
            ConfigError: it is no module.
        """
        self._own().snapshot(model)

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass of the sampler be ``epoch``."""
        self.sampler().set_epoch(epoch)

    @property
    def epoch(self) -> int:
        """The epoch that is running, or that a loaded state goes on with."""
        return self.sampler().epoch

    def state_dict(self) -> dict[str, Any]:
        """Return where the run stands behind the last observed row, for a checkpoint of the user's own: below 1 KB.

        The tables that selection works with are not in it; see :meth:`save`. In a DataLoader worker there is nothing
        to say: a StatefulDataLoader asks there, too.
        """
        return {} if get_worker_info() else state_of(self._own())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next pass go on behind the last row that was observed when :meth:`state_dict` was called.

        Raises:
            ConfigError: the state is of a run with other arguments.
            DataError: it is no state; nothing was changed.
        """
        if not get_worker_info():
            restore_state(self._own(), state)

    def save(self, folder: str | Path) -> Path:
        """Write :meth:`state_dict`, tables, ledger, catalogue and budget to one file in ``folder``; returns its path.

        Raises:
            SaveError: it cannot be written; an earlier file is left as it is.
        """
        return save(self._own(), Path(folder))

    def load(self, folder: str | Path) -> None:
        """Go on from what :meth:`save` wrote: in mode "sync" with the very batches that would have come then.

        Call it before the first batch, and go on with ``for epoch in range(train.epoch, epochs)``.

        Raises:
            ConfigError: the state is of a run with other arguments, or this one has begun.
            DataError: there is none, or it is damaged; nothing was changed.
        """
        load(self._own(), Path(folder))

    def replay(self, journal: str | Path) -> ReplaySampler:
        """Return a sampler that yields the tokens of an earlier run in mode "async" again, from its journal.

        Args:
            journal: a file of the folder ``journals`` of the cache.

        Raises:
            DataError: it is no journal, or one of another dataset.
        """
        found = read_journal(journal)
        if found.settings["size"] != len(self):
            raise DataError(
                f"the journal {journal} is of {found.settings['size']} examples, this dataset has {len(self)}; "
                "wrap the same training set"
            )
        return ReplaySampler(found)

    def remake(self, key: bytes | str) -> Remade:
        """Make the variant of ``key`` (or its hexadecimal digits) again, and return it beside the one in the cache.

        Raises:
            DataError: there is no such variant, or its parent has changed.
            GeneratorError: another generator made it.
        """
        return self._own().remake(key)

    def warmup(self, variants: int = 1) -> dict[str, int]:
        """Make ``variants`` of every example before training, only what is missing, and return the counts.

        Raises:
            WorkerError: the worker cannot go on.
        """
        return self._own().warm_up(variants)

    def stats(self) -> dict[str, float | str]:
        """Return what was shown, made, rejected and why, and what it cost, as one flat dict."""
        return self._own().stats()

    def suspects(self) -> list[Suspect]:
        """Return the examples whose label is probably wrong, the most suspicious first, by what training said of them.

        By ``noise=``, or without it by the lowest twentieth of each class in area under the margin (arXiv:2001.10528).
        """
        with self._own().loop.books() as loop:
            return loop.refresher.targeting.suspects(loop.feedback.table)

    def usefulness(self) -> list[Usefulness]:
        """Return, class by class, whether variants help, as far as ``auto_off=`` has measured it; [] without."""
        with self._own().loop.books() as loop:
            return [] if loop.feedback.meter is None else loop.feedback.meter.table()

    def families(self, count: int = 10) -> list[Family]:
        """Return the ``count`` parents of highest priority that have variants, with these, hardest first."""
        return self._own().families(count)

    def report(self, path: str | Path | None = None) -> Path:
        """Write what this run made, what it rejected and why, and what it cost as one HTML file; returns its path.

        Args:
            path: of the file; None for ``report.html`` in the folder of the cache.

        Raises:
            CacheError: nothing was cached so far.
            SaveError: the file cannot be written.
        """
        parts = self._own()
        return write_report(parts.job.folder, path, samples=parts.samples, classes=names_of(self.base) or None)

    def log_to(self, logger: Any, step: int | None = None, *, families: int = 4) -> None:
        """Hand the numbers of this run, with ratio and hardness, to a logger: once an epoch, say.

        Args:
            logger: a TensorBoard ``SummaryWriter``, a Weights & Biases run, or anything else with
                ``add_scalar(tag, value, step)`` or ``log(figures, step=)``.
            step: of the training; None for the number of observed steps.
            families: of the hardest examples, how many are shown with their variants where the logger has
                ``add_images(tag, images, step)``.

        Raises:
            ConfigError: the logger has none of these.
        """
        parts = self._own()
        with parts.loop.books() as loop:
            figures = figures_of(loop, parts.sampler, parts.reader)
        shown = parts.families(families) if families and hasattr(logger, "add_images") else []
        log_figures(logger, figures, parts.loop.steps if step is None else step, shown)

    @property
    def samples(self) -> SampleView:
        """The wrapped dataset as :class:`~genaug_data.sample.Sample` objects: what a generator is fitted on."""
        return self._own().samples

    def start(self) -> None:
        """Start generation, also anew after :meth:`close`: idempotent; the sampler's first draw does it too."""
        self._own().loop.start()

    def wait_until_ready(self) -> None:
        """Wait until the generator is fitted and the cache is open; without it, training starts on real examples.

        Raises:
            WorkerError: generation cannot start; the sentence says why.
        """
        self.start()
        self._own().loop.wait_until_ready()

    def close(self) -> None:
        """Stop generation and release everything: idempotent."""
        if self._parts is not None:
            self._parts.loop.close()
            self._parts.snapshots.join(10)

    def __enter__(self) -> GenerativeAugmentDataset:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        # A DataLoader worker reads; selection, requests and the generation process stay with the trainer.
        return self.__dict__ | {"_parts": None}

    def _own(self) -> Parts:
        if self._parts is None:
            raise ConfigError("this copy of the dataset is a DataLoader worker's; call this in the training process")
        return self._parts

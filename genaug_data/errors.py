"""The exceptions and the warnings that genaug_data raises; all derive from :class:`GenaugError`."""

from __future__ import annotations

import traceback


class GenaugError(Exception):
    """Base of every error that genaug_data raises on purpose.

    Each message is one sentence: what is wrong, the value found, what to do.

    Example:
        >>> from genaug_data import GenaugError
        >>> from genaug_data.errors import ConfigError
        >>> issubclass(ConfigError, GenaugError) and issubclass(ConfigError, ValueError)
        True
    """


class ConfigError(GenaugError, ValueError):
    """An argument has a value that cannot work."""


class DataError(GenaugError, ValueError):
    """A dataset, an item or a batch is not what its task needs."""


class LeakError(DataError):
    """A protected (validation or test) example is also in the training set."""


class CacheError(GenaugError, RuntimeError):
    """A cache folder is not ours, belongs to another generator, or cannot be written."""


class CacheFull(CacheError):
    """The file system under the cache has no room, or a record exceeds the bound of the cache."""


class CacheLocked(CacheError):
    """Another living process writes to this cache folder."""


class GeneratorError(GenaugError, RuntimeError):
    """A generator cannot be used here, or returned something that is no variant of its parent."""


class SaveError(GenaugError, RuntimeError):
    """A fitted generator or the state of a run cannot be written to disk."""


class WorkerError(GenaugError, RuntimeError):
    """The generation worker failed in a way that training cannot mend by itself."""


class GenaugWarning(UserWarning):
    """Something went on without generation, or with less of it; said once."""


class SampleSizeWarning(GenaugWarning):
    """A number was computed from sets too small for it to mean much; it says the size that it needs."""


def brief(error: BaseException) -> str:
    """Return type and message of an exception and the line of code that raised it, in one line.

    Example:
        >>> brief(ValueError("no such class"))
        'ValueError: no such class'
    """
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(f" ({frame.filename}:{frame.lineno})" for frame in place)
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"

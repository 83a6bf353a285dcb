"""Every error irkit raises on purpose.

    IrkitError
    ├── ConfigError        an option, recipe or suite that does not make sense
    ├── FrameError         a data frame without the columns or values its role asks for
    ├── DataError          a file whose content cannot be read; says file and line
    │   └── DamagedError   a file of irkit's own that is not as it was written
    ├── ShapeError         arrays whose shapes do not fit
    ├── CompositionError   two stages that cannot be chained
    ├── AbilityError       a model asked for what its kind does not do
    ├── NotFittedError     a model used before `fit`
    ├── NotFoundError      a name, file or document that does not exist; lists near misses
    ├── LockedError        something another process is writing at this moment
    ├── MissingExtraError  an optional package that is not installed; says the command
    ├── DeadlineError      work that was not done in the time it had
    ├── DivergedError      training that no longer has numbers to go on with
    ├── DownloadError      a collection that could not be fetched or verified
    ├── ClusterError       a Ray cluster that does not answer, or was lost
    └── JavaError          the JVM or Lucene failed

A message is one line: `<who>: <what is wrong>, got <value>; <what to do>`. The command line
prints the message alone and exits with status 2; `--debug` shows the trace.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AbilityError",
    "ClusterError",
    "CompositionError",
    "ConfigError",
    "DamagedError",
    "DataError",
    "DeadlineError",
    "DivergedError",
    "DownloadError",
    "FrameError",
    "IrkitError",
    "JavaError",
    "LockedError",
    "MissingExtraError",
    "NotFittedError",
    "NotFoundError",
    "ShapeError",
]


def __dir__() -> list[str]:
    return __all__


class IrkitError(Exception):
    """Any failure that irkit foresees and explains."""


class ConfigError(IrkitError, ValueError):
    """An option, recipe or suite does not make sense."""


class FrameError(IrkitError, ValueError):
    """A data frame lacks the columns or values its role asks for."""

    rows: tuple[int, ...] = ()
    "The rows, from 0, that do not go together, for whoever knows which lines of a file they are."


class DataError(IrkitError, ValueError):
    """A file's content cannot be read."""


class DamagedError(DataError):
    """A file that irkit or Lucene wrote is not as it was written."""


class ShapeError(IrkitError, ValueError):
    """Arrays do not fit together."""


class CompositionError(IrkitError, TypeError):
    """Two stages cannot be chained."""


class AbilityError(IrkitError, TypeError):
    """A model is asked for what its kind does not do."""


class NotFittedError(IrkitError, RuntimeError):
    """A model is used before `fit`."""


class NotFoundError(IrkitError, LookupError):
    """A name, file or document does not exist."""


class LockedError(IrkitError, RuntimeError):
    """Another process is writing the same thing."""


class MissingExtraError(IrkitError, ImportError):
    """An optional package is not installed."""


class DeadlineError(IrkitError, TimeoutError):
    """Work was not done in the time it had."""


class DivergedError(IrkitError, ArithmeticError):
    """A loss, a gradient or a weight is no longer a number, or too large for one."""


class DownloadError(IrkitError, OSError):
    """A collection could not be fetched or verified."""


class ClusterError(IrkitError, ConnectionError):
    """A Ray cluster does not answer, or was lost."""


class JavaError(IrkitError, RuntimeError):
    """The JVM or Lucene failed."""


def near_misses(name: str, choices: Iterable[str], *, limit: int = 12) -> str:
    """Say which of `choices` the caller may have meant, as the tail of an error message.

    Examples
    --------
    >>> near_misses("bm52", ["bm25", "ql-dirichlet"])
    'did you mean bm25?'
    >>> near_misses("learning_rate", ["trainer.optimiser.learning_rate"])
    'did you mean trainer.optimiser.learning_rate?'
    >>> near_misses("BM25", ["bm25", "bm25f"])
    'did you mean bm25?'
    >>> near_misses("zzz", ["bm25", "ql-dirichlet"])
    'choose from bm25, ql-dirichlet'
    """
    name = str(name)  # also where something else was given in the place of a name
    names = sorted(set(choices))
    close = [one for one in names if one.endswith(f".{name}") or one.casefold() == name.casefold()]
    close = close or get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not names:
        return "there is nothing to choose from"
    shown = ", ".join(names[:limit])
    return f"choose from {shown}" + (f" and {len(names) - limit} more" if len(names) > limit else "")

"""Memory that ran out, said in a line: numpy, torch and its accelerators each have an error of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from irkit.errors import IrkitError

SIZES = (
    "samples",
    "chains",
    "batch_size",
    "hidden_size",
    "hidden_sizes",
    "embedding_size",
    "latent_size",
    "rank",
    "bins",
    "draws",
    "k",
)
"Settings that decide how much memory a model takes, the easiest to lower first."

_TORCH = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)
_AMOUNT = re.compile(r"allocate ([\d.]+ ?[KMGTPE]?i?(?:B|bytes)\b)")


class OutOfMemoryError(IrkitError, MemoryError):
    """A model does not fit into memory."""


@contextmanager
def enough_memory(who: str, todo: str) -> Iterator[None]:
    """Turn whatever says that memory ran out into one line.

    Parameters
    ----------
    who : str
        Begins the message.
    todo : str
        Ends it.

    Raises
    ------
    OutOfMemoryError
        In place of a `MemoryError`, or of a `RuntimeError` by which torch says the same.

    Examples
    --------
    >>> with enough_memory("ease", "use fewer items"):
    ...     raise MemoryError("Unable to allocate 12.0 GiB for an array with shape (40000, 40000)")
    Traceback (most recent call last):
    irkit.learn.memory.OutOfMemoryError: ease: out of memory, got no 12.0 GiB; use fewer items
    """
    try:
        yield
    except IrkitError:
        raise
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not _TORCH.search(str(error)):
            raise
        amount = _AMOUNT.search(str(error))
        got = f", got no {amount[1]}" if amount else ""
        raise OutOfMemoryError(f"{who}: out of memory{got}; {todo}") from error


def smaller(fields: Iterable[str], *, before: str = "") -> str:
    """Say which settings to lower, of those there are.

    Examples
    --------
    >>> smaller(["n", "embedding_size", "batch_size"])
    'lower batch_size or embedding_size, or take a machine with more memory'
    """
    known = set(fields)
    names = [before + name for name in SIZES if name in known]
    advice = f"lower {' or '.join(names)}, or " if names else "give it less data, or "
    return f"{advice}take a machine with more memory"

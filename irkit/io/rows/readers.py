"""Who reads the formats of rows, pictures, sequences, bags and tokens."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from irkit.registry import BAGS, PICTURES, ROWS, SEQUENCES, TOKENS, Names

READERS: dict[str, Names] = {
    "rows": ROWS,
    "pictures": PICTURES,
    "sequences": SEQUENCES,
    "bags": BAGS,
    "tokens": TOKENS,
}
"The formats of each kind."


def files_of(read: Callable[..., Any]) -> tuple[int, ...]:
    """Return how many paths a reader may be given: as many as it has parameters; of `*paths` one, or one a part.

    Examples
    --------
    >>> files_of(lambda train, valid, test: None), files_of(lambda *paths: None)
    ((3,), (1, 3))
    """
    parameters = inspect.signature(read).parameters.values()
    several = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    return (1, 3) if several else (len(parameters),)

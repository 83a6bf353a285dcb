"""Random numbers: what a seed may be, and one way to turn a seed into generators."""

from __future__ import annotations

import zlib
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field

from irkit.errors import ConfigError

MOST = 2**64 - 1
"The greatest seed: what fits 64 bits, as torch takes it."


def check_seed(seed: Any, *, most: int = MOST) -> int:
    """Return a seed as a plain int.

    Raises
    ------
    ConfigError
        If it is no whole number from 0 to `most`.

    Examples
    --------
    >>> check_seed(42)
    42
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= most:
        got = " ".join(repr(seed).split())[:40]
        raise ConfigError(
            f"seed: must be a whole number from 0 to 2^{most.bit_length()} - 1, got {got}; choose another"
        )
    return int(seed)


def _field(most: int) -> AfterValidator:
    def check(seed: int) -> int:
        if not 0 <= seed <= most:
            raise ValueError(f"a seed is a whole number from 0 to 2^{most.bit_length()} - 1")
        return seed

    return AfterValidator(check)


def _no_truth(seed: Any) -> Any:
    """Refuse true, which pydantic reads as 1; a config does so for a single field, not for those inside a list."""
    if isinstance(seed, bool):
        raise ValueError("a seed is a whole number, not true or false")
    return seed


Seed = Annotated[int, BeforeValidator(_no_truth), _field(MOST), Field(json_schema_extra={"minimum": 0})]
"A config's field for a seed."

SmallSeed = Annotated[int, BeforeValidator(_no_truth), _field(2**32 - 1), Field(json_schema_extra={"minimum": 0})]
"The same for scikit-learn, whose seeds have 32 bits."


def generator(seed: int, *names: str) -> np.random.Generator:
    """Make a generator that depends on `seed` and on what it is for.

    Two purposes (`names`) with one seed draw independent streams, and adding a purpose
    does not shift the numbers of another.

    Raises
    ------
    ConfigError
        If the seed is none; see `check_seed`.

    Examples
    --------
    >>> float(generator(1, "folds").random()) == float(generator(1, "folds").random())
    True
    >>> float(generator(1, "folds").random()) == float(generator(1, "weights").random())
    False
    """
    return np.random.default_rng([check_seed(seed), *(zlib.crc32(name.encode()) for name in names)])

"""Splits of queries into folds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from irkit.errors import ConfigError
from irkit.rng import generator


@dataclass(frozen=True)
class Folds:
    """k disjoint folds of queries; each serves once as the test set."""

    parts: tuple[tuple[str, ...], ...]
    "The qids of each fold, in ascending order."
    seed: int
    "What the folds were drawn with."

    def __len__(self) -> int:
        return len(self.parts)

    def test(self, fold: int) -> list[str]:
        """Return the qids held out in a fold, numbered from 0."""
        return list(self.parts[self._number(fold)])

    def train(self, fold: int) -> list[str]:
        """Return the qids of all other folds, in ascending order."""
        held_out = self._number(fold)
        return sorted(qid for number, part in enumerate(self.parts) if number != held_out for qid in part)

    def _number(self, fold: int) -> int:
        if not 0 <= fold < len(self):
            raise ConfigError(f"folds: there is no fold {fold}; folds are numbered 0 to {len(self) - 1}")
        return fold


def folds(qids: Iterable[str], k: int, seed: int = 42) -> Folds:
    """Split queries at random into k folds whose sizes differ by at most one.

    Parameters
    ----------
    qids : iterable of str
        Distinct; their order does not matter.
    k : int
        2 to the number of queries.
    seed : int

    Raises
    ------
    ConfigError
        If k does not fit or a qid occurs twice.

    Examples
    --------
    >>> split = folds(["1", "2", "3", "4", "5"], k=2)
    >>> sorted(split.train(0) + split.test(0))
    ['1', '2', '3', '4', '5']
    """
    given = list(qids)
    names = sorted(set(given))
    if len(names) < len(given):
        twice = next(name for i, name in enumerate(given) if name in given[:i])
        raise ConfigError(f"folds: qid {twice!r} occurs twice; each query is in one fold")
    if isinstance(k, bool) or not isinstance(k, int) or not 2 <= k <= len(names):
        raise ConfigError(f"folds: their number must lie between 2 and that of the queries, {len(names)}, got {k!r}")
    order = generator(seed, "folds").permutation(len(names))
    return Folds(tuple(tuple(names[i] for i in np.sort(order[fold::k])) for fold in range(k)), seed)

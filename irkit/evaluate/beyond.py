"""Beyond accuracy: what lists of recommendations are like, whether or not they hold what is relevant.

Coverage and Gini are of the whole set of lists, and a user has no value of them; novelty and diversity are of each
user's list, and their means are over users. The catalogue, how many users rated an item, and which, are those of
the training ratings.

Sources: Ge, Delgado-Battenfeld and Jannach, RecSys 2010 (catalogue coverage); Zhou, Kuscsik, Liu, Medo, Wakeling and
Zhang, PNAS 107, 2010 (self-information of an item, p the share of users who have it); Ziegler, McNee, Konstan and
Lausen, WWW 2005, in the form of Vargas and Castells, RecSys 2011 (mean distance of the pairs of a list; the cosine
of items' columns of ratings is what works without features of items, and what is used most); Fleder and Hosanagar,
Management Science 55, 2009 (Gini's index of how often items are recommended).

Symbols: n lists, k places, I items of the catalogue, U training users. `lists` is (n, k) int64, the best item first:
rows of the catalogue, I for any item outside it, -1 after the end of a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.docnos import Docnos
from irkit.errors import ConfigError
from irkit.evaluate.board import Measure

if TYPE_CHECKING:
    from irkit.hits import Hits
    from irkit.recommend.table import RatingTable

BEYOND = ("Coverage", "Diversity", "Gini", "Novelty")
"Measures of lists beyond accuracy; each has a cut-off: Coverage@10."

_WHOLE, _LOWER = ("Coverage", "Gini"), ("Gini",)


def is_beyond(name: str) -> bool:
    """Say whether a measure is one of `BEYOND`, by its whole name, such as Gini@10."""
    return name.partition("@")[0] in BEYOND


def column(name: str) -> Measure:
    """Return a board's column for a measure of rankings or lists."""
    base = name.partition("@")[0]
    return Measure(name=name, lower=base in _LOWER, whole=base in _WHOLE)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What may be recommended: the items with a training rating."""

    items: Docnos
    "I items."
    raters: Ints
    "(I,) int64: users who rated each in training, 1 or more."
    users: int
    "U."
    vectors: Any
    "(I + 1, F) sparse float64: rows of length 1, from which similarities are; the last, zero, of any item outside."

    @classmethod
    def of(cls, train: RatingTable) -> Catalogue:
        """Make it of training ratings; an item's vector has a 1 for each user who rated it, over its length."""
        from scipy.sparse import csr_matrix, diags_array, vstack

        train = train.compact()
        raters = np.bincount(train.item, minlength=len(train.items))
        unit = diags_array(1 / np.sqrt(raters)) @ train.matrix_of_ones.T
        vectors = vstack([csr_matrix(unit), csr_matrix((1, len(train.users)))], format="csr")
        return cls(train.items, raters, len(train.users), vectors)

    def rows(self, items: Any) -> Ints:
        """Return the row of each item by id; I for one outside the catalogue."""
        found = self.items.rows(items)
        return np.where(found < 0, len(self.items), found)

    def lists(self, hits: Hits, qids: Iterable[str], k: int) -> Ints:
        """Return the first k hits of some queries, the users: (n, k) as the module has it."""
        import pandas as pd

        row = pd.Index(hits.queries["qid"]).get_indexer(pd.Index(list(qids)))
        known = row >= 0
        begin = np.where(known, hits.ptr[row], 0)
        length = np.where(known, hits.ptr[row + 1], 0) - begin
        place = begin[:, None] + np.arange(k)
        inside = np.arange(k) < length[:, None]
        used, number = np.unique(hits.doc[place[inside]], return_inverse=True)
        out = np.full(place.shape, -1)
        if len(used):
            out[inside] = self.rows(hits.docnos.take(used))[number]
        return out

    def values(self, measures: Iterable[Any], lists: Callable[[int], Ints]) -> dict[str, Any]:
        """Return those measures of `BEYOND` that are among some, by name; `lists` gives the lists of k places."""
        wanted = {str(one): int(one.params["cutoff"]) for one in measures if is_beyond(str(one))}
        deepest = lists(max(wanted.values())) if wanted else np.zeros((0, 0), dtype=np.int64)
        return {name: self.measure(name.partition("@")[0], deepest[:, :k]) for name, k in wanted.items()}

    def measure(self, name: str, lists: Ints) -> Floats | float:
        """Return a measure of `BEYOND`, without its cut-off, of lists: a value, or (n,) one of each."""
        if name == "Coverage":
            return coverage(lists, len(self.items))
        if name == "Gini":
            return gini(lists, len(self.items))
        if name == "Novelty":
            return novelty(lists, self.raters, self.users)
        return diversity(lists, self.vectors)


def coverage(lists: Ints, items: int) -> float:
    """Return the share of the catalogue's items that are in any list, in [0, 1]."""
    return float((_exposure(lists, items) > 0).mean())


def gini(lists: Ints, items: int) -> float:
    """Return Gini's index of how often the catalogue's items are listed, x_1 <= ... <= x_I.

    G = sum over i of (2 i - I - 1) x_i / (I sum of x)

    Returns
    -------
    float in [0, 1]
        0 where all are listed equally often, 1 - 1/I where one item has all places, and 1, the worst, where
        nothing is listed. Less is more equal.
    """
    exposure = np.sort(_exposure(lists, items))
    total = exposure.sum()
    if not total:
        return 1.0
    return float((2 * np.arange(1, items + 1) - items - 1) @ exposure / (items * total))


def novelty(lists: Ints, raters: Ints, users: int) -> Floats:
    """Return the mean self-information of each list's items, -log2 p, p the share of training users who rated one.

    Parameters
    ----------
    lists : (n, k) int64
    raters : (I,) int64, 1 or more
        An item outside the catalogue counts as rated by one user.
    users : int

    Returns
    -------
    (n,) float64 in [0, log2 U]
        Bits; 0 for an empty list.
    """
    bits = np.log2(users / np.append(raters, 1))
    listed = lists >= 0
    total = np.where(listed, bits[np.where(listed, lists, 0)], 0.0).sum(axis=1)
    mean: Floats = total / np.maximum(listed.sum(axis=1), 1)
    return mean


def diversity(lists: Ints, vectors: Any) -> Floats:
    """Return the mean of 1 - cosine over the pairs of items of each list.

    Parameters
    ----------
    lists : (n, k) int64
    vectors : (I + 1, F) float64, array or sparse
        Rows of length 1, or 0 for an item that is like no other; the last row is that of items outside.

    Returns
    -------
    (n,) float64, in [0, 1] where no cosine is negative
        0 for a list of fewer than two items.
    """
    from scipy.sparse import csr_array

    listed = lists >= 0
    size = listed.sum(axis=1)
    where = (np.repeat(np.arange(len(lists)), size), lists[listed])
    chosen = csr_array((np.ones(len(where[0])), where), shape=(len(lists), vectors.shape[0]))
    rows = csr_array(vectors)
    # Over ordered pairs the cosines sum to the squared length of the sum of vectors, less their own.
    together = (chosen @ rows).power(2).sum(axis=1)
    own = chosen @ rows.power(2).sum(axis=1)
    pairs = size * (size - 1)
    similar = np.divide(together - own, pairs, out=np.ones(len(lists)), where=pairs > 0)
    apart: Floats = np.round(1 - similar, 12) + 0.0  # equal vectors are not apart by rounding; no -0.0
    return apart


def check_train(measures: Iterable[Any], train: RatingTable | None, *, who: str) -> None:
    """Raise `ConfigError` where a measure of `BEYOND` is asked for without the training ratings."""
    for name in filter(is_beyond, map(str, measures)):
        if train is None:
            what = "is of lists of recommendations and needs the ratings that they were learned from"
            raise ConfigError(f"{who}: {name} {what}; give train")


def check_none_beyond(names: Iterable[str]) -> None:
    """Raise `ConfigError` where a suite of rankings asks for a measure of `BEYOND`."""
    for name in filter(is_beyond, names):
        raise ConfigError(f"measures: {name} is of lists of recommendations, a suite of ratings; leave it out")


def _exposure(lists: Ints, items: int) -> Ints:
    """Count how often each item of the catalogue is listed: (I,) int64."""
    return np.bincount(lists[(lists >= 0) & (lists < items)], minlength=items)

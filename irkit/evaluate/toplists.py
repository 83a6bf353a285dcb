"""Top-n lists measured over every candidate item: no sampling, the candidate policy part of the task.

Symbols: U users with a positive in the test part, I items. A positive's rank is 1 plus the candidates
scored higher plus those scored alike that irkit's tie rule puts first (item id descending). Measures of
accuracy follow from the ranks of the positives, so nothing is sorted but numbers. An item scored minus
infinity is not listed, and a positive that is not listed has the rank infinity: no measure finds it, as if
`irkit.evaluate` were given the lists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from irkit.arrays import Bools, Floats, Ints
from irkit.config import digest
from irkit.docnos import Docnos
from irkit.errors import ConfigError, ShapeError
from irkit.evaluate.beyond import BEYOND, Catalogue, is_beyond
from irkit.evaluate.evaluation import Evaluation
from irkit.evaluate.measures import Measures, parse_measures
from irkit.recommend.base import Recommender
from irkit.recommend.guards import saw
from irkit.recommend.table import RatingTable

if TYPE_CHECKING:
    from ir_measures import Measure

POLICIES = {
    "positives": "all items but those the user liked in training",
    "rated": "all items but those the user rated in training",
}
"What may be recommended, and so what a positive competes with."

CELLS = 1 << 23
"Scores ranked at once: 64 MiB."


@dataclass(frozen=True, eq=False)
class TopNTask:
    """Who is to be recommended what, among which items; make one with `top_n_task`."""

    users: Docnos
    "U users with a positive in the test part."
    items: Docnos
    "I items."
    excluded: Bools
    "(U, I): not candidates."
    relevant: Bools
    "(U, I): positives of the test part."
    policy: str
    "One of `POLICIES`."
    catalogue: Catalogue
    "Of the training ratings."

    @cached_property
    def hash(self) -> str:
        """Hash of users, items, candidates and positives; results with different hashes are not comparable."""
        cells = [np.packbits(mask).tobytes().hex() for mask in (self.excluded, self.relevant)]
        return digest(self.policy, self.users.names.to_pylist(), self.items.names.to_pylist(), cells)

    def scores_of(self, model: Recommender, *, day: float | None = None) -> Floats:
        """Score every item for every user of the task: (U, I) float64.

        Users of whom the model has learned nothing get what is popular, as in its lists. An item it does
        not know comes after all it knows, so that every candidate has a rank, as protocols over all items
        want it; its lists do not hold such an item.
        """
        user, item = model.fitted.users.rows(self.users.names), model.fitted.items.rows(self.items.names)
        scores = model.scores_for(user, None if day is None else np.full(len(user), day))
        return np.where(item >= 0, scores[:, item], np.float64(scores.min()) - 1)

    def evaluate(self, scores: Floats | Recommender, measures: Measures, *, n: int | None = None) -> Evaluation:
        """Measure scores of every user and item, from a model or from anywhere else.

        Parameters
        ----------
        scores : (U, I) array or Recommender
            Rows and columns as `users` and `items`. Minus infinity means not listed: such an item counts
            for nothing at any depth.
        measures : see `parse_measures`
            P, R, nDCG, AP, RR and Success, nDCG, AP and RR with a cut-off or over the full list; and those beyond
            accuracy (`irkit.evaluate.beyond`).
        n : int, optional
            Length of the lists: candidates ranked after it are not listed. Default all that are scored; of
            a recommender all items, whatever its own `n`.

        Raises
        ------
        ShapeError
            If the matrix has another shape or holds NaN or plus infinity.
        ConfigError
            If a measure is not among these, or the recommender has seen a positive's rating; pass what
            `scores_of` gives to measure it all the same.
        """
        if isinstance(scores, Recommender):
            self.refuse_seen(scores)
        parsed = parse_measures(measures)
        formulas = {str(measure): _formula(measure) for measure in parsed if not is_beyond(str(measure))}
        matrix = self.scores_of(scores) if isinstance(scores, Recommender) else np.asarray(scores, dtype=np.float64)
        depth = np.inf if n is None else n
        ranks = [np.where(rank <= depth, rank, np.inf) for rank in self.ranks(matrix)]
        values: dict[str, Any] = {
            **{name: np.array([formula(rank) for rank in ranks]) for name, formula in formulas.items()},
            **self.catalogue.values(parsed, lambda k: self.listed(matrix, k if n is None else min(k, n))),
        }
        names = tuple(map(str, parsed))
        columns = {name: values[name] for name in names if isinstance(values[name], np.ndarray)}
        per_query = pd.DataFrame(columns, index=pd.Index(self.users.names.to_pylist(), name="qid", dtype="str"))
        empty = int((~(matrix > -np.inf) | self.excluded).all(axis=1).sum())
        counts = {"evaluated": len(ranks), "without_results": empty, "without_qrels": 0}
        return Evaluation(names, per_query, {name: float(np.mean(values[name])) for name in names}, counts)

    def listed(self, scores: Floats, k: int) -> Ints:
        """Return the first k items of each user's list, as `irkit.evaluate.beyond` has lists: (U, k) int64."""
        order, items = self.items.rank, self.catalogue.rows(self.items.names)
        out = np.full((len(scores), k), -1)
        step = max(1, CELLS // max(scores.shape[1], 1))
        for at in range(0, len(scores), step):
            block = np.where(self.excluded[at : at + step], -np.inf, scores[at : at + step])
            least = np.partition(block, -k, axis=1)[:, -k] if k < block.shape[1] else np.full(len(block), -np.inf)
            for row, own in enumerate(block):
                best = np.flatnonzero((own >= least[row]) & (own > -np.inf))  # more than k where scores are alike
                best = best[np.lexsort((-order[best], -own[best]))][:k]
                out[at + row, : len(best)] = items[best]
        return out

    def ranks(self, scores: Floats) -> list[Floats]:
        """Return the ranks of each user's positives, ascending, 1 the best.

        Infinity for one that is no candidate, or is not listed: scored minus infinity.
        """
        if scores.shape != self.relevant.shape:
            raise ShapeError(f"top_n: scores must be {self.relevant.shape}, users by items, got {scores.shape}")
        if np.isnan(scores).any() or (scores == np.inf).any():
            raise ShapeError("top_n: scores must be numbers below infinity, got NaN or inf; look at the model")
        order: Ints = self.items.rank
        out: list[Floats] = []
        step = max(1, CELLS // max(scores.shape[1], 1))
        for at in range(0, len(scores), step):
            block = slice(at, at + step)
            out += _ranks(scores[block], self.excluded[block], self.relevant[block], order)
        return out

    def refuse_seen(self, model: Recommender) -> None:
        """Raise `ConfigError` if a recommender saw the rating of a positive, to learn from or to stop by."""
        user, item = np.nonzero(self.relevant)
        users, items = self.users.take(user), self.items.take(item)
        for how, seen in saw(model, users, items):
            row = int(np.argmax(seen))
            raise ConfigError(
                f"top_n: {model.name} {how} {int(seen.sum())} of the {len(seen)} positives, such as that of user "
                f"{users[row].as_py()!r} and item {items[row].as_py()!r}; fit it on the training part"
            )


def top_n_task(
    train: RatingTable,
    test: RatingTable,
    *,
    threshold: float = 4.0,
    exclude: Literal["positives", "rated"] = "positives",
    items: Docnos | None = None,
    users: Docnos | None = None,
) -> TopNTask:
    """Make a task from the parts of a split.

    With the defaults and u1 of MovieLens 100K this is the protocol of IRGAN's released code: ratings
    of 4 and more are positives, and everything but a user's training positives is a candidate, what
    they rated 1 to 3 in training included.

    Parameters
    ----------
    train, test : RatingTable
    threshold : float
        Least rating of a positive.
    exclude : {"positives", "rated"}
        Which of the user's training items are no candidates. It moves every number, so it is part of
        the task's hash.
    items : Docnos, optional
        All items and their order, for matrices from elsewhere; default those of both parts, training
        ones first.
    users : Docnos, optional
        Users and their order; those without a positive in the test part are left out.

    Raises
    ------
    ConfigError
        If no rating of the test part is a positive, or `items` lacks an item of the test part.
    """
    if exclude not in POLICIES:
        raise ConfigError(f"top_n: exclude is one of {', '.join(POLICIES)}, got {exclude!r}")
    positive = test.kept(test.rating >= threshold).compact()
    if not len(positive):
        raise ConfigError(
            f"top_n: no test rating is {threshold:g} or more; lower liked, the least rating of a relevant item"
        )
    if items is None:
        both = dict.fromkeys([*train.items.names.to_pylist(), *test.items.names.to_pylist()])
        items = Docnos(list(both))
    if users is None:
        users = positive.users
    else:
        users = Docnos(users.take(np.flatnonzero(positive.users.rows(users.names) >= 0)))
    relevant = _mask(positive, users, items)
    if int(relevant.sum()) < len(positive):
        raise ConfigError(
            f"top_n: {len(positive) - int(relevant.sum())} of {len(positive)} positives are of users or items that are "
            "not listed; list all of them"
        )
    dropped = train if exclude == "rated" else train.kept(train.rating >= threshold)
    return TopNTask(users, items, _mask(dropped, users, items), relevant, exclude, Catalogue.of(train))


def _mask(table: RatingTable, users: Docnos, items: Docnos) -> Bools:
    user, item = users.rows(table.users.names)[table.user], items.rows(table.items.names)[table.item]
    known = (user >= 0) & (item >= 0)
    out = np.zeros((len(users), len(items)), dtype=bool)
    out[user[known], item[known]] = True
    return out


def _ranks(scores: Floats, excluded: Bools, relevant: Bools, order: Ints) -> list[Floats]:
    """Rank each row's relevant items among its candidates; `order` is the place of each item's id, ascending."""
    scores = np.where(excluded, -np.inf, scores)
    ascending = np.sort(scores, axis=1)
    out = []
    for row in range(len(scores)):
        items = np.flatnonzero(relevant[row])
        mine = scores[row, items]
        last = np.searchsorted(ascending[row], mine, side="right")
        rank = (len(order) - last + 1).astype(np.float64)
        tied = (last - np.searchsorted(ascending[row], mine, side="left") > 1) & (mine > -np.inf)
        for place in np.flatnonzero(tied):
            alike = scores[row] == mine[place]
            rank[place] += int((order[alike] > order[items[place]]).sum())
        rank[mine == -np.inf] = np.inf
        out.append(np.sort(rank))
    return out


def check_measures(measures: Measures) -> list[str]:
    """Return the names of some measures.

    Raises
    ------
    ConfigError
        If one is unknown or not among those that top-n lists are measured by.
    """
    parsed = parse_measures(measures)
    for measure in parsed:
        if not is_beyond(str(measure)):
            _formula(measure)
    return [str(measure) for measure in parsed]


def deepest(measures: Measures) -> float:
    """Return how deep into a list some measures look; infinity without a cut-off.

    Examples
    --------
    >>> deepest("nDCG@10 P@5"), deepest("P@5 AP")
    (10.0, inf)
    """
    return max(float(measure.params.get("cutoff", np.inf)) for measure in parse_measures(measures))


def _formula(measure: Measure) -> Callable[[Floats], float]:
    """Return the function from a user's ascending ranks of positives to the value of a measure."""
    name, given = measure.NAME, dict(measure.params)
    k = float(given.pop("cutoff", np.inf))
    formulas: dict[str, Callable[[Floats], float]] = {
        "P": lambda rank: float((rank <= k).sum() / k),
        "R": lambda rank: float(((rank <= k) & (rank < np.inf)).mean()),
        "nDCG": lambda rank: _ndcg(rank, k),
        "AP": lambda rank: float(np.where(rank <= k, np.arange(1, len(rank) + 1) / rank, 0.0).sum() / len(rank)),
        "RR": lambda rank: float(1 / rank[0]) if rank[0] <= k else 0.0,
        "Success": lambda rank: float(rank[0] <= k),
    }
    if name not in formulas or given:
        known = ", ".join([*formulas, *BEYOND])
        raise ConfigError(f"top_n: computes {known}, with or without a cut-off, got {measure}")
    return formulas[name]


def _ndcg(rank: Floats, k: float) -> float:
    ideal = np.arange(1, min(len(rank), k) + 1)
    gained: Any = np.where(rank <= k, 1 / np.log2(rank + 1), 0.0).sum()
    return float(gained / (1 / np.log2(ideal + 1)).sum())

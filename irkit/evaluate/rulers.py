"""How a recommender is measured on split ratings: by the error of predicted ratings, or by top-n lists.

Symbols: S seeds, n test ratings, U users of the test part.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd

from irkit.arrays import Floats
from irkit.errors import ConfigError
from irkit.evaluate.compare import Comparison
from irkit.evaluate.evaluation import Evaluation
from irkit.evaluate.ratings import PARTS, branch_shares, compare_errors, error_by_seed, parts_of, prediction_errors
from irkit.evaluate.significance import Test
from irkit.evaluate.toplists import POLICIES, TopNTask, deepest, top_n_task
from irkit.recommend.base import BRANCHES, Recommender
from irkit.recommend.lists import recommenders, users_frame
from irkit.recommend.problems import Problem
from irkit.recommend.splits import RatingSplit

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage

ERRORS = {
    name if part == "all" else f"{name}({part})": (name == "RMSE", part) for name in ("RMSE", "MAE") for part in PARTS
}
"Measures of predicted ratings: whether errors are squared, and of which part of the pairs."


class Compared(NamedTuple):
    """Systems beside each other: system -> measure -> statistics, and -> user -> value."""

    cells: dict[str, dict[str, Any]]
    per_user: dict[str, dict[str, dict[str, float]]]


class Sizes(NamedTuple):
    """How much a board is about."""

    items: int
    users: int
    timed: int
    "What times are divided by: predicted pairs, or users who get a list."


@dataclass(frozen=True)
class Ruler(ABC):
    """Measures systems on one problem."""

    problem: Problem
    measures: tuple[str, ...]
    kind: ClassVar[str]
    "Kind of the board."
    interval: ClassVar[str]
    "What its intervals are."

    @property
    @abstractmethod
    def sizes(self) -> Sizes:
        """How much there is to measure on."""

    @abstractmethod
    def measure(self, stage: Any) -> Any:
        """Measure a fitted system once."""

    @abstractmethod
    def compare(self, found: Mapping[str, list[Any]], baseline: str | None, test: Test, seed: int) -> Compared:
        """Compare systems by what `measure` gave, a list with one item for each seed."""

    @abstractmethod
    def values(self, found: list[Any]) -> dict[str, list[float]]:
        """Return the value of each measure for each seed."""

    def row_notes(self, found: list[Any]) -> list[str]:
        """Return what a reader of a system's numbers should know."""
        return []

    def notes(self) -> list[str]:
        """Return what a reader of the board should know."""
        split = self.problem.split
        notes = [f"{len(split.train):,} training and {len(split.test):,} test ratings; {self.known()}"]
        if split.leaky:
            notes.append(f"leaky split: {split.leaky}")
        return [*notes, f"split {split.hash}"]

    @abstractmethod
    def known(self) -> str:
        """Say how much of the test part training knows."""


class Predicted(NamedTuple):
    """What a system predicted for the test part."""

    error: Floats
    "(n,): prediction less rating."
    branch: Any
    "(n,) of `BRANCHES`: what each prediction was made from."


@dataclass(frozen=True)
class ErrorRuler(Ruler):
    """Measures the error of predicted ratings, on all pairs or on a part of them."""

    kind = "ratings"
    interval = "95 % user-clustered bootstrap"

    def __post_init__(self) -> None:
        for name in self.measures:
            if not self.parts[ERRORS[name][1]].any():
                raise ConfigError(
                    f"measures: {name} has no pair in the test part of {described(self.problem)}; leave it out"
                )

    @cached_property
    def parts(self) -> dict[str, Any]:
        """The pairs of each part, told by what the whole training part knows: (n,) bool."""
        return parts_of(branches(self.problem.split))

    @property
    def sizes(self) -> Sizes:
        """Items, users of the test part, test ratings."""
        split = self.problem.split
        return Sizes(len(split.ratings.items), len(split.test.users), timed=len(split.test))

    def measure(self, stage: Recommender) -> Predicted:
        """Predict the test ratings."""
        predicted = stage.predict(self.problem.split.test.frame())
        return Predicted(prediction_errors(predicted), predicted["branch"].to_numpy())

    def compare(self, found: Mapping[str, list[Predicted]], baseline: str | None, test: Test, seed: int) -> Compared:
        """Compare errors, users the unit."""
        test_part = self.problem.split.test
        users = test_part.users
        order = np.argsort(users.rank)
        compared = Compared({name: {} for name in found}, {name: {} for name in found})
        for measure in self.measures:
            squared, part = ERRORS[measure]
            mask = self.parts[part]
            errors = {name: np.stack([one.error[mask] for one in each]) for name, each in found.items()}
            user = users.rank[test_part.user[mask]]  # users in order of their ids, as `rating_errors` has them
            cells, values = compare_errors(errors, user, squared=squared, baseline=baseline, test=test, seed=seed)
            ids = users.take(order[np.unique(user)]).to_pylist()
            for name in found:
                compared.cells[name][measure] = cells[name]
                compared.per_user[name][measure] = dict(zip(ids, values[name].tolist(), strict=True))
        return compared

    def values(self, found: list[Predicted]) -> dict[str, list[float]]:
        """Return the value of each measure for each seed."""
        out = {}
        for name in self.measures:
            squared, part = ERRORS[name]
            errors = np.stack([one.error[self.parts[part]] for one in found])
            out[name] = error_by_seed(errors, squared=squared).tolist()
        return out

    def row_notes(self, found: list[Predicted]) -> list[str]:
        """Say what predictions were made from, where that differs from what the whole training part allows."""
        own = found[0].branch
        return [] if (own == branches(self.problem.split)).all() else [known_pairs(own)]

    def known(self) -> str:
        """Say what predictions are made from."""
        return known_pairs(branches(self.problem.split))

    def notes(self) -> list[str]:
        """Add the planted optimum."""
        floor = self.problem.floor
        best = [] if floor is None else [f"best possible RMSE {floor:.4f}: that of whoever knows the planted law"]
        return [*best, *super().notes()]


class Listed(NamedTuple):
    """What a system's lists scored."""

    evaluation: Evaluation
    notes: list[str]
    "What a reader of the numbers should know."


@dataclass(frozen=True)
class ListRuler(Ruler):
    """Measures top-n lists over every candidate item."""

    liked: float
    "Least rating of a relevant item."
    task: TopNTask
    kind = "top-n"
    interval = "95 % bootstrap"

    @classmethod
    def of(
        cls, problem: Problem, measures: tuple[str, ...], liked: float, candidates: Literal["positives", "rated"]
    ) -> ListRuler:
        """Make the task."""
        split = problem.split
        return cls(problem, measures, liked, top_n_task(split.train, split.test, threshold=liked, exclude=candidates))

    @property
    def sizes(self) -> Sizes:
        """Items, users with a relevant item, the same users."""
        return Sizes(len(self.task.items), len(self.task.users), timed=len(self.task.users))

    def measure(self, stage: Stage) -> Listed:
        """Measure the lists of a recommender or a pipeline.

        A recommender lists its best `n` candidates, whatever its `seen`, and of those only items with a
        training rating; the lists of a pipeline are taken as they come.
        """
        if isinstance(stage, Recommender):
            day = stage.fitted.days.max() if stage.uses_time else None
            known = stage.fitted.items.rows(self.task.items.names) >= 0
            scores, n = np.where(known, self.task.scores_of(stage, day=day), -np.inf), stage.config.n
        else:
            scores, n = list_scores(self.task, stage), None
        found = self.task.evaluate(scores, self.measures, n=n)
        return Listed(found, [*self._short(scores, n, found.counts["without_results"]), *self._popular(stage)])

    def compare(self, found: Mapping[str, list[Listed]], baseline: str | None, test: Test, seed: int) -> Compared:
        """Compare users' means over seeds."""
        means = {name: _mean([one.evaluation for one in each]) for name, each in found.items()}
        users = self.task.users.names.to_pylist()
        per_user = {
            name: {measure: dict(zip(users, one.per_query[measure].tolist(), strict=True)) for measure in one.measures}
            for name, one in means.items()
        }
        return Compared(Comparison(means, baseline, test, seed).cells, per_user)

    def values(self, found: list[Listed]) -> dict[str, list[float]]:
        """Return the value of each measure for each seed."""
        return {name: [one.evaluation.means[name] for one in found] for name in self.measures}

    def row_notes(self, found: list[Listed]) -> list[str]:
        """Say where lists end before the measures do, and who got what is popular for want of anything better."""
        return found[0].notes

    def known(self) -> str:
        """Say how many users are new."""
        return f"{self._new:,} of {len(self.task.users):,} users are new and get what is popular"

    @cached_property
    def _new(self) -> int:
        return int((self.problem.split.train.users.rows(self.task.users.names) < 0).sum())

    def _short(self, scores: Floats, n: int | None, empty: int) -> list[str]:
        """Say where the lists end before the measures do, and how many are empty."""
        candidates = ~self.task.excluded
        listed = ((scores > -np.inf) & candidates).sum(axis=1).max()
        # A recommender's lists end before all that it scores; a pipeline's before all that there is.
        longest, possible = (listed, candidates.sum(axis=1).max()) if n is None else (n, listed)
        notes = []
        if longest < min(possible, deepest(self.measures)):
            notes.append(f"lists end at rank {longest:,}; a relevant item beyond it counts as not found")
        if empty:
            notes.append(f"nothing listed for {empty:,} of {len(scores):,} users, who count as 0")
        return notes

    def _popular(self, stage: Stage) -> list[str]:
        """Say how many users get what is popular, where these are more than the new ones that the board counts."""
        names = self.task.users.names
        models = list(recommenders(stage))
        rows = [model.fitted.users.rows(names) for model in models]
        without = ~np.all([model.knows(row) for model, row in zip(models, rows, strict=True)], axis=0)
        new = int(without[np.any([row < 0 for row in rows], axis=0)].sum())
        users = int(without.sum())
        if users <= self._new:
            return []
        return [f"what is popular for {users:,} of {len(names):,} users: {new:,} new, {users - new:,} who like nothing"]

    def notes(self) -> list[str]:
        """Add what is recommended, which is part of what the measures mean."""
        candidates = (
            f"candidates: {POLICIES[self.task.policy]}; relevant: rated {self.liked:g} or more in the test part"
        )
        return [candidates, *super().notes(), f"task {self.task.hash}"]


def branches(split: RatingSplit) -> Any:
    """Return what training knows of each test pair: (n,) of `BRANCHES`."""
    train, test = split.train, split.test
    user, item = train.users.rows(test.users.names)[test.user] >= 0, train.items.rows(test.items.names)[test.item] >= 0
    return np.select([user & item, item, user], BRANCHES[:3], BRANCHES[3])


def known_pairs(branch: Any) -> str:
    """Say what predictions were made from, in shares of the pairs."""
    shares = branch_shares(branch)
    return "predicted from " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items() if share)


def described(problem: Problem) -> str:
    """Say in a few words which ratings these are and how they are split."""
    return f"{problem.name}, {split_title(problem.split)}"


def split_title(split: RatingSplit) -> str:
    """Say in a few words how ratings are split.

    A split that others made has its name: `u1`. Any other says its kind and settings: `random, fraction 0.1, seed 1`.
    """
    if split.kind == "predefined":
        return str(split.settings["name"])
    return ", ".join([split.kind, *(f"{name} {value}" for name, value in split.settings.items())])


def list_scores(task: TopNTask, stage: Stage) -> Floats:
    """Turn the lists of a pipeline into scores (U, I): minus the rank; what is not listed is minus infinity."""
    users = task.users.names.to_pylist()
    hits: Any = stage.run(users_frame(users))
    item = task.items.rows(hits.docnos.names)[hits.doc]
    scores = np.full(task.relevant.shape, -np.inf)
    known = item >= 0
    scores[hits.query[known], item[known]] = -hits.rank[known]
    return scores


def _mean(each: Sequence[Evaluation]) -> Evaluation:
    first = each[0]
    values = np.mean([one.per_query.to_numpy() for one in each], axis=0)
    frame = pd.DataFrame(values, index=first.per_query.index, columns=list(first.measures))
    means = {name: float(frame[name].mean()) for name in first.measures}
    return Evaluation(first.measures, frame, means, first.counts)

"""Recommendation by top-n lists over every candidate item; users with a relevant item are what is measured.

Symbols: U users of the test part, I items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.arrays import Floats
from irkit.evaluate.beyond import column, is_beyond
from irkit.evaluate.board import Measure, Size
from irkit.evaluate.tasks.ratings import RatingTask
from irkit.evaluate.tasks.task import Measured, System, refuse
from irkit.evaluate.toplists import POLICIES, TopNTask, check_measures, deepest, top_n_task
from irkit.recommend.base import Recommender
from irkit.recommend.lists import recommenders, users_frame
from irkit.registry import STAGES

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage


@dataclass(frozen=True, eq=False)
class ListTask(RatingTask):
    """Measures the lists of recommenders and pipelines."""

    kind = "top-n"
    timed = "user"

    def __post_init__(self) -> None:
        self.lists  # noqa: B018  (raises what is wrong with the ratings)

    @cached_property
    def measures(self) -> list[Measure]:
        """Of ranked lists: more is better, but for Gini."""
        return [column(name) for name in check_measures(self.suite.measures)]

    @cached_property
    def lists(self) -> list[TopNTask]:
        """Candidates and relevant items of each fold."""
        return [
            top_n_task(one.split.train, one.split.test, threshold=self.liked, exclude=self.choice.candidates)
            for one in self.problems
        ]

    @property
    def liked(self) -> float:
        """Least rating of a relevant item: what was chosen, or of likes and counts the least there is."""
        ratings = self.problems[0].split.ratings
        alike = ratings.counts or bool(np.ptp(ratings.rating) == 0)
        return (
            float(ratings.rating.min()) if alike and "liked" not in self.choice.model_fields_set else self.choice.liked
        )

    @property
    def sizes(self) -> list[Size]:
        """Items, and users with a relevant item."""
        items = Size(number=len(self.lists[0].items), one="item", many="items")
        return [items, Size(number=len(self.units()), one="user", many="users")]

    @property
    def times(self) -> int:
        """Users of every fold, each as often as there are lists for them."""
        return sum(len(one.users) for one in self.lists)

    @cached_property
    def _units(self) -> list[str]:
        return list(dict.fromkeys(user for one in self.lists for user in one.users.names.to_pylist()))

    def units(self) -> list[str]:
        """Return the users with a relevant item, in any fold."""
        return self._units

    def taken(self, system: System) -> System:
        """Look whether the system's lists may hold every candidate."""
        super().taken(system)
        stages = system.recipe.stages  # type: ignore[union-attr]
        bare = len(stages) == 1 and issubclass(_kind(stages[0]), Recommender)
        if self.choice.candidates == "positives" and not bare and any(_drops_rated(stages)):
            # Bare recommenders are scored on every candidate; a pipeline's lists would be spared some of them.
            raise refuse(
                self.suite,
                system.name,
                f"lists no rated item, but those rated below {self.liked:g} are candidates; set candidates: "
                "rated, or seen: keep in its recommenders",
            )
        return system

    def measured(self, stage: Stage, fold: int) -> Measured:
        """Measure the lists of a recommender or a pipeline.

        A recommender lists its best `n` candidates, whatever its `seen`, and of those only items with a
        training rating; the lists of a pipeline are taken as they come.
        """
        task = self.lists[fold]
        if isinstance(stage, Recommender):
            day = stage.fitted.days.max() if stage.uses_time else None
            known = stage.fitted.items.rows(task.items.names) >= 0
            scores, n = np.where(known, task.scores_of(stage, day=day), -np.inf), stage.config.n
        else:
            scores, n = list_scores(task, stage, checked=True), None
        found = task.evaluate(scores, [one.name for one in self.measures], n=n)
        notes = [
            *self._short(task, scores, n, found.counts["without_results"]),
            *_popular(task, stage, self._new(fold)),
        ]
        values = found.per_query.reindex(self._units)
        return Measured(
            {name: values[name].to_numpy(dtype=np.float64) for name in map(str, values.columns)},
            dict(found.means),
            notes=tuple(notes),
        )

    def known(self) -> str:
        """Say how many users are new."""
        return f"{self._new(0):,} of {len(self.lists[0].users):,} users are new and get what is popular"

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Add what is recommended, which is part of what the measures mean."""
        task = self.lists[0]
        candidates = f"candidates: {POLICIES[task.policy]}; relevant: rated {self.liked:g} or more in the test part"
        beyond = [f"the catalogue is the {len(task.catalogue.items):,} items with a training rating"]
        beyond = beyond if any(is_beyond(one.name) for one in self.measures) else []
        return [candidates, *beyond, *super().notes(found), f"task {task.hash}"]

    def _new(self, fold: int) -> int:
        train, users = self.problems[fold].split.train, self.lists[fold].users
        return int((train.users.rows(users.names) < 0).sum())

    def _short(self, task: TopNTask, scores: Floats, n: int | None, empty: int) -> list[str]:
        """Say where the lists end before the measures do, and how many are empty."""
        candidates = ~task.excluded
        listed = ((scores > -np.inf) & candidates).sum(axis=1).max()
        # A recommender's lists end before all that it scores; a pipeline's before all that there is.
        longest, possible = (listed, candidates.sum(axis=1).max()) if n is None else (n, listed)
        notes = []
        if longest < min(possible, deepest([one.name for one in self.measures])):
            notes.append(f"lists end at rank {longest:,}; a relevant item beyond it counts as not found")
        if empty:
            notes.append(f"nothing listed for {empty:,} of {len(scores):,} users, who count as 0")
        return notes


def list_scores(task: TopNTask, stage: Stage, *, checked: bool = False) -> Floats:
    """Turn the lists of a pipeline into scores (U, I): minus the rank; what is not listed is minus infinity.

    Raises
    ------
    ConfigError
        If a recommender in it saw the rating of a positive, unless guards have looked at it already: `checked`.
    """
    for model in () if checked else recommenders(stage):
        task.refuse_seen(model)
    users = task.users.names.to_pylist()
    hits: Any = stage.run(users_frame(users))
    item = task.items.rows(hits.docnos.names)[hits.doc]
    scores = np.full(task.relevant.shape, -np.inf)
    known = item >= 0
    scores[hits.query[known], item[known]] = -hits.rank[known]
    return scores


def _popular(task: TopNTask, stage: Stage, new_users: int) -> list[str]:
    """Say how many users get what is popular, where these are more than the new ones that the board counts."""
    names = task.users.names
    models = list(recommenders(stage))
    rows = [model.fitted.users.rows(names) for model in models]
    without = ~np.all([model.knows(row) for model, row in zip(models, rows, strict=True)], axis=0)
    new = int(without[np.any([row < 0 for row in rows], axis=0)].sum())
    users = int(without.sum())
    if users <= new_users:
        return []
    return [f"what is popular for {users:,} of {len(names):,} users: {new:,} new, {users - new:,} who like nothing"]


def _kind(stage: Mapping[str, Any]) -> Any:
    return STAGES.load(stage["use"])


def _drops_rated(stages: Sequence[Mapping[str, Any]]) -> Iterator[bool]:
    """Yield of each stage that makes or filters lists whether it leaves rated items out of them."""
    for stage, kind in zip(stages, map(_kind, stages), strict=True):
        if issubclass(kind, Recommender):
            yield stage.get("seen", "drop") == "drop"
        yield stage["use"] == "drop-seen"
        for part in stage.get("of", []) if stage["use"] != "rate" else []:
            yield from _drops_rated(part)

"""Recommendation by the error of predicted ratings; with several folds it is the mean over them.

Symbols: S seeds, n test ratings (of all folds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from irkit.errors import ConfigError
from irkit.evaluate.board import Measure, Size
from irkit.evaluate.ratings import branches, compare_errors, error_by_seed, known_pairs, parts_of, prediction_errors
from irkit.evaluate.significance import Test
from irkit.evaluate.tasks.ratings import ERRORS, RatingTask, kinds
from irkit.evaluate.tasks.task import Compared, Measured, System, refuse
from irkit.evaluate.tasks.worth import deviation
from irkit.recommend.base import Recommender


@dataclass(frozen=True, eq=False)
class ErrorTask(RatingTask):
    """Measures the error of predicted ratings, on all pairs or on a part of them."""

    kind = "ratings"
    timed = "pair"
    each = "each user's own "
    interval = "95 % user-clustered bootstrap"

    def __post_init__(self) -> None:
        for measure in self.measures:
            if not self.parts[ERRORS[measure.name][1]].any():
                where = f"{self.problem.name}, {self.conditions['split']}"
                raise ConfigError(f"measures: {measure.name} has no pair in the test part of {where}; leave it out")

    @cached_property
    def measures(self) -> list[Measure]:
        """Errors: less is better."""
        possible = {"RMSE": self.problem.floor}
        return [
            Measure(name=name, lower=True, possible=possible.get(name)) for name in dict.fromkeys(self.suite.measures)
        ]

    @property
    def sizes(self) -> list[Size]:
        """Items, and users of the test part."""
        items = Size(number=len(self.problem.split.ratings.items), one="item", many="items")
        return [items, Size(number=len(self._users), one="user", many="users")]

    @property
    def times(self) -> int:
        """Test ratings."""
        return sum(len(problem.split.test) for problem in self.problems)

    @cached_property
    def parts(self) -> dict[str, Any]:
        """The pairs of each part, told by what the whole training part knows: (n,) bool."""
        return parts_of(np.concatenate([branches(problem.split) for problem in self.problems]))

    @cached_property
    def _pairs(self) -> list[str]:
        """The user of each test rating of all folds."""
        return [user for one in self.problems for user in one.split.test.users.take(one.split.test.user).to_pylist()]

    @cached_property
    def _users(self) -> list[str]:
        return sorted(set(self._pairs))

    def taken(self, system: System) -> System:
        """Look whether the system predicts ratings."""
        super().taken(system)
        found = list(kinds(system.recipe.stages))  # type: ignore[union-attr]
        if len(found) > 1 or not issubclass(found[0], Recommender) or not found[0].predicts_ratings:
            raise refuse(
                self.suite,
                system.name,
                f"predicts no ratings, which {self.measures[0].name} needs; measure its lists (nDCG@10, P@5), or use "
                "a recipe of one rating model",
            )
        return system

    def measured(self, stage: Recommender, fold: int) -> Measured:
        """Predict the test ratings of a fold; the errors of other folds' are NaN."""
        predicted = stage.predict(self.problems[fold].split.test.frame())
        ends = np.cumsum([0, *(len(problem.split.test) for problem in self.problems)])
        error = np.full(ends[-1], np.nan)
        error[ends[fold] : ends[fold + 1]] = prediction_errors(predicted)
        own = predicted["branch"].to_numpy()
        differs = (own != branches(self.problems[fold].split)).any()
        return Measured({"error": error}, self._means(error), notes=(known_pairs(own),) if differs else ())

    def joined(self, folds: Sequence[Measured]) -> Measured:
        """Keep the errors of each fold in a row of their own: (k, n)."""
        if len(folds) == 1:
            return folds[0]
        whole = super().joined(folds)
        return replace(whole, values={"error": np.stack([one.values["error"] for one in folds])})

    def mean_of_folds(self, values: Mapping[str, Any], by_fold: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """Return the mean over folds."""
        return {name: float(np.nanmean(each)) for name, each in by_fold.items()}

    def compare(
        self, found: Mapping[str, Sequence[Measured]], baseline: str | None, test: Test, seed: int
    ) -> dict[str, Compared]:
        """Compare errors, users the unit."""
        number = {user: row for row, user in enumerate(self._users)}
        pair_user = np.array([number[user] for user in self._pairs])
        out = {name: Compared({}, {}) for name in found}
        for measure in (one.name for one in self.measures):
            squared, part = ERRORS[measure]
            mask = self.parts[part]
            errors = {
                name: np.concatenate([np.atleast_2d(one.values["error"])[:, mask] for one in each])
                for name, each in found.items()
            }
            user = pair_user[mask]  # users in order of their ids, as `rating_errors` has them
            cells, values = compare_errors(
                errors,
                user,
                squared=squared,
                baseline=baseline,
                test=test,
                seed=seed,
                correction=self.suite.correction,
            )
            ids = [self._users[row] for row in np.unique(user)]
            for name, each in found.items():
                out[name].cells[measure] = cells[name].model_copy(update=deviation(each, measure))
                out[name].values[measure] = dict(zip(ids, values[name].tolist(), strict=True))
        return out

    def known(self) -> str:
        """Say what predictions are made from."""
        return known_pairs(branches(self.problem.split))

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Add the planted optimum."""
        floor = self.problem.floor
        best = [] if floor is None else [f"best possible RMSE {floor:.4f}: that of whoever knows the planted law"]
        return [*best, *super().notes(found)]

    def _means(self, error: Any) -> dict[str, float]:
        out = {}
        for name in (one.name for one in self.measures):
            squared, part = ERRORS[name]
            own = error[self.parts[part]]
            own = own[np.isfinite(own)]
            out[name] = float(error_by_seed(own[None], squared=squared)[0]) if len(own) else float("nan")
        return out

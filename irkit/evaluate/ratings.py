"""How far predicted ratings are off: RMSE and MAE of all, warm and cold pairs, with intervals over users.

A user's errors are alike, so intervals come from a bootstrap that draws whole users. Every
measurement of a split is a look at its test part and is counted (`irkit.recommend.guards.LOOKS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from irkit.arrays import Bools, Floats, Ints
from irkit.errors import FrameError
from irkit.evaluate.board import Cell
from irkit.evaluate.compare import cells_of
from irkit.evaluate.corrections import Correction
from irkit.evaluate.significance import Contrast, Test, bootstrap_interval, bootstrap_intervals, contrasts, robustness
from irkit.recommend.base import BRANCHES, Recommender
from irkit.recommend.guards import LOOKS, checked, scale_notes
from irkit.recommend.splits import RatingSplit
from irkit.table import Cell as Shown
from irkit.table import Column, Table, text_table, words
from irkit.table.published import Published

PARTS = ("all", "warm", "cold user", "cold item")
"Warm: user and item have training ratings. Cold: the user, or the item, has none; a pair may be both."

RESAMPLES = 2000
"Resamples of a bootstrap over users: fewer than of one over queries, as each sums all of the pairs."


@dataclass(frozen=True)
class RatingScore:
    """RMSE and MAE of some pairs; `low` and `high` bound their 95 % intervals."""

    pairs: int
    rmse: float
    rmse_low: float
    rmse_high: float
    mae: float
    mae_low: float
    mae_high: float

    def of(self, measure: str) -> tuple[float, float, float]:
        """Return RMSE or MAE and the ends of its interval."""
        if measure == "RMSE":
            return self.rmse, self.rmse_low, self.rmse_high
        return self.mae, self.mae_low, self.mae_high


@dataclass(frozen=True, eq=False)
class RatingEvaluation(Published):
    """What one model scored on the test part of a split."""

    parts: dict[str, RatingScore]
    "Scores by part, of `PARTS`; a part without pairs is absent."
    branches: dict[str, float]
    "Share of pairs that each branch of the prediction was used for."
    errors: pd.DataFrame
    "`user_id`, `item_id`, `branch`, `error` (prediction less rating), one row a pair."
    split_hash: str | None = None
    looks: int = 0
    "How often the test part had been looked at, this time included."
    notes: tuple[str, ...] = ()
    "What a reader of the numbers should know, such as guards that were waived."

    @property
    def rmse(self) -> float:
        """RMSE of all pairs."""
        return self.parts["all"].rmse

    @property
    def mae(self) -> float:
        """MAE of all pairs."""
        return self.parts["all"].mae

    def tables(self) -> list[Table]:
        """Describe the scores by part."""
        ends = ("low", "high")
        columns = (
            *(Column("part", number=False), Column("pairs"), Column("RMSE", lower=True, beside=ends)),
            *(Column("95 %"), Column("MAE", lower=True, beside=ends)),
        )
        rows = tuple(
            (
                *(words(name), Shown(str(s.pairs), s.pairs)),
                Shown(f"{s.rmse:.4f}", s.rmse, beside=(s.rmse_low, s.rmse_high)),
                Shown(between := f"{s.rmse_low:.4f}-{s.rmse_high:.4f}", between),
                Shown(f"{s.mae:.4f}", s.mae, beside=(s.mae_low, s.mae_high)),
            )
            for name, s in self.parts.items()
        )
        looks = [f"test part looked at {self.looks} times"] if self.looks > 1 else []
        known = known_pairs(self.errors["branch"].to_numpy())
        return [Table(columns, rows, notes=(known, *looks, *self.notes))]

    def __str__(self) -> str:
        (table,) = self.tables()
        rows = [[cell.text for cell in row] for row in table.rows]
        return "\n".join([text_table(["", *(column.name for column in table.columns[1:])], rows), *table.notes])


def evaluate_ratings(
    model: Recommender, split: RatingSplit, *, seed: int = 42, waive: Mapping[str, str] | None = None
) -> RatingEvaluation:
    """Measure a fitted model on the test part of a split, and count the look.

    Parameters
    ----------
    model : Recommender
        Fitted on `split.train`, or on a part of it.
    split : RatingSplit
    seed : int
        Of the bootstrap.
    waive : mapping of guard name to reason, optional
        Guards whose finding is accepted and printed; see `irkit.recommend.guards.checked`.

    Raises
    ------
    ConfigError
        If the model saw what it is to be measured on, in whatever role, and that is not waived.
    """
    notes = (*checked(model, split, waive), *scale_notes(split))
    looks = LOOKS.look(split)
    found = rating_errors(model.predict(split.test.frame()), seed=seed)
    return replace(found, split_hash=split.hash, looks=looks, notes=notes)


def rating_errors(predicted: pd.DataFrame, *, seed: int = 42) -> RatingEvaluation:
    """Measure predictions.

    Parameters
    ----------
    predicted : frame
        `user_id`, `item_id`, `rating`, `prediction`, and `branch` as `Recommender.predict` gives it.
    seed : int

    Raises
    ------
    FrameError
        If a column is missing, there is no row, or a number is not finite.
    """
    error = prediction_errors(predicted)
    branch = predicted["branch"].to_numpy()
    user = np.unique(predicted["user_id"].to_numpy(dtype=object), return_inverse=True)[1]
    parts = {
        name: scored_errors(error[mask], user[mask], seed) for name, mask in parts_of(branch).items() if mask.any()
    }
    errors = predicted[["user_id", "item_id", "branch"]].assign(error=error)
    return RatingEvaluation(parts, branch_shares(branch), errors)


def prediction_errors(predicted: pd.DataFrame) -> Floats:
    """Return prediction less rating of each row, (n,) float64, of a frame as `rating_errors` takes it; errors alike."""
    missing = [name for name in ("user_id", "item_id", "rating", "prediction", "branch") if name not in predicted]
    if missing:
        raise FrameError(f"ratings: predictions need the column {missing[0]!r}; pass what predict gives")
    if predicted.empty:
        raise FrameError("ratings: there is no prediction to measure; give one pair or more")
    error: Floats = predicted["prediction"].to_numpy(np.float64) - predicted["rating"].to_numpy(np.float64)
    if not np.isfinite(error).all():
        row = int(np.argmin(np.isfinite(error)))
        raise FrameError(f"ratings: prediction or rating in row {row} is not finite; look at the model that made it")
    return error


def parts_of(branch: Any) -> dict[str, Bools]:
    """Return which pairs belong to which of `PARTS`, from the branch of each, (n,) of `BRANCHES`."""
    return {
        "all": np.ones(len(branch), dtype=bool),
        "warm": branch == BRANCHES[0],
        "cold user": (branch == BRANCHES[1]) | (branch == BRANCHES[3]),
        "cold item": (branch == BRANCHES[2]) | (branch == BRANCHES[3]),
    }


def branch_shares(branch: Any) -> dict[str, float]:
    """Return the share of pairs of each branch, from the branch of each, (n,) of `BRANCHES`."""
    return {name: float((branch == name).mean()) for name in BRANCHES}


def branches(split: RatingSplit) -> Any:
    """Return what training knows of each test pair: (n,) of `BRANCHES`."""
    train, test = split.train, split.test
    user, item = train.users.rows(test.users.names)[test.user] >= 0, train.items.rows(test.items.names)[test.item] >= 0
    return np.select([user & item, item, user], BRANCHES[:3], BRANCHES[3])


def known_pairs(branch: Any) -> str:
    """Say what predictions were made from, in shares of the pairs."""
    shares = branch_shares(branch)
    return "predicted from " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items() if share)


def compare_errors(
    errors: Mapping[str, Floats],
    user: Ints,
    *,
    squared: bool,
    baseline: str | None,
    test: Test = "t",
    seed: int = 42,
    correction: Correction = "holm",
) -> tuple[dict[str, Cell], dict[str, Floats]]:
    """Compare systems by RMSE or MAE on the same pairs, paired over users.

    What is tested is a user's share of the mean squared (or absolute) error, so that the mean of the
    tested differences is the difference of the two systems' mean errors, however many pairs a user has.

    Parameters
    ----------
    errors : mapping of system to (S, n) float64
        Prediction less rating, one row for each seed and fold the system was fitted with; NaN where a
        fold's test part does not hold the pair.
    user : (n,) int
        The user of each pair.
    squared : bool
        RMSE, otherwise MAE; the mean over rows of either.
    baseline : str or None
    test : {"t", "wilcoxon", "randomisation"}
        The test whose p-values are corrected.
    seed : int
        Of bootstrap and randomisation.
    correction : {"holm", "bonferroni", "benjamini-hochberg"}

    Returns
    -------
    cells : dict
        System -> statistics; whoever errs less wins.
    per_user : dict
        System -> (U,) float64: RMSE or MAE of each user, over seeds, in ascending order of `user`.
    """
    member = np.unique(user, return_inverse=True)[1]
    counts = np.bincount(member)
    losses = {name: error**2 if squared else np.abs(error) for name, error in errors.items()}
    sums = {name: np.bincount(member, np.nanmean(loss, axis=0)) for name, loss in losses.items()}
    per_user: dict[str, Floats] = {
        name: np.sqrt(total / counts) if squared else total / counts for name, total in sums.items()
    }
    root = np.sqrt if squared else None
    values = {name: float(np.mean(error_by_seed(error, squared=squared))) for name, error in errors.items()}
    ends = bootstrap_intervals(list(losses.values()), member, seed=seed, resamples=RESAMPLES, transform=root)
    intervals = dict(zip(losses, ends, strict=True))
    scale, tested = len(counts) / len(user), [name for name in errors if baseline not in (None, name)]
    pairs = [(-scale * sums[name], -scale * sums[str(baseline)]) for name in tested]
    against: dict[str, Contrast] = {}
    for name, found in zip(tested, contrasts(pairs, test, seed=seed), strict=True):
        robust = robustness(-per_user[name], -per_user[str(baseline)])
        against[name] = found._replace(delta=values[name] - values[str(baseline)], robustness=robust)
    return cells_of(values, intervals, baseline, against, correction), per_user


def error_by_seed(error: Floats, *, squared: bool) -> Floats:
    """Return the RMSE or MAE of each row of errors (S, n), NaN left out: (S,) float64."""
    mean: Floats = np.nanmean(error**2 if squared else np.abs(error), axis=1)
    return np.sqrt(mean) if squared else mean


def scored_errors(error: Floats, user: Ints, seed: int) -> RatingScore:
    """Return RMSE and MAE with intervals, of errors (n,) and the users they are of (n,)."""
    squared = bootstrap_interval(error**2, user, seed=seed, resamples=RESAMPLES, transform=np.sqrt)
    absolute = bootstrap_interval(np.abs(error), user, seed=seed, resamples=RESAMPLES)
    return RatingScore(len(error), float(np.sqrt((error**2).mean())), *squared, float(np.abs(error).mean()), *absolute)

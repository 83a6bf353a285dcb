"""Suites of density models: the mean test log-likelihood in nats per row, each number with what it is.

A value is exact, a lower bound, or an estimate with a Monte Carlo standard error. Rows of the test part
are what intervals draw and what tests pair. Symbols: S seeds, m test rows, D values in a row.
"""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.evaluate.compare import cell, correct
from irkit.evaluate.memory import memory_notes, peak_memory_mb, reset_peak
from irkit.evaluate.significance import TEST_TITLES, bootstrap_interval, contrast
from irkit.evaluate.suitefile import (
    ComparingSuite,
    RecipeChoice,
    check_seeds,
    origin,
    seeds_note,
    set_options,
    with_choice,
)
from irkit.io.density import Binarise, DensityData, load_density

if TYPE_CHECKING:
    from irkit.learn.estimate import Estimate
    from irkit.recipe import TrainingRecipe

MEASURE = "log p"
"In nats per row; higher is better."

INDEPENDENT = "independent"
"Name of the row of independent bits, on every board."

KEPT = 2000
"Test rows whose own values are kept in a result."


class DensityChoice(Config):
    """Data of a suite and how grey values become bits."""

    name: str
    "See `irkit.io.density.load_density`."
    binarise: Binarise = "threshold"
    "Sets of bits ignore it."


class DensitySuite(ComparingSuite):
    """Density models and the data they are compared on."""

    board_field: ClassVar[str] = "density"
    row_field: ClassVar[str] = "models"
    density: tuple[DensityChoice, ...] = Field(min_length=1)
    "Each gives one board, with the models whose recipes name the same data."
    models: tuple[RecipeChoice, ...] = Field(min_length=1)
    "Training recipes, in the order they are run."
    baseline: str | None = INDEPENDENT
    "Name of the system the others are compared with: a model, or independent bits."
    seeds: tuple[int, ...] = Field((1,), min_length=1)
    "A model is trained once with each; numbers are means."

    @property
    def rows(self) -> list[str]:
        """Names of the systems, independent bits first."""
        return [INDEPENDENT, *super().rows]

    def check(self) -> None:
        """Raise `ConfigError` where fields do not fit together."""
        super().check()
        check_seeds(self.seeds)


class _Found(NamedTuple):
    """What a model gave."""

    values: Floats
    "(S, m): log p of the first m test rows."
    means: list[Estimate]
    "For each seed."


@dataclass(frozen=True)
class DensityJob:
    """A suite of density models with everything it names, found and checked."""

    suite: DensitySuite
    data: list[DensityData]
    "One for each board."
    models: list[list[tuple[RecipeChoice, TrainingRecipe, DensityData]]]
    "For each board, with the data each is trained on."

    @classmethod
    def prepare(cls, suite: DensitySuite, only: Sequence[str] | None = None) -> DensityJob:
        """Find and check all that a suite names.

        Raises
        ------
        IrkitError
            If something is missing, or a model is of data that no board is of.
        """
        from irkit.recipe import load_training

        suite.check()
        recipes = [(choice, with_choice(load_training(choice.recipe), choice)) for choice in suite.models]
        for choice, recipe in recipes:
            if recipe.data not in suite.boards:
                raise ConfigError(
                    f"suite {suite.name}: {choice.name} is trained on {recipe.data}, of which there is no board; "
                    f"add {recipe.data} to density"
                )
        chosen = [one for one in suite.density if only is None or one.name in only]
        data = [load_density(one.name, binarise=one.binarise) for one in chosen]
        models = []
        for rows in data:
            training = {rows.binarisation.partition(",")[0]: rows}  # by binarisation: such data is large
            own = [(choice, recipe) for choice, recipe in recipes if recipe.data == rows.name]
            for choice, recipe in own:
                if recipe.binarise not in training:
                    training[recipe.binarise] = recipe.load_data()
                _check_bits(suite, choice, training[recipe.binarise], rows)
            models.append([(choice, recipe, training[recipe.binarise]) for choice, recipe in own])
        return cls(suite, data, models)

    def boards(self, say: Callable[[str], None]) -> list[dict[str, Any]]:
        """Run everything; `say` is told what begins."""
        return [self._board(data, models, say) for data, models in zip(self.data, self.models, strict=True)]

    def _board(
        self,
        data: DensityData,
        models: list[tuple[RecipeChoice, TrainingRecipe, DensityData]],
        say: Callable[[str], None],
    ) -> dict[str, Any]:
        suite = self.suite
        first, row = _independent(data)
        found, rows = {INDEPENDENT: first}, [row]
        for choice, recipe, own in models:
            say(f"{data.name}: {choice.name}")
            found[choice.name], row = self._row(choice, recipe, own)
            rows.append(row)
        baseline = suite.baseline if suite.baseline in found else None
        cells = {name: _cell(one, found.get(baseline or ""), suite, name) for name, one in found.items()}
        correct(cells)
        for row in rows:
            values = found[row["name"]].values.mean(axis=0)[:KEPT].tolist()
            row["measures"] = {MEASURE: cells[row["name"]]}
            row["per_query"] = {MEASURE: {str(number): value for number, value in enumerate(values)}}
        notes = [f"{MEASURE} is in nats per row of {data.test.shape[1]} bits"]
        if len(data.test) > KEPT:
            notes.append(f"values of single rows are kept of the first {KEPT:,}")
        return {
            "kind": "density",
            "collection": data.name,
            "about": "",
            "data_hash": data.fingerprint,
            "documents": len(data.train),
            "queries": len(data.test),
            "split": None if data.binarisation == "bits" else data.binarisation,
            "measures": [MEASURE],
            "baseline": baseline,
            "test": TEST_TITLES[suite.test],
            "correction": "Holm",
            "interval": "95 % bootstrap",
            "notes": [*notes, *memory_notes()],
            "systems": rows,
        }

    def _row(self, choice: RecipeChoice, recipe: TrainingRecipe, data: DensityData) -> tuple[_Found, dict[str, Any]]:
        """Train and measure a model, once for each seed; return what was measured, and the row without it."""
        test = data.test[: recipe.test_rows]
        values, means, fitting, using = [], [], [], []
        reset_peak()
        for seed in self.suite.seeds:
            started = time.perf_counter()
            model = recipe.fit(data, seed=seed)
            fitting.append(time.perf_counter() - started)
            started = time.perf_counter()
            found = model.log_prob(test, **recipe.evaluate)
            using.append(time.perf_counter() - started)
            values.append(np.asarray(found.value))
            means.append(found.mean())
        notes = []
        if len(test) < len(data.test):
            notes.append(f"measured on the first {len(test):,} of the {len(data.test):,} test rows")
        if data.dynamic:
            notes.append("bits of the training part are sampled anew in each batch")
        shares = [one.ess for one in means if one.ess is not None]
        if shares:
            notes.append(f"effective sample size {min(shares):.0%} of the samples")
        if len(means) > 1:
            notes.append(seeds_note(self.suite.seeds, {MEASURE: [float(one.value) for one in means]}))
        command = ["irkit", "train", choice.recipe, "--run", f"runs/{choice.name}", *set_options(choice.settings)]
        row = {
            "name": choice.name,
            **origin(choice, recipe, shlex.join([*command, "--seed", str(self.suite.seeds[0])])),
            "ms_per_query": 1000 * float(np.mean(using)) / len(test),
            "peak_memory_mb": peak_memory_mb(),
            "fit_seconds": float(np.mean(fitting)),
            "parameters": sum(values.numel() for values in model.fitted.parameters()),
            "notes": notes,
        }
        return _Found(np.stack(values), means), row


def independent_log_prob(train: Floats, rows: Floats) -> Floats:
    """Return log p of rows of bits under independent bits with add-one frequencies: (m,) float64, nats.

    p_d = (1 + sum over training rows of x_d) / (2 + N)

    Parameters
    ----------
    train : (N, D)
        Bits, or probabilities of bits.
    rows : (m, D)
        Bits.
    """
    p = (train.sum(axis=0, dtype=np.float64) + 1) / (len(train) + 2)
    return rows @ np.log(p) + (1 - rows) @ np.log1p(-p)


def _independent(data: DensityData) -> tuple[_Found, dict[str, Any]]:
    from irkit.learn.estimate import Estimate

    values = independent_log_prob(data.train, data.test)
    row = {
        "name": INDEPENDENT,
        "about": "Independent bits, with add-one frequencies of the training rows.",
        **dict.fromkeys(("recipe", "recipe_hash", "recipe_yaml", "command"), ""),
        "ms_per_query": None,
        "peak_memory_mb": None,
        "parameters": data.train.shape[1],
        "notes": [],
    }
    return _Found(values[None], [Estimate.exact(values).mean()]), row


def _check_bits(suite: DensitySuite, choice: RecipeChoice, own: DensityData, board: DensityData) -> None:
    """Raise `ConfigError` unless a model's data has the test rows of the board."""
    if not np.array_equal(own.test, board.test):
        raise ConfigError(
            f"suite {suite.name}: {choice.name} is binarised by {own.binarisation} and {board.name} by "
            f"{board.binarisation}; log-likelihoods of different bits are not to be compared, change one of them"
        )


def _cell(found: _Found, baseline: _Found | None, suite: DensitySuite, name: str) -> dict[str, Any]:
    """Return the statistics of a model; the difference is on the rows that both were measured on."""
    values = found.values.mean(axis=0)
    against = None
    if baseline is not None:
        other = baseline.values.mean(axis=0)
        rows = min(len(values), len(other))
        against = contrast(values[:rows], other[:rows], seed=suite.seed)
    errors = [float(one.error) for one in found.means]
    error = math.hypot(*errors) / len(errors)
    shares = [one.ess for one in found.means if one.ess is not None]
    interval = bootstrap_interval(found.values, seed=suite.seed)
    delta = None if against is None else against.delta
    return {
        **cell(float(values.mean()), interval, against, suite.test, delta=delta, tested=name != suite.baseline),
        "kind": found.means[0].kind,
        "stderr": error if 0 < error < math.inf else None,
        "ess": min(shares, default=None),
    }

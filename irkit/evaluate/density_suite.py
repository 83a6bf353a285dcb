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
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field, field_validator

from irkit.arrays import Floats
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.evaluate.compare import cell, correct
from irkit.evaluate.memory import memory_notes, peak_memory_mb, reset_peak
from irkit.evaluate.schema import FIGURE_LIMIT
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
from irkit.io.density import Binarise, DensityData
from irkit.io.library import load_rows
from irkit.rng import Seed

if TYPE_CHECKING:
    from irkit.learn.estimate import Estimate
    from irkit.learn.model import Model
    from irkit.recipe import TrainingRecipe

MEASURE = "log p"
"In nats per row; higher is better."

INDEPENDENT = "independent"
"Name of the row of independent bits, on every board."

KEPT = 2000
"Test rows whose own values are kept in a result."

RESUMED = "taken up from a run folder: s/fit is the time of its training steps alone, and its memory is not known"
"What a row says of such a model."


class DensityChoice(Config):
    """Data of a suite and how grey values become bits."""

    name: str
    "See `irkit.io.load_rows`."
    binarise: Binarise = "threshold"
    "Sets of bits ignore it."


class ModelChoice(RecipeChoice):
    """A model of a suite, on one or several of its data sets."""

    data: tuple[str, ...] = ()
    "What it is trained on, each of its own; default what its recipe names."

    @field_validator("data", mode="before")
    @classmethod
    def _one_or_many(cls, data: Any) -> Any:
        return (data,) if isinstance(data, str) else data

    def recipes(self) -> list[TrainingRecipe]:
        """Return its recipe on each of the data sets."""
        from irkit.recipe import load_training

        recipe: TrainingRecipe = with_choice(load_training(self.recipe), self)
        several = len(self.data) > 1
        named = {data: f"{self.name}-{Path(data).name}" if several else self.name for data in self.data}
        return [recipe.changed(name=name, data=data) for data, name in named.items()] or [recipe]


class DensitySuite(ComparingSuite):
    """Density models and the data they are compared on."""

    board_field: ClassVar[str] = "density"
    row_field: ClassVar[str] = "models"
    density: tuple[DensityChoice, ...] = Field(min_length=1)
    "Each gives one board, with the models that are trained on the same data."
    models: tuple[ModelChoice, ...] = Field(min_length=1)
    "Training recipes, in the order they are run."
    baseline: str | None = INDEPENDENT
    "Name of the system the others are compared with: a model, or independent bits."
    seeds: tuple[Seed, ...] = Field((1,), min_length=1)
    "A model is trained once with each; numbers are means."

    @property
    def rows(self) -> list[str]:
        """Names of the systems, independent bits first."""
        return [INDEPENDENT, *super().rows]

    def check(self) -> None:
        """Raise `ConfigError` where fields do not fit together."""
        super().check()
        check_seeds(self.seeds)


class Entry(NamedTuple):
    """A model of a board."""

    choice: ModelChoice
    recipe: TrainingRecipe
    data: DensityData
    "What it is trained on: the board's test rows, and its training rows as bits of the recipe's own kind."


class _Found(NamedTuple):
    """What a model gave."""

    values: Floats
    "(S, m): log p of the first m test rows."
    means: list[Estimate]
    "For each seed."


class _Fit(NamedTuple):
    """A trained model and what it took."""

    model: Model
    seconds: float
    resumed: bool
    "Whether some of it was done before, so that only its own record of the time tells how long it took."


@dataclass(frozen=True)
class DensityJob:
    """A suite of density models with everything it names, found and checked."""

    suite: DensitySuite
    data: list[DensityData]
    "One for each board."
    entries: list[list[Entry]]
    "The models of each board."
    runs: Path | None = None
    "Where the run folders are; without it nothing is kept."

    @classmethod
    def prepare(cls, suite: DensitySuite, only: Sequence[str] | None = None, runs: Path | None = None) -> DensityJob:
        """Find and check all that a suite names.

        Raises
        ------
        IrkitError
            If something is missing, a model is of data that no board is of, or two models would share a run folder.
        """
        suite.check()
        recipes = [(choice, recipe) for choice in suite.models for recipe in choice.recipes()]
        for choice, recipe in recipes:
            if recipe.data not in suite.boards:
                raise ConfigError(
                    f"suite {suite.name}: {choice.name} is trained on {recipe.data}, of which there is no board; "
                    f"add {recipe.data} to density"
                )
        if runs is not None:
            _check_folders(suite, [recipe for _, recipe in recipes])
        chosen = [one for one in suite.density if only is None or one.name in only]
        data = [load_rows(one.name, binarise=one.binarise) for one in chosen]
        entries = [_entries(suite, recipes, board) for board in data]
        return cls(suite, data, entries, runs)

    def boards(self, say: Callable[[str], None]) -> list[dict[str, Any]]:
        """Run everything; `say` is told what begins."""
        return [self._board(data, entries, say) for data, entries in zip(self.data, self.entries, strict=True)]

    def _board(self, data: DensityData, entries: list[Entry], say: Callable[[str], None]) -> dict[str, Any]:
        suite = self.suite
        first, row = _independent(data)
        found, rows = {INDEPENDENT: first}, [row]
        for entry in entries:
            say(f"{data.name}: {entry.choice.name}")
            found[entry.choice.name], row = self._row(entry)
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

    def _row(self, entry: Entry) -> tuple[_Found, dict[str, Any]]:
        """Train and measure a model, once for each seed; return what was measured, and the row without it."""
        from irkit.learn.figures import SMALL, figures

        (choice, recipe, data), seeds = entry, self.suite.seeds
        test = data.test[: recipe.test_rows]
        values, means, fits, using = [], [], [], []
        reset_peak()
        for seed in seeds:
            fits.append(self._fit(entry, seed))
            started = time.perf_counter()
            found = fits[-1].model.log_prob(test, **recipe.evaluate)
            using.append(time.perf_counter() - started)
            values.append(np.asarray(found.value))
            means.append(found.mean())
        resumed = any(fit.resumed for fit in fits)
        memory = None if resumed else peak_memory_mb()  # before pictures are drawn
        model = fits[0].model
        drawn = figures(model, data, seed=seeds[0], test_rows=recipe.test_rows, look=SMALL)
        pictures = [figure.embedded() for figure in drawn]
        command = ["irkit", "train", choice.recipe, "--run", f"runs/{choice.name}", *set_options(choice.settings)]
        row = {
            "name": choice.name,
            **origin(choice, recipe, shlex.join([*command, "--seed", str(seeds[0])])),
            "ms_per_query": 1000 * float(np.mean(using)) / len(test),
            "peak_memory_mb": memory,
            "fit_seconds": float(np.mean([fit.seconds for fit in fits])),
            "parameters": sum(weights.numel() for weights in model.fitted.parameters()),
            "notes": [
                *_notes(entry, means, seeds),
                *([RESUMED] if resumed else []),
                *(one.note for one in drawn if one.note),
            ],
            "figures": [figure for figure in pictures if len(figure["content"]) <= FIGURE_LIMIT],
        }
        return _Found(np.stack(values), means), row

    def _fit(self, entry: Entry, seed: int) -> _Fit:
        """Train a model, in its run folder if there is a place for it."""
        from irkit.learn.saved import CHECKPOINT
        from irkit.recipe.runfolder import resume_fit

        recipe = entry.recipe
        started = time.perf_counter()
        if self.runs is None:
            model = recipe.fit(entry.data, seed=seed)
            return _Fit(model, time.perf_counter() - started, resumed=False)
        own = recipe.rule().seed == seed
        folder = self.runs / (recipe.name if own else f"{recipe.name}-seed-{seed}")
        resumed = (folder / CHECKPOINT).is_file()
        model = resume_fit(recipe.with_settings({"trainer.seed": seed}), entry.data, folder)
        assert model.training is not None
        return _Fit(model, model.training.wall if resumed else time.perf_counter() - started, resumed)


def _notes(entry: Entry, means: Sequence[Estimate], seeds: Sequence[int]) -> list[str]:
    """Return what a reader of a model's numbers should know."""
    _, recipe, data = entry
    notes = []
    if recipe.test_rows is not None and recipe.test_rows < len(data.test):
        notes.append(f"measured on the first {recipe.test_rows:,} of the {len(data.test):,} test rows")
    if data.dynamic:
        notes.append("bits of the training part are sampled anew in each batch")
    shares = [one.ess for one in means if one.ess is not None]
    if shares:
        notes.append(f"effective sample size {min(shares):.0%} of the samples")
    if len(means) > 1:
        notes.append(seeds_note(seeds, {MEASURE: [float(one.value) for one in means]}))
    return notes


def _entries(
    suite: DensitySuite, recipes: Sequence[tuple[ModelChoice, TrainingRecipe]], board: DensityData
) -> list[Entry]:
    """Return the models of a board with what each is trained on."""
    training = {board.binarisation.partition(",")[0]: board}  # by binarisation: such data is large
    entries = []
    for choice, recipe in recipes:
        if recipe.data != board.name:
            continue
        if recipe.binarise not in training:
            training[recipe.binarise] = recipe.load_data()
        _check_bits(suite, choice, training[recipe.binarise], board)
        entries.append(Entry(choice, recipe, training[recipe.binarise]))
    return entries


def _independent(data: DensityData) -> tuple[_Found, dict[str, Any]]:
    from irkit.generative.independent import independent_log_prob
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


def _check_folders(suite: DensitySuite, recipes: Sequence[TrainingRecipe]) -> None:
    """Raise `ConfigError` if different trainings would share a run folder."""
    first: dict[str, TrainingRecipe] = {}
    for recipe in recipes:
        if first.setdefault(recipe.name, recipe).hash != recipe.hash:
            raise ConfigError(
                f"suite {suite.name}: two different recipes are called {recipe.name!r} and would share a run folder; "
                "rename one of them"
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

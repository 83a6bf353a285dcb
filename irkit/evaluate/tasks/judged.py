"""Models judged by what they draw, encode or make of examples, where a likelihood says nothing or is none.

A suite names data sets and the judge of each; what there is to measure, over which units, and what stands beside
the models (real data, chance) is the judge's, `irkit.learn.judges`. A model that is trained on other data is taken if
its test part is the board's: the control that learned from shuffled captions, for example.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import field_validator

from irkit.arrays import Floats
from irkit.errors import ConfigError, near_misses
from irkit.evaluate.board import Measure, Size
from irkit.evaluate.tasks.task import Measured, Options, System, Trial
from irkit.evaluate.tasks.trained import KEPT, TrainedChoice, TrainedTask
from irkit.registry import JUDGES

if TYPE_CHECKING:
    from irkit.evaluate.suite import Suite
    from irkit.learn.data import Data
    from irkit.learn.estimate import Estimate
    from irkit.learn.judges import Judge
    from irkit.recipe import TrainingRecipe


@dataclass(frozen=True, eq=False)
class JudgedTask(TrainedTask):
    """A data set, its judge, and models."""

    judge: Judge = field(kw_only=True)
    kind = "judged"

    @cached_property
    def measures(self) -> list[Measure]:
        """Those of the judge that the suite names, or all."""
        known = self.judge.quantities
        names = self.suite.measures or tuple(known)
        for name in names:
            if name not in known:
                raise ConfigError(
                    f"suite {self.suite.name}: {self.judge.name} does not measure {name!r}; {near_misses(name, known)}"
                )
        return [Measure(name=name, unit=known[name].unit, lower=known[name].lower) for name in names]

    @property
    def conditions(self) -> dict[str, str]:
        """Who judges."""
        return {"judged by": self.judge.name} | super().conditions

    @property
    def timed(self) -> str:  # type: ignore[override]
        """What a value is of."""
        return self.judge.one

    @property
    def sizes(self) -> list[Size]:
        """Training examples, and the judge's values."""
        example = self.board.spec.word
        train = len(self.board.part("train"))
        values = Size(number=self.judge.size, one=self.judge.one, many=self.judge.many)
        return [Size(number=train, one=f"training {example}", many=f"training {example}s"), values]

    def taken(self, system: System) -> System | None:
        """Return the model's training, on this set or on one of the same test part."""
        recipe: Any = system.recipe
        if system.choice.data or recipe.data == self.name:
            found = super().taken(system)
        else:
            same = self.data_of(recipe).part("test").same(self.board.part("test"))
            found = replace(system) if same else None
            if found is not None and self.runs is not None:
                self._check_folder(system.choice.name, recipe)
        if found is not None:
            self.judge.check(recipe.build(), [one.name for one in self.measures])
        return found

    def data_of(self, recipe: TrainingRecipe) -> Data:
        """Return what a model learns from."""
        if recipe.data == self.name:
            return super().data_of(recipe)
        if recipe.data not in self._data:
            self._data[recipe.data] = recipe.load_data()
        return self._data[recipe.data]

    def figures_of(self, model: Any, trial: Trial) -> Mapping[str, Estimate]:
        """Return the judge's values of each measure."""
        from irkit.learn.estimate import Estimate

        found = self.judge.judged(model, seed=1 if trial.seed is None else trial.seed)
        return {one.name: Estimate.exact(np.asarray(found[one.name], dtype=np.float64)) for one in self.measures}

    def measured_of(self, recipe: TrainingRecipe) -> int:
        """Return how many values a model has: all of the judge's."""
        return self.judge.size

    def extra(self) -> Iterator[tuple[str, str, Measured]]:
        """Yield the judge's controls."""
        for control in self.judge.controls():
            values: dict[str, Floats] = {
                one.name: np.asarray(control.values[one.name], dtype=np.float64) for one in self.measures
            }
            yield control.name, control.about, Measured(values, {n: float(v.mean()) for n, v in values.items()})

    def notes(self, found: Mapping[str, Sequence[Measured]]) -> list[str]:
        """Say how is judged."""
        several = "intervals and tests are over what the same models draw, not over models: see what each seed gave"
        kept = f"values of single {self.judge.many} are kept of the first {KEPT:,}"
        seeds = [several] if len(self.suite.seeds) > 1 else []
        return [*self.judge.facts, *seeds, *([kept] if self.judge.size > KEPT else [])]


class JudgedChoice(TrainedChoice):
    """Data of a suite, and who judges models of it."""

    field = "judged"
    task = JudgedTask
    judge: str
    "Name of the judge, such as `pictures` or `modes`."

    @field_validator("judge")
    @classmethod
    def _known(cls, judge: str) -> str:
        if judge not in JUDGES:
            raise ValueError(f"there is no judge {judge!r}; {near_misses(judge, JUDGES)}")
        return judge

    @property
    def standing(self) -> tuple[str, ...]:
        """The judge's controls; a suite that is only listed does not ask, as it would load the judge."""
        found: tuple[str, ...] = JUDGES.load(self.judge).beside
        return found

    def load(self, suite: Suite, options: Options) -> JudgedTask:
        """Load the data and ask for the judge."""
        judge = JUDGES.load(self.judge)
        board = self.examples()
        runs = None if options.runs is None else Path(options.runs)
        return JudgedTask(suite, self, board, runs, judge=judge(board))

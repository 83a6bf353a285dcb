"""Measures, significance, splits, experiments, tasks and suites: the part that makes numbers believable."""

from irkit.evaluate.board import Board, Cell, Result, Row, read_results, write_results
from irkit.evaluate.compare import Comparison, compare
from irkit.evaluate.evaluation import Evaluation, Evaluator, evaluate
from irkit.evaluate.experiment import Experiment, experiment
from irkit.evaluate.measures import measure_names, parse_measures
from irkit.evaluate.run import run_suite
from irkit.evaluate.space import Space, load_space
from irkit.evaluate.splits import Folds, folds
from irkit.evaluate.suite import Suite, load_suite
from irkit.evaluate.tasks.compared_ratings import RatingsExperiment, experiment_ratings
from irkit.evaluate.tasks.task import Measured, Task, TaskChoice
from irkit.evaluate.tasks.tuned_ratings import TunedRatings, tune_ratings
from irkit.evaluate.tuning import Tuned, tune

__all__ = [
    "Board",
    "Cell",
    "Comparison",
    "Evaluation",
    "Evaluator",
    "Experiment",
    "Folds",
    "Measured",
    "RatingsExperiment",
    "Result",
    "Row",
    "Space",
    "Suite",
    "Task",
    "TaskChoice",
    "Tuned",
    "TunedRatings",
    "compare",
    "evaluate",
    "experiment",
    "experiment_ratings",
    "folds",
    "load_space",
    "load_suite",
    "measure_names",
    "parse_measures",
    "read_results",
    "run_suite",
    "tune",
    "tune_ratings",
    "write_results",
]


def __dir__() -> list[str]:
    return __all__

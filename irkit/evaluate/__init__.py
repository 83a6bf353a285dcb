"""Measures, significance, splits, experiments and suites: the part that makes numbers believable."""

from irkit.evaluate.compare import Comparison, compare
from irkit.evaluate.density_suite import DensitySuite
from irkit.evaluate.evaluation import Evaluation, evaluate
from irkit.evaluate.experiment import Experiment, experiment
from irkit.evaluate.measures import measure_names, parse_measures
from irkit.evaluate.rating_suite import RatingSuite
from irkit.evaluate.retrieval_suite import RetrievalSuite
from irkit.evaluate.run import run_suite
from irkit.evaluate.schema import read_results, write_results
from irkit.evaluate.splits import Folds, folds
from irkit.evaluate.suite import Composite, load_suite
from irkit.evaluate.tuning import Space, Tuned, load_space, tune

__all__ = [
    "Comparison",
    "Composite",
    "DensitySuite",
    "Evaluation",
    "Experiment",
    "Folds",
    "RatingSuite",
    "RetrievalSuite",
    "Space",
    "Tuned",
    "compare",
    "evaluate",
    "experiment",
    "folds",
    "load_space",
    "load_suite",
    "measure_names",
    "parse_measures",
    "read_results",
    "run_suite",
    "tune",
    "write_results",
]

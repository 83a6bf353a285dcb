"""irkit: information retrieval and recommendation research on one pipeline algebra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

__version__ = "0.1.0"

if TYPE_CHECKING:
    from irkit import errors as errors
    from irkit import evaluate as evaluate
    from irkit import expand as expand
    from irkit import generative as generative
    from irkit import io as io
    from irkit import learn as learn
    from irkit import lucene as lucene
    from irkit import pipeline as pipeline
    from irkit import rank as rank
    from irkit import recipe as recipe
    from irkit import recommend as recommend
    from irkit import report as report
    from irkit import represent as represent
    from irkit import testing as testing
    from irkit import text as text
    from irkit.evaluate.compare import compare as compare
    from irkit.evaluate.experiment import experiment as experiment
    from irkit.evaluate.tasks.compared_ratings import experiment_ratings as experiment_ratings
    from irkit.evaluate.tasks.tuned_ratings import tune_ratings as tune_ratings
    from irkit.evaluate.tuning import tune as tune
    from irkit.expand import RM3 as RM3
    from irkit.io import load_collection as load_collection
    from irkit.io import read_run as read_run
    from irkit.io import write_run as write_run
    from irkit.lucene import Index as Index
    from irkit.lucene import build_index as build_index
    from irkit.pipeline import LoadText as LoadText
    from irkit.pipeline import Rescore as Rescore
    from irkit.pipeline import Retrieve as Retrieve
    from irkit.pipeline import Run as Run
    from irkit.pipeline import Stage as Stage
    from irkit.pipeline import Topics as Topics
    from irkit.pipeline import apply as apply
    from irkit.pipeline import rrf as rrf
    from irkit.recipe import collection_index as collection_index
    from irkit.recipe import load_recipe as load_recipe
    from irkit.recommend import Recommender as Recommender
    from irkit.recommend import load_ratings as load_ratings
    from irkit.recommend import write_lists as write_lists
else:
    __getattr__, __dir__, __all__ = door(__name__, "__version__")

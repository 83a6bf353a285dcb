"""Recommenders: stages whose queries are users and whose documents are items."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irkit.recommend.als import ALS as ALS
    from irkit.recommend.autorec import AutoRec as AutoRec
    from irkit.recommend.base import Recommender as Recommender
    from irkit.recommend.bayesian import BayesianMF as BayesianMF
    from irkit.recommend.bias import Bias as Bias
    from irkit.recommend.biased_mf import BiasedMF as BiasedMF
    from irkit.recommend.bpr import BPR as BPR
    from irkit.recommend.cfnade import CFNADE as CFNADE
    from irkit.recommend.dns import DNS as DNS
    from irkit.recommend.ease import EASE as EASE
    from irkit.recommend.knn import ItemKNN as ItemKNN
    from irkit.recommend.pmf import PMF as PMF
    from irkit.recommend.popularity import Popularity as Popularity
    from irkit.recommend.problems import Problem as Problem
    from irkit.recommend.problems import SplitChoice as SplitChoice
    from irkit.recommend.problems import load_problem as load_problem
    from irkit.recommend.problems import load_ratings as load_ratings
    from irkit.recommend.rate import Rate as Rate
    from irkit.recommend.rfmf import RFMFUsers as RFMFUsers
    from irkit.recommend.rrn import RRN as RRN
    from irkit.recommend.seen import DropSeen as DropSeen
    from irkit.recommend.splits import RatingSplit as RatingSplit
    from irkit.recommend.svdpp import SVDpp as SVDpp
    from irkit.recommend.table import RatingTable as RatingTable
    from irkit.recommend.timesvdpp import TimeSVDpp as TimeSVDpp

# Imported when first used.
_DOOR = {
    "ALS": "als",
    "BPR": "bpr",
    "CFNADE": "cfnade",
    "DNS": "dns",
    "EASE": "ease",
    "PMF": "pmf",
    "RRN": "rrn",
    "AutoRec": "autorec",
    "BayesianMF": "bayesian",
    "Bias": "bias",
    "BiasedMF": "biased_mf",
    "DropSeen": "seen",
    "ItemKNN": "knn",
    "Popularity": "popularity",
    "Problem": "problems",
    "RFMFUsers": "rfmf",
    "Rate": "rate",
    "RatingSplit": "splits",
    "RatingTable": "table",
    "Recommender": "base",
    "SVDpp": "svdpp",
    "SplitChoice": "problems",
    "TimeSVDpp": "timesvdpp",
    "load_problem": "problems",
    "load_ratings": "problems",
}

__all__ = [*_DOOR]


def __getattr__(name: str) -> object:
    if name in _DOOR:
        return getattr(importlib.import_module(f"irkit.recommend.{_DOOR[name]}"), name)
    raise AttributeError(f"module 'irkit.recommend' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""Recommenders: stages whose queries are users and whose documents are items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.recommend.als import ALS as ALS
    from irkit.recommend.autorec import AutoRec as AutoRec
    from irkit.recommend.base import Recommender as Recommender
    from irkit.recommend.base import RecommenderConfig as RecommenderConfig
    from irkit.recommend.bayesian import BayesianMF as BayesianMF
    from irkit.recommend.bias import Bias as Bias
    from irkit.recommend.biased_mf import BiasedMF as BiasedMF
    from irkit.recommend.bpr import BPR as BPR
    from irkit.recommend.cfnade import CFNADE as CFNADE
    from irkit.recommend.dns import DNS as DNS
    from irkit.recommend.ease import EASE as EASE
    from irkit.recommend.export import write_lists as write_lists
    from irkit.recommend.export import write_predictions as write_predictions
    from irkit.recommend.irgan import IRGAN as IRGAN
    from irkit.recommend.knn import ItemKNN as ItemKNN
    from irkit.recommend.pmf import PMF as PMF
    from irkit.recommend.popularity import Popularity as Popularity
    from irkit.recommend.problems import Problem as Problem
    from irkit.recommend.problems import SplitChoice as SplitChoice
    from irkit.recommend.problems import load_problem as load_problem
    from irkit.recommend.problems import load_ratings as load_ratings
    from irkit.recommend.ranker import Ranker as Ranker
    from irkit.recommend.ranker import RankerConfig as RankerConfig
    from irkit.recommend.rate import Rate as Rate
    from irkit.recommend.rfmf import RFMFUsers as RFMFUsers
    from irkit.recommend.rrn import RRN as RRN
    from irkit.recommend.seen import DropSeen as DropSeen
    from irkit.recommend.splits import RatingSplit as RatingSplit
    from irkit.recommend.splits import predefined_split as predefined_split
    from irkit.recommend.svdpp import SVDpp as SVDpp
    from irkit.recommend.table import RatingTable as RatingTable
    from irkit.recommend.timesvdpp import TimeSVDpp as TimeSVDpp
else:
    __getattr__, __dir__, __all__ = door(__name__)

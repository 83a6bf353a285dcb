"""Ranking: documents and queries as points, lists ranked again by them, and rankers that learn from judgements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.rank.aggregation import AggregateRanks as AggregateRanks
    from irkit.rank.bags import bags_of_index as bags_of_index
    from irkit.rank.bags import bags_of_texts as bags_of_texts
    from irkit.rank.bags import frequent_words as frequent_words
    from irkit.rank.cross_encoder import CrossEncode as CrossEncode
    from irkit.rank.cross_encoder import CrossEncoder as CrossEncoder
    from irkit.rank.dense import Dense as Dense
    from irkit.rank.encoder import IndexEncoder as IndexEncoder
    from irkit.rank.feature_ranker import FeatureRanker as FeatureRanker
    from irkit.rank.hybrid import Hybrid as Hybrid
    from irkit.rank.index_features import Coordination as Coordination
    from irkit.rank.index_features import IdfSums as IdfSums
    from irkit.rank.index_features import Lengths as Lengths
    from irkit.rank.index_features import TfSums as TfSums
    from irkit.rank.irgan import IRGANPairwise as IRGANPairwise
    from irkit.rank.irgan import IRGANPointwise as IRGANPointwise
    from irkit.rank.irgan_qa import IRGANQA as IRGANQA
    from irkit.rank.lambdamart import LambdaMART as LambdaMART
    from irkit.rank.lambdarank import LambdaRank as LambdaRank
    from irkit.rank.latent import Latent as Latent
    from irkit.rank.listnet import ListNet as ListNet
    from irkit.rank.net_ranker import NetRanker as NetRanker
    from irkit.rank.overlap import Overlap as Overlap
    from irkit.rank.pairwise_dns import PairwiseDNS as PairwiseDNS
    from irkit.rank.pointwise import Pointwise as Pointwise
    from irkit.rank.posterior import Posterior as Posterior
    from irkit.rank.proximity import Proximity as Proximity
    from irkit.rank.qacnn import QACNN as QACNN
    from irkit.rank.qacnn_vectors import QACNNVectors as QACNNVectors
    from irkit.rank.ranknet import RankNet as RankNet
    from irkit.rank.smoothing import Smoothed as Smoothed
    from irkit.rank.text_cosine import TextCosine as TextCosine
    from irkit.rank.text_encoder import TextEncoder as TextEncoder
else:
    __getattr__, __dir__, __all__ = door(__name__)

"""Ranking by representations: documents and queries as points, and lists ranked again, smoothed and mixed by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.rank.bags import bags_of_index as bags_of_index
    from irkit.rank.bags import bags_of_texts as bags_of_texts
    from irkit.rank.bags import frequent_words as frequent_words
    from irkit.rank.cross_encoder import CrossEncode as CrossEncode
    from irkit.rank.cross_encoder import CrossEncoder as CrossEncoder
    from irkit.rank.dense import Dense as Dense
    from irkit.rank.encoder import IndexEncoder as IndexEncoder
    from irkit.rank.hybrid import Hybrid as Hybrid
    from irkit.rank.index_features import Coordination as Coordination
    from irkit.rank.index_features import IdfSums as IdfSums
    from irkit.rank.index_features import Lengths as Lengths
    from irkit.rank.index_features import TfSums as TfSums
    from irkit.rank.latent import Latent as Latent
    from irkit.rank.posterior import Posterior as Posterior
    from irkit.rank.proximity import Proximity as Proximity
    from irkit.rank.smoothing import Smoothed as Smoothed
    from irkit.rank.text_encoder import TextEncoder as TextEncoder
else:
    __getattr__, __dir__, __all__ = door(__name__)

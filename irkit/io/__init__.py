"""Files in and out: documents, queries, judgements, ratings, rows, texts, pools, runs, and collections of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.io.documents.formats import read_documents as read_documents
    from irkit.io.documents.formats import read_qrels as read_qrels
    from irkit.io.documents.formats import read_queries as read_queries
    from irkit.io.documents.qrels import write_qrels as write_qrels
    from irkit.io.documents.runs import read_run as read_run
    from irkit.io.documents.runs import write_run as write_run
    from irkit.io.library.catalogue import collections as collections
    from irkit.io.library.catalogue import load_collection as load_collection
    from irkit.io.library.catalogue import load_data as load_data
    from irkit.io.library.catalogue import load_pools as load_pools
    from irkit.io.library.catalogue import load_rating_collection as load_rating_collection
    from irkit.io.library.catalogue import load_rows as load_rows
    from irkit.io.library.catalogue import load_sequences as load_sequences
    from irkit.io.library.collection import Collection as Collection
    from irkit.io.library.pools_collection import PoolsCollection as PoolsCollection
    from irkit.io.library.rating_collection import RatingCollection as RatingCollection
    from irkit.io.pools.letor import read_letor as read_letor
    from irkit.io.pools.pool import Pool as Pool
    from irkit.io.pools.write import write_letor as write_letor
    from irkit.io.ratings.files import read_pairs as read_pairs
    from irkit.io.ratings.files import read_ratings as read_ratings
    from irkit.io.rows.data import DensityData as DensityData
    from irkit.io.rows.sequences import SequenceData as SequenceData
    from irkit.io.texts.parts import Parting as Parting
    from irkit.io.texts.parts import Texts as Texts
    from irkit.io.texts.parts import data_of_texts as data_of_texts
    from irkit.io.texts.tokens import Tokenisation as Tokenisation
    from irkit.io.texts.tokens import tokens_of_texts as tokens_of_texts
else:
    __getattr__, __dir__, __all__ = door(__name__)

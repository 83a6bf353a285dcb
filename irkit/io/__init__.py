"""Files in and out: documents, queries, judgements, ratings, rows, sequences, runs, and collections of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.io.collection import Collection as Collection
    from irkit.io.density import DensityData as DensityData
    from irkit.io.density_sequences import SequenceData as SequenceData
    from irkit.io.formats import read_documents as read_documents
    from irkit.io.formats import read_qrels as read_qrels
    from irkit.io.formats import read_queries as read_queries
    from irkit.io.library import collections as collections
    from irkit.io.library import load_collection as load_collection
    from irkit.io.library import load_rating_collection as load_rating_collection
    from irkit.io.library import load_rows as load_rows
    from irkit.io.library import load_sequences as load_sequences
    from irkit.io.qrels import write_qrels as write_qrels
    from irkit.io.rating_collection import RatingCollection as RatingCollection
    from irkit.io.ratings import read_ratings as read_ratings
    from irkit.io.runs import read_run as read_run
    from irkit.io.runs import write_run as write_run
else:
    __getattr__, __dir__, __all__ = door(__name__)

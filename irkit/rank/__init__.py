"""Retrieval by vectors: documents and queries as points, the nearest found and ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.rank.bags import bags_of_index as bags_of_index
    from irkit.rank.bags import bags_of_texts as bags_of_texts
    from irkit.rank.bags import frequent_words as frequent_words
    from irkit.rank.dense import Dense as Dense
    from irkit.rank.encoder import IndexEncoder as IndexEncoder
else:
    __getattr__, __dir__, __all__ = door(__name__)

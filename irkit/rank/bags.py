"""Documents and queries as counts of an index's terms, analysed once and as the search analyses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from irkit.arrays import segments
from irkit.errors import ConfigError
from irkit.io.kinds import Bags, Ragged

if TYPE_CHECKING:
    from irkit.lucene import Index
    from irkit.lucene.analysis import Analyzer


def frequent_words(index: Index, *, least: int = 2, most: int | None = None) -> tuple[str, ...]:
    """Return the terms that a model of documents is to know, in ascending byte order.

    Parameters
    ----------
    index : Index
    least : int
        Documents that a term occurs in, at least.
    most : int, optional
        How many terms: those that occur in most documents, of equals the earlier in byte order.

    Raises
    ------
    ConfigError
        If there is none.
    """
    df = index.vocabulary.df
    found = np.flatnonzero(df >= least)
    if most is not None and len(found) > most:
        found = np.sort(found[np.argsort(-df[found], kind="stable")[:most]])
    if not len(found):
        raise ConfigError(f"words: no term occurs in {least} documents or more; lower least, got {least}")
    return tuple(index.vocabulary[int(row)] for row in found)


def bags_of_index(index: Index, words: Sequence[str]) -> Bags:
    """Return the documents of an index in the order of its docnos, as counts of some of its terms.

    Parameters
    ----------
    index : Index
    words : sequence of str
        Term i is `words[i]`; others are left out.
    """
    rows = index.vocabulary.ids(words)
    known = np.flatnonzero(rows >= 0)
    place = np.full(len(index.vocabulary), -1, dtype=np.int64)
    place[rows[known]] = known
    forward = index.forward
    term = place[forward.indices]
    kept = term >= 0
    row = segments(forward.indptr.astype(np.int64))[kept]
    counts = np.bincount(row, minlength=len(index))
    return Bags(
        Ragged(term[kept], counts),
        len(words),
        counts=Ragged(forward.data[kept].astype(np.int64), counts),
        words=tuple(words),
    )


def bags_of_texts(analyzer: Analyzer, texts: Sequence[str], words: Sequence[str]) -> Bags:
    """Return texts as counts of terms; others are left out.

    Parameters
    ----------
    analyzer : Analyzer
        That of the index whose terms these are.
    texts : n strings
    words : sequence of str
        Term i is `words[i]`.
    """
    number = {word: at for at, word in enumerate(words)}
    ptr, ids, vocabulary = analyzer.encode(texts)
    place = np.array([number.get(term, -1) for term in vocabulary.to_pylist()], dtype=np.int64)
    term = place[ids] if len(place) else np.zeros(0, dtype=np.int64)
    row = segments(ptr)[term >= 0]
    pairs, counts = np.unique(np.stack([row, term[term >= 0]]), axis=1, return_counts=True)
    lengths = np.bincount(pairs[0], minlength=len(texts))
    return Bags(Ragged(pairs[1], lengths), len(words), counts=Ragged(counts, lengths), words=tuple(words))

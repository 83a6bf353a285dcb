"""Documents and queries as terms of an index, or counts of them, analysed once and as the search analyses them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from irkit.arrays import Ints, segments
from irkit.errors import ConfigError
from irkit.io.kinds import Bags, Ragged, Tokens

if TYPE_CHECKING:
    from irkit.lucene import Index
    from irkit.lucene.analysis import Analyzer


def frequent_words(index: Index, *, min_df: int = 2, max_terms: int | None = None) -> tuple[str, ...]:
    """Return the terms that a model of documents is to know, in ascending byte order.

    Parameters
    ----------
    index : Index
    min_df : int
        Documents that a term occurs in, at least.
    max_terms : int, optional
        How many terms: those that occur in most documents, of equals the earlier in byte order.

    Raises
    ------
    ConfigError
        If there is none.
    """
    df = index.vocabulary.df
    found = np.flatnonzero(df >= min_df)
    if max_terms is not None and len(found) > max_terms:
        found = np.sort(found[np.argsort(-df[found], kind="stable")[:max_terms]])
    if not len(found):
        raise ConfigError(f"words: no term occurs in {min_df} documents or more; lower min_df, got {min_df}")
    return tuple(index.vocabulary[int(row)] for row in found)


def bags_of_index(index: Index, words: Sequence[str]) -> Bags:
    """Return the documents of an index in the order of its docnos, as counts of some of its terms.

    That order may differ from build to build; `take(index.docnos.ordered())` gives one that does not, for models whose
    training depends on it.

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
    row, term = _numbered(analyzer, texts, words)
    pairs, counts = np.unique(np.stack([row, term]), axis=1, return_counts=True)
    lengths = np.bincount(pairs[0], minlength=len(texts))
    return Bags(Ragged(pairs[1], lengths), len(words), counts=Ragged(counts, lengths), words=tuple(words))


def tokens_of_texts(analyzer: Analyzer, texts: Iterable[str], words: Sequence[str]) -> Tokens:
    """Return texts as terms in their order; others are left out. Parameters as `bags_of_texts` has them."""
    given = list(texts)
    row, term = _numbered(analyzer, given, words)
    return Tokens(Ragged(term, np.bincount(row, minlength=len(given))), len(words), words=tuple(words))


def tokens_of_index(index: Index, words: Sequence[str]) -> Tokens:
    """Return the documents of an index in the order of its docnos, as terms in theirs; their stored texts are analysed.

    Parameters
    ----------
    index : Index
        Counts alone are read from it by `bags_of_index`, much faster.
    words : sequence of str
        Term i is `words[i]`; others are left out.
    """
    docnos = index.docnos.take(np.arange(len(index))).to_pylist()
    return tokens_of_texts(index.analyzer, index.texts(docnos), words)


def _numbered(analyzer: Analyzer, texts: Sequence[str], words: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the known terms of texts, text after text: the text's row, and the term's number."""
    number = {word: at for at, word in enumerate(words)}
    ptr, ids, vocabulary = analyzer.encode(texts)
    place = np.array([number.get(term, -1) for term in vocabulary.to_pylist()], dtype=np.int64)
    term = place[ids] if len(place) else np.zeros(0, dtype=np.int64)
    return segments(ptr)[term >= 0], term[term >= 0]

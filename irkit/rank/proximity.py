"""How near to each other a document has the terms of a query.

Indexes hold no positions unless they are asked to, but they hold texts: those of the documents are analysed again, as
they were for the index, and the terms counted off. What the analyser leaves out, such as stop words, takes no place.
Only occurrences of query terms are looked at; l_1 < l_2 < ... are their places in a document, t_i their terms.

    min-distance   least l_(i+1) - l_i with t_i /= t_(i+1), which is that of the two nearest different terms; where the
                   document has fewer than two of the terms its length, in terms
    nearness       log(0.3 + exp(-min-distance))
    cover          terms of the shortest passage that has every term that the document has; 0 of a document without any
    cover-density  how many different terms it has / cover
    close-pairs    how many i with t_i /= t_(i+1) and l_(i+1) - l_i < 8

Source: Tao and Zhai, "An exploration of proximity measures in information retrieval", SIGIR 2007 (MinDist, MinCover,
and nearness with the constant 0.3 found there); windows of eight terms: Metzler and Croft, "A Markov random field model
for term dependencies", SIGIR 2005.

Symbols: n queries, m results, T terms of queries, P occurrences, a row a result and an occurrence in its document.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from irkit.arrays import Floats, Ints, offsets, segments
from irkit.rank.index_features import IndexFeatures
from irkit.rank.matches import Candidates

WINDOW = 8
"Terms that a close pair lies within."

ALPHA = 0.3
"What keeps the nearness of distant terms from minus infinity."


class Occurrences(NamedTuple):
    """Occurrences of the terms of queries in the documents of their results, in the order of results and of places."""

    ptr: Ints
    "(m + 1,) int64: those of result i are `place[ptr[i]:ptr[i + 1]]`."
    place: Ints
    "(P,) int64: ascending within a result."
    term: Ints
    "(P,) int64: a number of the term among those of the query, from 0."

    @property
    def apart(self) -> tuple[Ints, Ints]:
        """Results and distances of neighbouring occurrences of two different terms."""
        hit = segments(self.ptr)
        both = np.flatnonzero((hit[1:] == hit[:-1]) & (self.term[1:] != self.term[:-1]))
        return hit[both], np.diff(self.place)[both]

    def cover(self) -> tuple[Ints, Ints]:
        """(m,) the length of the shortest passage with every term that occurs, and how many terms occur."""
        hit, rows = segments(self.ptr), np.arange(len(self.place))
        begin = rows  # row of the first occurrence in the shortest passage that ends here and has every term
        different = np.zeros(len(self.ptr) - 1, dtype=np.int64)
        for number in range(int(self.term.max(initial=-1)) + 1):
            last = np.maximum.accumulate(np.where(self.term == number, rows, -1))
            occurs = np.bincount(hit[self.term == number], minlength=len(different)) > 0
            different += occurs
            begin = np.where(occurs[hit], np.minimum(begin, np.where(last < self.ptr[hit], -1, last)), begin)
        whole = begin >= 0
        length = np.full(len(different), np.iinfo(np.int64).max)
        np.minimum.at(length, hit[whole], self.place[whole] - self.place[begin[whole]] + 1)
        return np.where(different > 0, length, 0), different


def occurrences(tokens: tuple[Ints, Ints], doc: Ints, ptr: Ints, terms: tuple[Ints, Ints], width: int) -> Occurrences:
    """Find the terms of queries in documents.

    Parameters
    ----------
    tokens : (D + 1,) int, (N,) int
        Offsets of documents and their terms in order, numbers below `width`, or -1 for terms that nobody asks for.
    doc : (m,) int
        The document of each result.
    ptr : (n + 1,) int
        The results of query i are `doc[ptr[i]:ptr[i + 1]]`.
    terms : (n + 1,) int, (T,) int
        Offsets of queries and their distinct terms, numbers below `width`.
    width : int
    """
    place = np.arange(len(tokens[1])) - np.repeat(tokens[0][:-1], np.diff(tokens[0]))
    asked = np.flatnonzero(tokens[1] >= 0)
    place, term = place[asked], tokens[1][asked]
    start = np.searchsorted(asked, tokens[0])
    number = np.full((len(ptr) - 1, width), -1)
    number[segments(terms[0]), terms[1]] = np.arange(len(terms[1])) - np.repeat(terms[0][:-1], np.diff(terms[0]))
    sizes = np.diff(start)[doc]
    row = np.arange(sizes.sum()) + np.repeat(start[:-1][doc] - offsets(sizes)[:-1], sizes)
    hit = np.repeat(np.arange(len(doc)), sizes)
    own = number[segments(ptr)[hit], term[row]]
    kept = np.flatnonzero(own >= 0)
    return Occurrences(offsets(np.bincount(hit[kept], minlength=len(doc))), place[row[kept]], own[kept])


class Proximity(IndexFeatures):
    """How near to each other a document has the query's terms; the index must hold texts. Weights play no part."""

    name = "proximity"
    makes = ("min-distance", "nearness", "cover", "cover-density", "close-pairs")

    def values(self, given: Candidates) -> Floats:
        """Analyse the documents and measure.

        Raises
        ------
        ConfigError
            If the index was built without texts.
        """
        terms, doc = given.terms, given.doc
        rows, place = np.unique(doc, return_inverse=True)
        starts, ids, words = self.index.analyzer.encode(self.index.texts(self.index.docnos.take(rows).to_pylist()))
        distinct, term = np.unique(terms.term, return_inverse=True)
        names = self.index.vocabulary.terms.take(distinct)
        known = pc.index_in(words, value_set=names).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        tokens = starts, known[ids] if len(words) else np.zeros(0, dtype=np.int64)
        found = occurrences(tokens, place, given.ptr, (terms.ptr, term), len(distinct))
        hit, distance = found.apart
        nearest = np.diff(starts)[place].astype(np.float64)
        several = np.zeros(len(doc), dtype=bool)
        several[hit] = True
        nearest[several] = np.inf
        np.minimum.at(nearest, hit, distance)
        cover, different = found.cover()
        density = np.divide(different, cover, out=np.zeros(len(doc)), where=cover > 0)
        close = np.bincount(hit[distance < WINDOW], minlength=len(doc))
        return np.stack([nearest, np.log(ALPHA + np.exp(-nearest)), cover, density, close], axis=1)

"""Documents of terms cut into sentences at terms that end one, such as `.`: nothing is lost, nothing is added.

A sentence ends with the last of a run of marks, or where its document does:

    it was good ! ? ! i think . but      =      [it was good ! ? !] [i think .] [but]
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from irkit.arrays import Ints, offsets, segments
from irkit.io.ragged import Ragged

MARKS = (".", "!", "?")
"Terms that end a sentence, unless others are named."


class Sentences(NamedTuple):
    """The sentences of some documents, one after the other."""

    terms: Ragged
    "The terms of each sentence; none is empty."
    counts: Ints
    "How many sentences each document has: (n,)."


def sentences(documents: Ragged, marks: Ints) -> Sentences:
    """Cut documents into sentences.

    Parameters
    ----------
    documents : Ragged
        Numbers of terms.
    marks : (m,) int64
        The terms that end a sentence.

    Examples
    --------
    >>> found = sentences(Ragged.of([[4, 0, 5], [], [1, 0, 1, 6, 7, 0]]), np.array([0, 1]))
    >>> [one.tolist() for one in found.terms], found.counts.tolist()
    ([[4, 0], [5], [1, 0, 1], [6, 7, 0]], [2, 0, 2])
    """
    bounds = offsets(documents.lengths)
    mark = np.isin(documents.values, marks)
    last = mark & ~np.append(mark[1:], False)
    last[bounds[1:][documents.lengths > 0] - 1] = True
    places = np.flatnonzero(last)
    row = segments(bounds)[places]
    return Sentences(
        Ragged(documents.values, np.diff(places, prepend=-1)),
        np.bincount(row, minlength=len(documents)).astype(np.int64),
    )

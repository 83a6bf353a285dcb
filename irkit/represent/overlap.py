"""How much of some documents stands in others: BLEU and ROUGE-N, by their formulas, on lists of terms.

    matches_n(a, b) = sum over n-grams g of min(count of g in a, count of g in b)

    BLEU-N    exp(mean over n = 1 .. N of log p_n) min(1, exp(1 - r / c)), over all documents together: p_n is the
              matches over the n-grams written, c terms were written, r stand in the references; 0 if a p_n is 0
    ROUGE-N   of each document: recall = matches over the reference's n-grams, precision = matches over those written,
              F1 their harmonic mean; 0 where there is no n-gram to match

Sources: Papineni, Roukos, Ward and Zhu, "BLEU: a method for automatic evaluation of machine translation", ACL 2002;
Lin, "ROUGE: a package for automatic evaluation of summaries", 2004.
Departures: one reference a document; terms are compared as they are, without stems.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from irkit.arrays import Floats
from irkit.errors import ShapeError

Terms: TypeAlias = Sequence[Hashable]


class Rouge(NamedTuple):
    """ROUGE-N of each document: (n,) each, 0 to 1."""

    recall: Floats
    precision: Floats
    f1: Floats


def grams(terms: Terms, n: int) -> Counter[tuple[Hashable, ...]]:
    """Count the runs of n terms.

    Examples
    --------
    >>> grams("abab", 2)
    Counter({('a', 'b'): 2, ('b', 'a'): 1})
    """
    return Counter(zip(*(terms[start:] for start in range(n)), strict=False))


def bleu(written: Sequence[Terms], references: Sequence[Terms], n: int = 4) -> float:
    """Return BLEU-N of all documents together, 0 to 1.

    Parameters
    ----------
    written, references : sequences of documents, as many
    n : int
        Longest runs of terms that are compared.

    Raises
    ------
    ShapeError
        If there are not as many of both.

    Examples
    --------
    >>> bleu(["abcd"], ["abcd"]), round(bleu(["abc"], ["abcd"], n=2), 4)  # the second exp(1 - 4 / 3)
    (1.0, 0.7165)
    """
    _check(written, references)
    matched, all_written = [0] * n, [0] * n
    for one, other in zip(written, references, strict=True):
        for at in range(n):
            ours = grams(one, at + 1)
            matched[at] += (ours & grams(other, at + 1)).total()
            all_written[at] += ours.total()
    if not all(matched):
        return 0.0
    mean = sum(math.log(some / every) for some, every in zip(matched, all_written, strict=True)) / n
    short = 1 - sum(map(len, references)) / sum(map(len, written))
    return math.exp(mean + min(0.0, short))


def rouge(written: Sequence[Terms], references: Sequence[Terms], n: int = 1) -> Rouge:
    """Return ROUGE-N of each document.

    Parameters
    ----------
    written, references : sequences of documents, as many
    n : int
        Length of the runs of terms.

    Raises
    ------
    ShapeError
        If there are not as many of both.

    Examples
    --------
    >>> [round(float(one[0]), 4) for one in rouge(["aab"], ["abc d"])]
    [0.4, 0.6667, 0.5]
    """
    _check(written, references)
    counts = [(grams(one, n), grams(other, n)) for one, other in zip(written, references, strict=True)]
    matched = np.array([(ours & theirs).total() for ours, theirs in counts], dtype=np.float64)
    ours, theirs = (np.array([pair[side].total() for pair in counts], dtype=np.float64) for side in (0, 1))
    return Rouge(
        matched / np.maximum(theirs, 1), matched / np.maximum(ours, 1), 2 * matched / np.maximum(ours + theirs, 1)
    )


def _check(written: Sequence[Terms], references: Sequence[Terms]) -> None:
    if len(written) != len(references):
        raise ShapeError(
            f"overlap: each document needs its reference, got {len(written)} written and {len(references)} references; "
            "give as many"
        )

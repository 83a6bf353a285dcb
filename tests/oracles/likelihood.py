"""Query likelihood by double loops over tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def dirichlet(tf: int, length: int, p: float, mu: float) -> float:
    return (tf + mu * p) / (length + mu)


def jelinek_mercer(tf: int, length: int, p: float, lam: float) -> float:
    return (1 - lam) * tf / length + lam * p


def rank(
    documents: Mapping[str, Sequence[str]], query: Mapping[str, float], model, parameter: float
) -> list[tuple[str, float]]:
    """Return (docno, sum of weight * log p(term | document)), best first, equal scores by docno descending.

    Terms the collection does not have are dropped, and documents without any of the others are not ranked.
    """
    tokens = sum(len(terms) for terms in documents.values())
    counts = {term: sum(other.count(term) for other in documents.values()) for term in query}
    known = [term for term, weight in query.items() if weight and counts[term]]
    found = []
    for docno, terms in documents.items():
        if any(term in terms for term in known):
            shares = [
                query[term] * math.log(model(terms.count(term), len(terms), counts[term] / tokens, parameter))
                for term in known
            ]
            found.append((docno, math.fsum(shares)))
    found.sort(key=lambda hit: hit[0], reverse=True)
    return sorted(found, key=lambda hit: -hit[1])

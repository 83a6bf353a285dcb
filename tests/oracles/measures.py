"""Ranking measures by plain loops, for checking the fast ones.

A ranking is a list of docnos, best first; judgements are a dict of docno to label. A label below
`rel` counts as not relevant; labels below 0 have gain 0.
"""

from __future__ import annotations

import math


def relevant_count(labels: dict[str, int], rel: int = 1) -> int:
    count = 0
    for label in labels.values():
        if label >= rel:
            count += 1
    return count


def average_precision(ranking: list[str], labels: dict[str, int], rel: int = 1) -> float:
    total = 0.0
    for position in range(1, len(ranking) + 1):
        if labels.get(ranking[position - 1], 0) >= rel:
            seen = 0
            for above in range(position):
                if labels.get(ranking[above], 0) >= rel:
                    seen += 1
            total += seen / position
    count = relevant_count(labels, rel)
    return total / count if count else 0.0


def precision(ranking: list[str], labels: dict[str, int], k: int, rel: int = 1) -> float:
    hits = 0
    for docno in ranking[:k]:
        if labels.get(docno, 0) >= rel:
            hits += 1
    return hits / k


def recall(ranking: list[str], labels: dict[str, int], k: int, rel: int = 1) -> float:
    hits = 0
    for docno in ranking[:k]:
        if labels.get(docno, 0) >= rel:
            hits += 1
    count = relevant_count(labels, rel)
    return hits / count if count else 0.0


def reciprocal_rank(ranking: list[str], labels: dict[str, int], rel: int = 1) -> float:
    for position, docno in enumerate(ranking, 1):
        if labels.get(docno, 0) >= rel:
            return 1 / position
    return 0.0


def ndcg(ranking: list[str], labels: dict[str, int], k: int) -> float:
    gain = 0.0
    for position, docno in enumerate(ranking[:k], 1):
        gain += max(labels.get(docno, 0), 0) / math.log2(position + 1)
    ideal = 0.0
    for position, label in enumerate(sorted(labels.values(), reverse=True)[:k], 1):
        ideal += max(label, 0) / math.log2(position + 1)
    return gain / ideal if ideal else 0.0


def ranked(scores: dict[str, float]) -> list[str]:
    """Order docnos by score descending, equal scores by docno descending in byte order."""
    docnos = list(scores)
    for i in range(len(docnos)):
        for j in range(i + 1, len(docnos)):
            a, b = docnos[i], docnos[j]
            if (scores[b], b.encode()) > (scores[a], a.encode()):
                docnos[i], docnos[j] = b, a
    return docnos

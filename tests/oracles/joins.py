"""Fusion and set operations the slow way: dicts and loops.

A run is qid -> docno -> score. What comes back is qid -> list of (docno, score), best first, ties
by docno descending.
"""

from __future__ import annotations


def ranked(scores: dict[str, dict[str, float]]) -> dict[str, list[tuple[str, float]]]:
    out = {}
    for qid, docs in scores.items():
        if docs:
            by_docno = sorted(docs.items(), key=lambda item: item[0], reverse=True)
            out[qid] = sorted(by_docno, key=lambda item: -item[1])
    return out


def qids(runs):
    return sorted({qid for run in runs for qid in run})


def fused(runs, combine) -> dict[str, list[tuple[str, float]]]:
    """Combine, for each document of any run, its scores in the runs that hold it."""
    out: dict[str, dict[str, float]] = {}
    for qid in qids(runs):
        out[qid] = {}
        for docno in {docno for run in runs for docno in run.get(qid, {})}:
            scores = [run[qid][docno] for run in runs if docno in run.get(qid, {})]
            score = combine(scores)
            if score is not None:
                out[qid][docno] = score
    return ranked(out)


def combsum(*runs):
    return fused(runs, sum)


def combmnz(*runs):
    return fused(runs, lambda scores: sum(scores) * len(scores))


def union(*runs):
    return fused(runs, max)


def intersection(*runs):
    return fused(runs, lambda scores: max(scores) if len(scores) == len(runs) else None)


def rrf(*runs, k=60):
    places = []
    for run in runs:
        order = ranked(run)
        places.append({qid: {d: 1 / (k + i) for i, (d, _) in enumerate(docs, 1)} for qid, docs in order.items()})
    return fused(places, sum)


def append(first, second):
    """Order alone: qid -> docnos."""
    above, below = ranked(first), ranked(second)
    out = {}
    for qid in qids((first, second)):
        head = [docno for docno, _ in above.get(qid, [])]
        tail = [docno for docno, _ in below.get(qid, []) if docno not in head]
        if head + tail:
            out[qid] = head + tail
    return out


def features(*runs):
    """qid -> list of (docno, feature values), in the order of the first run."""
    return {
        qid: [(docno, [run.get(qid, {}).get(docno, 0.0) for run in runs]) for docno, _ in docs]
        for qid, docs in ranked(runs[0]).items()
    }

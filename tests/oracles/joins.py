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


def counted(docs, missing):
    """What a list counts for a document that it lacks."""
    if not isinstance(missing, str):
        return missing
    lowest = min(docs.values(), default=0.0)
    return lowest if missing == "lowest" or lowest < 0 else 0.0


def combsum(*runs, missing="auto"):
    out: dict[str, dict[str, float]] = {}
    for qid in qids(runs):
        lists = [run.get(qid, {}) for run in runs]
        every = {docno for docs in lists for docno in docs}
        out[qid] = {d: sum(docs[d] if d in docs else counted(docs, missing) for docs in lists) for d in every}
    return ranked(out)


def combmnz(*runs, missing="auto"):
    out: dict[str, dict[str, float]] = {}
    for qid in qids(runs):
        lists = [run.get(qid, {}) for run in runs]
        out[qid] = {}
        for docno in {docno for docs in lists for docno in docs}:
            above = [docs[docno] - counted(docs, missing) for docs in lists if docno in docs]
            out[qid][docno] = sum(above) * len(above)
    return ranked(out)


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


def features(*runs, missing="auto"):
    """qid -> list of (docno, feature values), in the order of the first run."""
    out = {}
    for qid, docs in ranked(runs[0]).items():
        lists = [run.get(qid, {}) for run in runs]
        out[qid] = [(d, [own[d] if d in own else counted(own, missing) for own in lists]) for d, _ in docs]
    return out

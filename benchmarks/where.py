"""Where the time of a search goes: processor time of its parts, one thread, and what kept lists take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus import read_queries

ABOUT = """Parts are timed one by one in one process, on one thread, after two passes that compile. `search` goes from
texts to arrays of hits; its nanoseconds are those without analysis over the postings of a query's terms,
walked or left out. What k = 1000 takes beyond k = 100 are the hits themselves: each is chosen, sorted, given its number
and copied."""


def measure(index: Path, queries: Path, repeats: int) -> list[dict[str, Any]]:
    """Time the parts of a search; one row a part: microseconds a query, of search also nanoseconds a posting."""
    from irkit.frames import queries_frame
    from irkit.lucene import Analyzer, Index
    from irkit.lucene.jvm import java
    from irkit.pipeline import Retrieve

    opened, texts = Index.open(index), read_queries(queries)
    english, frame = Analyzer("english"), queries_frame(texts)
    whole = Retrieve(index=opened, n=1000, threads=1)
    found = {k: opened.search(texts, k, threads=1) for k in (10, 100, 1000)}
    hits = whole.run(frame)
    jobs: dict[str, Callable[[], object]] = {
        "analysis alone": lambda: english.encode(texts),
        **{f"search, k={k}": lambda k=k: opened.search(texts, k, threads=1) for k in found},
        "the frame alone, k=1000": hits.frame,
        "search and frame, k=1000": lambda: whole(frame),
    }
    taken: dict[str, list[float]] = {what: [] for what in jobs}
    for turn in range(repeats + 2):
        for what, job in jobs.items():
            start = time.process_time()
            job()
            if turn >= 2:  # the first two compile
                taken[what].append(1e6 * (time.process_time() - start) / len(texts))
    rows = [{"part": what, "us_a_query": statistics.median(each)} for what, each in taken.items()]
    vocabulary = opened.vocabulary
    asked = [vocabulary.ids(terms) for terms in map(sorted, map(set, opened.analyze(texts)))]
    known = [ids[ids >= 0] for ids in asked]
    postings = sum(int(vocabulary.df[ids].sum()) for ids in known) / len(texts)
    kept = int(vocabulary.df[np.unique(np.concatenate(known))].sum())
    bytes_kept = java("ByteCache").SHARED.size()
    alone = rows[0]["us_a_query"]
    for row in rows[1:4]:
        row["ns_a_posting"] = 1000 * (row["us_a_query"] - alone) / postings
    return [
        *rows,
        {"part": "postings of a query's terms", "number": postings},
        {"part": "bytes a posting that is kept", "number": bytes_kept / kept},
    ]

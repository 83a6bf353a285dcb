"""Pools small enough to learn in a second: results with features, and labels that a linear function of them decides."""

import numpy as np
import pandas as pd

from irkit.hits import Docnos, Hits
from irkit.pipeline import Topics


def pool(n=20, *, seed=0, features=4, longest=12, name="q"):
    """n queries of 3 to `longest` documents each; the order of scores says nothing."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(3, longest + 1, n)
    query = np.repeat(np.arange(n), counts)
    doc = np.concatenate([rng.permutation(longest)[:count] for count in counts])
    x = rng.normal(size=(len(query), features))
    worth = x[:, 0] - 0.7 * x[:, -1]
    first = np.append(0, np.cumsum(counts))[:-1]
    x[first, 0] += 3 - worth[first]  # every query has a document of the greatest label
    label = np.digitize(x[:, 0] - 0.7 * x[:, -1], [1.0, 2.0])
    queries = pd.DataFrame({"qid": [f"{name}{i}" for i in range(n)], "query": "text"}, dtype="str")
    docnos = Docnos([f"d{i:02}" for i in range(longest)])
    hits = Hits.ranked(queries, query, doc, rng.normal(size=len(query)), docnos, columns={"features": x, "y": label})
    frame = hits.frame()
    return Topics(hits.without("y"), frame[["qid", "docno"]].assign(label=frame["y"].astype(int)))


def empty_queries(topics, *qids):
    """The same topics with queries at the end that have no results."""
    hits = topics.flow
    more = pd.DataFrame({"qid": list(qids), "query": "text"}, dtype="str")
    queries = pd.concat([hits.queries, more], ignore_index=True)
    return Topics(hits.for_queries(queries), topics.qrels)

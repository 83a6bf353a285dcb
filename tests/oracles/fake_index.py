"""An index in plain Python, with the part of `irkit.lucene.Index` that pipelines use: no JVM, easily counted."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from irkit.hits import Docnos

TEXTS = {
    "d1": "wing flutter at high speed",
    "d2": "heat transfer on a wing",
    "d10": "boundary layer heat heat",
    "e1": "slender wing wing",
    "é": "flow over a plate",
}


class Found(NamedTuple):
    ptr: np.ndarray
    doc: np.ndarray
    score: np.ndarray


class FakeIndex:
    """Searches by a loop over documents and terms; `searches` counts the calls."""

    def __init__(self, texts: dict[str, str] = TEXTS, fingerprint: str = "fake") -> None:
        self.contents = texts
        self.docnos = Docnos(list(texts))
        self.fingerprint = fingerprint
        self.searches = 0

    def search(self, queries, k=1000, similarity=None, *, threads=None, scorer="auto", ties="trec") -> Found:
        self.searches += 1
        ptr, docs, scores = [0], [], []
        parameters = repr(similarity)
        scale = 1 + sum(map(ord, parameters)) / 7919
        for query in queries:
            weights = query if isinstance(query, dict) else dict.fromkeys(query.split(), 1.0)
            found = []
            for row, text in enumerate(self.contents.values()):
                words = text.split()
                parts = [w * math.log1p(scale * words.count(t)) / (3 + len(words)) for t, w in weights.items()]
                if sum(parts) > 0:
                    found.append((np.float32(sum(parts)), self.docnos.rank[row], row))
            found.sort(key=lambda hit: (-hit[0], -hit[1] if ties == "trec" else hit[1]))
            docs += [row for _, _, row in found[:k]]
            scores += [score for score, _, _ in found[:k]]
            ptr.append(len(docs))
        return Found(np.array(ptr), np.array(docs, dtype=np.int32), np.array(scores, dtype=np.float32))

    def texts(self, docnos) -> list[str]:
        return [self.contents[docno] for docno in docnos]

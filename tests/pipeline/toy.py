"""Stages small enough to check by hand: fixed results, and retrieval by counting shared words."""

from __future__ import annotations

import pandas as pd
from hypothesis import strategies as st
from pydantic import Field

from irkit.config import Config, digest
from irkit.errors import NotFoundError
from irkit.hits import Docnos, Hits
from irkit.pipeline import Stage

DOCS = {
    "d1": "wing flutter at high speed",
    "d2": "heat transfer in a wing",
    "d3": "heat heat heat",
    "d4": "the speed of sound",
    "d5": "flutter of a flag",
}


class Results:
    """Fixed results: qid -> docno -> score."""

    def __init__(self, lists: dict[str, dict[str, float]]) -> None:
        self.lists = lists

    @property
    def fingerprint(self) -> str:
        return digest(self.lists)


class Given(Stage):
    """Give each query its fixed results."""

    name = "given"
    takes = "queries"
    needs = ("results",)

    def __init__(self, config: Config | None = None, *, results: Results) -> None:
        super().__init__(config)
        self.results = results

    def run(self, flow):
        rows = [
            (row, docno, score)
            for row, qid in enumerate(flow["qid"])
            for docno, score in self.results.lists.get(qid, {}).items()
        ]
        docnos = Docnos(list(dict.fromkeys(docno for _, docno, _ in rows)))
        doc = docnos.rows([docno for _, docno, _ in rows])
        return Hits.ranked(flow, [row for row, _, _ in rows], doc, [score for _, _, score in rows], docnos)


class ToyIndex:
    """Documents in memory; searched by the number of words shared with the query."""

    def __init__(self, docs: dict[str, str]) -> None:
        self.docs = docs
        self.docnos = Docnos(list(docs))

    @property
    def fingerprint(self) -> str:
        return digest(self.docs)

    def texts(self, docnos):
        return [self.docs[docno] for docno in docnos]


class ToyConfig(Config):
    boost: float = 1.0
    n: int = Field(1000, ge=1)


class Toy(Stage):
    """Score a document by the weights of the query's words times how often it holds them."""

    name = "toy"
    takes = "queries"
    needs = ("index",)
    config_type = ToyConfig

    def __init__(self, config=None, *, index, **settings):
        super().__init__(config, **settings)
        self.index = index

    def run(self, flow):
        found = []
        for row, words in enumerate(map(_words, flow.to_dict("records"))):
            for doc, text in enumerate(self.index.docs.values()):
                score = sum(weight * text.split().count(word) for word, weight in words.items())
                if score > 0:
                    found.append((row, doc, self.config.boost * score))
        query, doc, score = zip(*found, strict=True) if found else ((), (), ())
        return Hits.ranked(flow, query, doc, score, self.index.docnos).cut(self.config.n)

    def limited(self, k):
        return self if k >= self.config.n else Toy(self.config.changed(n=k), index=self.index)

    def explain_terms(self, flow, docno):
        if docno not in self.index.docs:
            raise NotFoundError(f"docno: there is no document {docno!r}")
        words = _words(flow.to_dict("records")[0])
        counts = {word: self.index.docs[docno].split().count(word) for word in words}
        return [(word, w, w * counts[word] * self.config.boost) for word, w in words.items() if counts[word]]


class Louder(Stage):
    """Write a word twice: queries to queries."""

    name = "louder"
    takes = "queries"
    gives = "queries"

    def run(self, flow):
        return flow.assign(query_0=flow["query"], query=flow["query"] + " " + flow["query"].str.split().str[0])


def _words(row) -> dict[str, float]:
    if isinstance(row.get("query_toks"), dict):
        return row["query_toks"]
    words: dict[str, float] = {}
    for word in row["query"].split():
        words[word] = words.get(word, 0.0) + 1.0
    return words


def toy(**settings) -> Toy:
    return Toy(index=ToyIndex(DOCS), **settings)


def given(lists: dict[str, dict[str, float]]) -> Given:
    return Given(results=Results(lists))


def ask(stage: Stage, *qids: str) -> dict[str, list[tuple[str, float]]]:
    """Run a pipeline on queries of those qids and return qid -> (docno, score), best first."""
    frame = stage(pd.DataFrame({"qid": list(qids), "query": [f"text {qid}" for qid in qids]}, dtype="str"))
    return {qid: list(zip(part["docno"], part["score"], strict=True)) for qid, part in frame.groupby("qid")}


scores = st.integers(-8_000_000, 8_000_000).map(lambda eighths: eighths / 8)
"Ordinary scores up to a million; eighths, so that sums and differences are exact in whatever order they are taken."

ranked_lists = st.fixed_dictionaries(
    {}, optional={qid: st.dictionaries(st.sampled_from("abcdefgh"), scores, max_size=8) for qid in ("1", "2", "3")}
)
"Random results of up to three queries over eight documents, ties and empty lists among them."

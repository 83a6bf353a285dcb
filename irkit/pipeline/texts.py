"""Stages that read texts, cut documents into passages and put passages back together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from irkit.arrays import offsets
from irkit.columns import take_rows
from irkit.config import Config
from irkit.errors import FrameError
from irkit.hits import Docnos, Hits
from irkit.ids import PASSAGE
from irkit.pipeline.stage import Stage
from irkit.text.windows import passages

if TYPE_CHECKING:
    from irkit.lucene import Index


class LoadText(Stage):
    """Put the stored text of each document into the column `text`."""

    name = "text"
    needs = ("index",)

    def __init__(self, index: Index, config: Config | None = None) -> None:
        super().__init__(config)
        self.index = index

    def run(self, flow: Hits) -> Hits:
        """Read each text once, however often its document occurs."""
        used, place = np.unique(flow.doc, return_inverse=True)
        texts = self.index.texts(flow.docnos.take(used).to_pylist()) if len(used) else []
        return flow.carrying(text=pa.array(texts, type=pa.large_string()).take(pa.array(place, type=pa.int64())))


class PassagesConfig(Config):
    """Settings of `Passages`."""

    size: int = Field(150, ge=1)
    "Words in a passage."
    stride: int | None = Field(None, ge=1)
    "Words from the begin of a passage to that of the next, at most `size`; default half of it, rounded up."

    @model_validator(mode="after")
    def _fits(self) -> PassagesConfig:
        if self.stride is not None and self.stride > self.size:
            raise ValueError(f"stride must be at most the size {self.size} or words are skipped, got {self.stride}")
        return self


class Passages(Stage):
    """Cut the text of each document into passages, a sliding window of words.

    The passages of document D are D%p0, D%p1, ...; each has the document's score and columns, and
    its own piece of `text`. `Aggregate` makes documents of them again.
    """

    name = "passages"
    config_type = PassagesConfig
    config: PassagesConfig

    def run(self, flow: Hits) -> Hits:
        """Cut every text."""
        texts = document_texts(flow, who=self.name)
        size = self.config.size
        stride = self.config.stride or -(-size // 2)
        cut = {text: passages(text, size, stride) for text in set(texts)}
        counts = np.array([len(cut[text]) for text in texts], dtype=np.int64)  # of each hit
        source = np.repeat(np.arange(len(flow)), counts)
        within = np.arange(len(source)) - np.repeat(offsets(counts)[:-1], counts)
        # A document whose text depends on the query can have more passages for one than for another.
        used, place = np.unique(flow.doc, return_inverse=True)
        most = np.zeros(len(used), dtype=np.int64)
        np.maximum.at(most, place, counts)
        names = zip(flow.docnos.take(used).to_pylist(), most.tolist(), strict=True)
        docnos = Docnos([f"{name}%p{i}" for name, n in names for i in range(n)])
        columns = {name: take_rows(column, source) for name, column in flow.columns.items() if name != "text"}
        columns["text"] = pa.array([piece for text in texts for piece in cut[text]], type=pa.large_string())
        doc = offsets(most)[:-1][place[source]] + within
        return Hits.ranked(flow.queries, flow.query[source], doc, flow.score[source], docnos, flow.ties, columns)


class AggregateConfig(Config):
    """Settings of `Aggregate`."""

    method: Literal["max", "first", "mean", "sum"] = "max"
    "The document's score: that of its best passage or its first, or the mean or sum of all (for scores above 0)."


class Aggregate(Stage):
    """Make documents of passages again: D%p0, D%p1, ... become D with one score.

    Columns are those of the document's best passage (with `first`: of its first), `text` among
    them. Only passages that are in the results count; a docno without %p stands for itself.
    """

    name = "aggregate"
    config_type = AggregateConfig
    config: AggregateConfig

    def run(self, flow: Hits) -> Hits:
        """Aggregate query by query."""
        used, place = np.unique(flow.doc, return_inverse=True)
        names = flow.docnos.take(used).to_pylist()
        split = [PASSAGE.fullmatch(name) for name in names]
        names = [found[1] if found else name for found, name in zip(split, names, strict=True)]
        parents = pa.array(names, type=pa.large_string()).dictionary_encode()
        docnos = Docnos(parents.dictionary)
        parent = parents.indices.to_numpy(zero_copy_only=False).astype(np.int64)[place]
        number = np.array([int(found[2]) if found else 0 for found in split], dtype=np.int64)[place]
        key, group = np.unique(flow.query * max(len(docnos), 1) + parent, return_inverse=True)
        # The hit that stands for its document: hits come best first, so that its best is its first here.
        keys = (number, group) if self.config.method == "first" else (group,)
        order = np.lexsort(keys)
        leader = order[np.searchsorted(group[order], np.arange(len(key)))]
        score = flow.score[leader]
        if self.config.method in ("mean", "sum"):
            score = np.asarray(np.bincount(group, weights=flow.score, minlength=len(key)), dtype=np.float64)
        if self.config.method == "mean":
            score = score / np.bincount(group, minlength=len(key))
        columns = {name: take_rows(column, leader) for name, column in flow.columns.items()}
        return Hits.ranked(flow.queries, flow.query[leader], parent[leader], score, docnos, flow.ties, columns)


def MaxPassage() -> Stage:
    """Score a document by its best passage."""
    return Aggregate(method="max")


def FirstPassage() -> Stage:
    """Score a document by its first passage among the results."""
    return Aggregate(method="first")


def MeanPassage() -> Stage:
    """Score a document by the mean of its passages among the results."""
    return Aggregate(method="mean")


def SumPassage() -> Stage:
    """Score a document by the sum of its passages among the results; a sum of log-likelihoods punishes each of them."""
    return Aggregate(method="sum")


def document_texts(flow: Hits, *, who: str) -> list[str]:
    """Return the texts of results.

    Raises
    ------
    FrameError
        If there is no column `text`, or a document has none.
    """
    if "text" not in flow.columns:
        raise FrameError(f"{who}: needs the column 'text'; put LoadText(index) before it")
    column = flow.columns["text"]
    texts = column.to_pylist() if isinstance(column, (pa.Array, pa.ChunkedArray)) else list(column)
    bad = next((place for place, text in enumerate(texts) if not isinstance(text, str)), None)
    if bad is not None:
        docno = flow.docnos[flow.doc[bad]]
        raise FrameError(f"{who}: document {docno!r} has no text; index its text or drop it first")
    return texts

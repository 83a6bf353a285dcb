"""What was seen of data: the counts, the first rows and what may surprise, ready to be printed.

Documents stream: of each one its length and two hashes are kept, 20 bytes, so that a collection of any size passes.
Ratings, queries, judgements and runs are read as they are by every command that uses them, whole.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.documents import Document
from irkit.table import counted

if TYPE_CHECKING:
    import pandas as pd

FIRST = 3
"Rows that are shown."


@dataclass
class Seen:
    """What some data hold."""

    counts: dict[str, int] = field(default_factory=dict)
    "How many of what."
    facts: dict[str, str] = field(default_factory=dict)
    "Lengths, ranges and the like, in words."
    columns: list[str] = field(default_factory=list)
    "Of the first rows."
    first: list[list[str]] = field(default_factory=list)
    "The first rows, whole."
    notes: list[str] = field(default_factory=list)
    "What may surprise whoever uses the data: one line each."


@dataclass
class File:
    """One file."""

    name: str
    what: str
    "As `irkit.io.overview.recognise` has it; empty where nothing is recognised."
    format: str
    size: int
    "Bytes, as they lie on disk."


@dataclass
class Overview(Seen):
    """What lies at a path."""

    name: str = ""
    "The path, as it was given."
    kind: str = ""
    "texts, queries, judgements, runs, ratings, pools, tokens, rows, ... or files, where they make no whole."
    shape: tuple[int, ...] = ()
    "What a row, a picture or a step is, or the features of a candidate."
    splits: list[str] = field(default_factory=list)
    "Sets of queries, or of ratings, with how many each has."
    files: list[File] = field(default_factory=list)
    "Those that are recognised, and then others."
    uses: list[str] = field(default_factory=list)
    "Commands that take it."

    def json(self) -> dict[str, Any]:
        """Return plain values, in the order in which they are printed."""
        values = asdict(self)
        order = ("name", "kind", "files", "counts", "shape", "splits", "facts", "columns", "first", "notes", "uses")
        return {name: values[name] for name in order}


def of_documents(documents: Iterable[Document], judged: set[str], tell: Any = None) -> tuple[Seen, set[str]]:
    """Count documents, and see which of the judged ones are among them.

    Texts and ids that come twice are found by hashes of 64 bits: of ten million documents two that differ are taken
    for the same once in 350,000 collections.

    Parameters
    ----------
    documents : iterable of Document
    judged : set of str
        Ids that are sought.
    tell : progress, optional
        Told of every thousand documents.

    Returns
    -------
    Seen
    set of str
        The judged ids that were not found.
    """
    seen, missing = Seen(columns=["docno", "text"]), set(judged)
    lengths, ids, texts, empty, last = array("L"), array("q"), array("q"), 0, ""
    for document in documents:
        if len(seen.first) < FIRST:
            seen.first.append([document.docno, document.text])
        words = len(document.text.split())
        lengths.append(words)
        ids.append(hash(document.docno))
        if words:
            texts.append(hash(document.text))
        else:
            empty, last = empty + 1, document.docno
        missing.discard(document.docno)
        if tell is not None and len(lengths) % 1000 == 0:
            tell.update(1000)
    seen.counts["documents"] = len(lengths)
    seen.facts["length"] = lengths_said(np.frombuffer(lengths, dtype=f"u{lengths.itemsize}"), "words a document")
    if twice := _repeated(ids):
        seen.notes.append(f"{counted(twice, 'document')} with an id that came before; an index refuses them")
    if same := _repeated(texts):
        seen.notes.append(f"{counted(same, 'document')} with a text that came before")
    if empty:
        seen.notes.append(f"{counted(empty, 'document')} without text, such as {last}")
    return seen, missing


def of_queries(queries: pd.DataFrame) -> Seen:
    """Count queries."""
    words = [len(text.split()) for text in queries["query"]]
    seen = Seen(
        {"queries": len(queries)}, {"length": lengths_said(words, "words a query")}, ["qid", "query"], _first(queries)
    )
    if same := int(queries["query"].duplicated().sum()):
        seen.notes.append(f"{counted(same, 'query')} with a text that came before")
    return seen


def of_judgements(qrels: pd.DataFrame) -> Seen:
    """Count judgements, and say which labels they have."""
    labels = qrels["label"].value_counts().sort_index()
    each = qrels.groupby("qid", sort=False).size().to_numpy()
    right = qrels.loc[qrels["label"] > 0]
    facts = {
        "labels": ", ".join(f"{label}: {many:,}" for label, many in labels.head(12).items()),
        "a query": lengths_said(each, "judgements"),
    }
    counts = {"judgements": len(qrels), "queries": len(each), "documents": qrels["docno"].nunique()}
    seen = Seen(counts, facts, ["qid", "docno", "label"], _first(qrels[["qid", "docno", "label"]]))
    if without := len(each) - right["qid"].nunique():
        seen.notes.append(f"{counted(without, 'query')} without a relevant document (no label above 0)")
    if not (qrels["label"] <= 0).any():
        seen.notes.append("every judged document is relevant: what is not judged counts as not relevant")
    return seen


def of_run(run: pd.DataFrame, tags: Sequence[str]) -> Seen:
    """Count the lines of a run; ranks from 1, as in the file."""
    each = run.groupby("qid", sort=False).size().to_numpy()
    shown = run.head(FIRST)
    first = [
        [str(qid), str(docno), str(rank + 1), f"{score:.4f}"]
        for qid, docno, rank, score in zip(shown["qid"], shown["docno"], shown["rank"], shown["score"], strict=True)
    ]
    facts = {"a query": lengths_said(each, "documents"), "tag": ", ".join(tags)}
    counts = {"lines": len(run), "queries": len(each), "documents": run["docno"].nunique()}
    seen = Seen(counts, facts, ["qid", "docno", "rank", "score"], first)
    if len(tags) > 1:
        seen.notes.append(f"{len(tags)} tags: several runs in one file, or one put together from several")
    if ties := int(run.duplicated(["qid", "score"]).sum()):
        seen.notes.append(
            f"{counted(ties, 'line')} with the score of another of its query; the greater docno goes first"
        )
    return seen


def of_ratings(ratings: pd.DataFrame) -> Seen:
    """Count ratings, users and items, and say how they lie."""
    users, items = (ratings[name].value_counts(sort=False).to_numpy() for name in ("user_id", "item_id"))
    values = ratings["rating"]
    distinct = values.nunique()
    counts = {"ratings": len(ratings), "users": len(users), "items": len(items)}
    spread = f"{values.min():g} to {values.max():g}, {counted(distinct, 'different value')}, mean {values.mean():.2f}"
    twice = int(ratings.duplicated(["user_id", "item_id"]).sum())
    density = 100 * (len(ratings) - twice) / max(len(users) * len(items), 1)
    facts = {
        "range": spread,
        "density": f"{density:.2f}% of all pairs of a user and an item",
        "a user": lengths_said(users, "ratings"),
        "an item": lengths_said(items, "ratings"),
    }
    if "timestamp" in ratings:
        times = ratings["timestamp"].dropna()
        if len(times):
            facts["time"] = f"{_day(times.min())} to {_day(times.max())}"
    seen = Seen(counts, facts, list(ratings.columns), _first(ratings))
    if twice:
        seen.notes.append(f"{counted(twice, 'rating')} of an item that the user rated before")
    if distinct == 1:
        seen.notes.append("all ratings are equal: likes, for lists (irkit recommend) and not for errors of ratings")
    if once := int((users == 1).sum()):
        seen.notes.append(f"{counted(once, 'user')} with one rating, who cannot be split into training and test")
    if "timestamp" in ratings and (without := int(ratings["timestamp"].isna().sum())):
        seen.notes.append(f"{counted(without, 'rating')} without a time")
    return seen


def lengths_said(values: Any, unit: str) -> str:
    """Say the least, the median, the mean and the greatest of some counts.

    Examples
    --------
    >>> lengths_said([1, 2, 6], "words a document")
    'median 2, mean 3.0, 1 to 6 words a document'
    """
    if not len(values):
        return ""
    median = f"{float(np.median(values)):,.1f}".removesuffix(".0")
    return f"median {median}, mean {float(np.mean(values)):,.1f}, {int(min(values)):,} to {int(max(values)):,} {unit}"


def _repeated(hashes: array[int]) -> int:
    """Count what came before, of hashes."""
    return len(hashes) - len(np.unique(np.frombuffer(hashes, dtype=np.int64)))


def _first(frame: pd.DataFrame) -> list[list[str]]:
    rows = frame.head(FIRST).itertuples(index=False, name=None)
    return [[f"{cell:.15g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()

"""Cards of the kind `texts`: documents, queries and judgements.

name: toy
kind: texts
about: One line.
documents: {files: [docs.all], format: smart, fields: [T, W]}
queries: {file: topics.txt, format: trec, fields: [title]}
qrels: {file: qrels.txt, format: trec, labels: {1: 4, 2: 3}}
splits: {dev: {queries: dev.txt, qrels: dev.qrels}, test: {...}}
default_split: test
counts: {documents: 1400, queries: 225, judgements: 1837}
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from irkit.config import Config
from irkit.io.library.card import Card
from irkit.io.reading import Reading
from irkit.registry import DOCUMENTS, QRELS, QUERIES


class DocumentsCard(Config):
    """How the documents are read."""

    files: tuple[str, ...] = Field(min_length=1)
    format: str = "auto"
    encoding: str = "utf-8"
    fields: tuple[str, ...] | None = None
    id_field: str | None = None
    skip_repeated: bool = False
    "Leave out a document that came before with the same id and text (the files overlap)."


class QueriesCard(Config):
    """How the queries are read."""

    file: str | None = None
    "The one file of queries; absent where each split has its own."
    format: str = "auto"
    encoding: str = "utf-8"
    fields: tuple[str, ...] | None = None
    id_field: str | None = None
    numbering: Literal["given", "ordinal"] = "given"
    only_judged: bool = False
    "Leave out queries without judgements in the split, as BEIR does: its file holds those of all splits."


class QrelsCard(Config):
    """How the judgements are read."""

    file: str | None = None
    format: str = "auto"
    encoding: str = "utf-8"
    labels: dict[int, int] | None = None
    "What each label of the file becomes."


class Counts(Config):
    """What the collection must hold; what is absent is not checked."""

    documents: int | None = Field(None, ge=0)
    queries: int | None = Field(None, ge=0)
    judgements: int | None = Field(None, ge=0)


class SplitCard(Config):
    """One split: its files, and its counts of queries and judgements."""

    queries: str | None = None
    qrels: str | None = None
    counts: Counts = Counts()


class TextCard(Card):
    """The card of a test collection; see the module docstring for its YAML form."""

    kind: Literal["texts"] = "texts"
    documents: DocumentsCard
    queries: QueriesCard = QueriesCard()
    qrels: QrelsCard = QrelsCard()
    splits: dict[str, SplitCard] = Field(default_factory=dict)
    default_split: str | None = None
    exclude_self: bool = False
    "Whether a document with the id of the query is never an answer."
    counts: Counts = Counts()

    @model_validator(mode="after")
    def _fits_together(self) -> TextCard:
        for role, reading, table in (
            ("documents", self.documents, DOCUMENTS),
            ("queries", self.queries, QUERIES),
            ("qrels", self.qrels, QRELS),
        ):
            if reading.format != "auto" and reading.format not in table:
                raise ValueError(f"{role} have no format {reading.format!r}, only {', '.join(table)}")
            Reading(encoding=reading.encoding)
        if self.splits and self.default_split not in self.splits:
            raise ValueError(f"default_split must name one of the splits ({', '.join(self.splits)})")
        if not self.splits and self.default_split is not None:
            raise ValueError("default_split without splits")
        return self

    def reads(self) -> list[str | None]:
        """Return the files of documents, queries and judgements."""
        splits = [name for split in self.splits.values() for name in (split.queries, split.qrels)]
        return [*self.documents.files, self.queries.file, self.qrels.file, *splits]

    def part(self, split: str | None) -> tuple[str | None, str | None]:
        """Return the files of queries and judgements of a split (None where there are no splits)."""
        if split is None:
            return self.queries.file, self.qrels.file
        chosen = self.splits[split]
        return chosen.queries or self.queries.file, chosen.qrels or self.qrels.file

    def needed(self) -> list[str]:
        """Return the files without which the collection cannot be used: documents and the default split."""
        return [*self.documents.files, *(name for name in self.part(self.default_split) if name is not None)]

    def holds(self) -> dict[str, int]:
        """Return the numbers of documents and, of the default split, of queries and judgements."""
        counts = self.splits[self.default_split].counts if self.default_split else self.counts
        both = {"documents": self.counts.documents, "queries": counts.queries, "judgements": counts.judgements}
        return {what: number for what, number in both.items() if number is not None}

    @property
    def through_irds(self) -> bool:
        """Whether ir_datasets provides the collection."""
        return self.documents.format == "irds"

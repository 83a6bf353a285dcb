"""The shapes of what is answered: plain values, the same through every door. Ranks count from 1, as on every screen."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Base of them: frozen, and described to others by the line under each field."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class IndexInfo(Answer):
    """An index that is served."""

    name: str
    documents: int
    terms: int
    "Distinct terms."
    mean_length: float
    "Tokens a document."
    analyzer: str
    "What makes terms of texts."
    texts: bool
    "Whether it holds the texts."


class PipelineInfo(Answer):
    """A pipeline from queries to documents; each is served on every index."""

    name: str
    about: str
    "What it does, in a sentence."
    stages: list[str]
    "Its stages in order, each with the settings that differ from its defaults."


class ModelInfo(Answer):
    """A fitted recommender, or a pipeline of such."""

    name: str
    about: str
    "What it does, in a sentence."
    users: int
    "Users it has ratings of."
    items: int
    "Items that may be recommended."


class Catalogue(Answer):
    """Everything that is served."""

    indexes: list[IndexInfo]
    pipelines: list[PipelineInfo]
    "The first is meant where none is named."
    models: list[ModelInfo]
    deepest: int
    "How deep a ranking may be looked into, and how long a list of recommendations may be."


class Term(Answer):
    """A term of the query as it was searched for."""

    term: str
    "As the index has it."
    weight: float
    original: bool
    "Whether it is a term of the query as it was asked."


class Hit(Answer):
    """A document that was found."""

    rank: int
    "1 is best."
    docno: str
    "Its id."
    score: float
    text: str | None = None
    "The start of its text, if that was asked for and the index holds texts."


class Results(Answer):
    """What was found for a query."""

    index: str
    pipeline: str
    query: str
    start: int
    "How many better ones come before the first of these."
    hits: list[Hit]
    terms: list[Term]
    "Of a query that the pipeline rewrote, heaviest first; of others none."
    omitted_terms: int = 0
    "How many more it has, which weigh less."


class Text(Answer):
    """A document, or a part of it."""

    index: str
    docno: str
    start: int
    "Where the part begins, in characters."
    length: int
    "Characters of the whole text."
    text: str


class Share(Answer):
    """What one term, or one item that the user rated, adds to a score."""

    term: str
    weight: float
    contribution: float


class Omitted(Answer):
    """The least shares of a score, where there are too many to be shown."""

    count: int
    contribution: float
    "What they add together."


class Source(Answer):
    """Where a term of a rewritten query came from."""

    term: str
    weight: float
    "Of the term in the rewritten query."
    source: str
    "`query` for the query before, a feedback document, a term that it is like, a latent factor."
    amount: float
    unit: Literal["share", "nats"]
    "A share of the weight, or a summand of its logarithm."


class Feature(Answer):
    """A feature of a document, for stages that learn from such."""

    name: str
    value: float


class TrailStep(Answer):
    """What one stage of a pipeline made of the document."""

    step: str
    "2.1.3 is the third stage of the first pipeline inside the second stage."
    stage: str
    docno: str | None
    "The document, or its best passage; null where the stage did not give it."
    rank: int | None
    "1 is best; null where the stage did not give the document."
    score: float | None
    query: str | None
    "The query that a rewriting stage gave."
    counted: str
    "What was counted in the place of a score, and why, where a pipeline did not give the document."
    terms: list[Share]
    "What each adds to the score, where the stage knows, greatest first."
    omitted: Omitted | None
    sources: list[Source]
    omitted_sources: int
    "How many more there are."
    features: list[Feature]


class Trail(Answer):
    """How a document got its score."""

    index: str
    pipeline: str
    query: str
    docno: str
    rank: int | None
    "At the end of the pipeline; null where the document is not among the results."
    score: float | None
    steps: list[TrailStep]


class Item(Answer):
    """An item that is recommended."""

    rank: int
    "1 is best."
    item: str
    "Its id."
    score: float
    why: list[Share] | None = None
    "What the score is the sum of, greatest first, if that was asked for and the model knows."
    omitted: Omitted | None = None
    "What that leaves out."


class Items(Answer):
    """What is recommended to a user."""

    model: str
    user: str
    known: bool
    "Whether the model has ratings of the user."
    items: list[Item]
    notes: list[str]
    "What to know of the list, such as that it is what is popular."


class Health(Answer):
    """Whether the service works, and how long it has."""

    status: Literal["ok"]
    version: str
    seconds: float
    "Since it was opened."
    running: int = 0
    "Requests that are worked on."
    waiting: int = 0
    "Requests that wait for a worker."


class BoardNames(Answer):
    """The result files that are served."""

    boards: list[str]


class BoardCell(Answer):
    """A cell of a board, as people read it."""

    text: str
    best: bool
    "Whether none of its column is better, as printed."
    mark: str
    "`better` or `worse` than the baseline where that is significant, else empty."
    interval: str


class BoardTable(Answer):
    """A board: the systems that were measured on one collection, best first."""

    title: str
    head: str
    "What it is of, and how much."
    columns: list[str]
    rows: list[list[BoardCell]]
    "Each as long as the columns."
    baseline: int | None
    "The row, from 0, that others are compared with."
    against: str
    "What marks are against, with its test."
    interval: str
    "What intervals are."
    notes: list[str]


class Report(Answer):
    """What a suite gave."""

    name: str
    suite: str
    about: str
    date: str
    boards: list[BoardTable]

"""Stages made of your own functions.

    rewrite    row of a query -> new text, or dict of weighted terms       queries -> queries
    score      row of a result -> its new score                            results -> results
    feature    row of a result -> a number or several                      results -> results
    filter     row of a result -> keep it?                                 results -> results
    rerank     results frame -> results frame                              results -> results
    retrieve   queries frame -> results frame                              queries -> results
    feedback   results frame -> queries frame                              results -> queries

A row is a dict: `row["qid"]`, `row["query"]`, `row["docno"]`, `row["score"]`, `row["text"]`, ...
Row functions can work on many rows at once: with `batch_size` they are given a frame of at most
that many rows and return one value a row. Frame functions are given all queries at once, or one
query at a time with `by_query=True`.

What a function returns is checked; an exception inside it comes through as it is, with a note
of the row. A cache cannot see into a function: give `key="..."`, a name that you change whenever the
function changes, to have results cached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from pydantic import Field

from irkit.config import Config, digest
from irkit.errors import ConfigError, FrameError, IrkitError, ShapeError
from irkit.frames import check_queries, stack_queries
from irkit.hits import Hits, stacked
from irkit.pipeline.stage import Flow, Role, Stage
from irkit.wording import shown

__all__ = ["Apply", "ApplyConfig", "feature", "feedback", "filter", "rerank", "retrieve", "rewrite", "score"]


def __dir__() -> list[str]:
    return __all__


Kind: TypeAlias = Literal["rewrite", "score", "feature", "filter", "rerank", "retrieve", "feedback"]

_ROLES: dict[str, tuple[Role, Role]] = {
    "rewrite": ("queries", "queries"),
    "score": ("results", "results"),
    "feature": ("results", "results"),
    "filter": ("results", "results"),
    "rerank": ("results", "results"),
    "retrieve": ("queries", "results"),
    "feedback": ("results", "queries"),
}


class ApplyConfig(Config):
    """Settings of `Apply`."""

    kind: Kind
    "What the function does."
    batch_size: int | None = Field(None, ge=1)
    "Rows handed over at a time; None calls the function row by row."
    by_query: bool = False
    "Whether the function is called once per query."
    key: str | None = Field(None, min_length=1)
    "Name of the function's content, for caches."


class Apply(Stage):
    """Run a function of the user's; made by the functions of this module."""

    name = "apply"
    config_type = ApplyConfig
    config: ApplyConfig

    def __init__(self, config: ApplyConfig, *, function: Callable[..., Any]) -> None:
        super().__init__(config)
        if not callable(function):
            raise ConfigError(f"apply.{config.kind}: needs a function, got {type(function).__name__}")
        self.function = function
        self.takes, self.gives = _ROLES[config.kind]

    @property
    def who(self) -> str:
        """Name of the stage in messages."""
        return f"apply.{self.config.kind}({getattr(self.function, '__name__', type(self.function).__name__)})"

    def run(self, flow: Any) -> Flow:
        """Call the function and check what it returns."""
        kind = self.config.kind
        if kind == "rewrite":
            return _rewritten(flow, self._values(flow), self.who)
        if kind == "rerank":
            return self._by_query(flow, self._reranked)
        if kind == "retrieve":
            return self._by_query(flow, self._retrieved)
        if kind == "feedback":
            return self._by_query(flow, self._fed_back)
        hits: Hits = flow
        values = self._values(hits.frame())
        if kind == "score":
            return hits.rescored(self._numbers(values, 1))
        if kind == "filter":
            return hits.kept(self._flags(values))
        features = self._numbers(values, 2)
        before = hits.columns.get("features")
        if before is not None and len(hits):
            features = np.concatenate([before, features], axis=1)
        return hits.carrying(features=features)

    @property
    def fingerprint(self) -> str:
        """Hash of the kind and the key; without a key one that no other object has."""
        return digest("apply", self.config.essence(), self.config.key or self._own)

    @property
    def cacheable(self) -> bool:
        """Whether the user vouches for the function by a key."""
        return self.config.key is not None

    @property
    def word(self) -> str:
        """The name of the function, or what it does where it has none."""
        name = getattr(self.function, "__name__", "<>")
        return self.config.kind if "<" in name else name

    def label(self) -> str:
        """Return the call that makes the stage."""
        given = {name: value for name, value in self.config.given().items() if name != "kind"}
        extra = "".join(f", {name}={value!r}" for name, value in given.items())
        return f"{self.who.removesuffix(')')}{extra})"

    def spec(self) -> dict[str, Any]:
        """Refuse: a recipe holds no code."""
        raise ConfigError(
            f"{self.who}: a recipe cannot hold a function; write a Stage class and name it under the entry points "
            "'irkit.stages'"
        )

    # ------------------------------------------------------------------ calling

    def _call(self, argument: Any) -> Any:
        try:
            return self.function(argument)
        except IrkitError:
            raise
        except Exception as error:
            if isinstance(error, KeyError) and isinstance(argument, dict) and error.args[0] not in argument:
                had = f"there is no {shown(error.args[0])} in a row, got {', '.join(map(str, argument))}"
                raise FrameError(f"{self.who}: {had}; add it before, as LoadText(index) adds text") from error
            error.add_note(f"irkit: in {self.who}{_where(argument)}")
            raise

    def _values(self, frame: pd.DataFrame) -> list[Any]:
        """Return one value a row, calling the function by row or by batch."""
        size = self.config.batch_size
        if size is None:
            return [self._call(row) for row in frame.to_dict("records")]
        values: list[Any] = []
        for start in range(0, len(frame), size):
            batch = frame.iloc[start : start + size].reset_index(drop=True)
            got = self._call(batch)
            if not hasattr(got, "__len__") or isinstance(got, (str, dict)) or len(got) != len(batch):
                found = f"{len(got)} values" if hasattr(got, "__len__") else type(got).__name__
                raise ShapeError(f"{self.who}: must return one value for each of the {len(batch)} rows, got {found}")
            values += list(got)
        return values

    def _by_query(self, flow: Flow, work: Callable[[Any], Flow]) -> Flow:
        """Do the work on everything, or query by query, and put the pieces together."""
        queries = flow.queries if isinstance(flow, Hits) else flow
        if not self.config.by_query or len(queries) < 2:
            return work(flow)
        pieces: list[Any] = [work(_piece(flow, i)) for i in range(len(queries))]
        return stacked(pieces, queries) if self.gives == "results" else stack_queries(pieces)

    def _reranked(self, hits: Hits) -> Hits:
        if not len(hits):
            return hits
        return Hits.from_frame(self._call(hits.frame()), hits.queries, ties=hits.ties, who=self.who)

    def _retrieved(self, queries: pd.DataFrame) -> Hits:
        if not len(queries):
            return Hits.none(queries)
        return Hits.from_frame(self._call(queries.copy()), queries, who=self.who)

    def _fed_back(self, hits: Hits) -> pd.DataFrame:
        """Return the function's queries; a query that it leaves out, or that had no results, stays as it was."""
        if not len(hits):
            return _updated(hits.queries, hits.queries.iloc[:0][["qid"]])
        given = self._call(hits.frame())
        check_queries(given, who=self.who)
        if "docno" in given:
            raise FrameError(f"{self.who}: must return queries, got a frame with a docno column; return qid and query")
        stray = given["qid"][~given["qid"].isin(hits.queries["qid"])]
        if len(stray):
            raise FrameError(f"{self.who}: returned qid {stray.iloc[0]!r}, which is not among the queries it was given")
        return _updated(hits.queries, given)

    # ------------------------------------------------------------------ checking

    def _numbers(self, values: Sequence[Any], dimensions: int) -> Any:
        """Read the function's values into (m,) or (m, F) float64."""
        read = [_numeric(value) for value in values]
        shapes = {None if value is None else value.shape for value in read}
        bad = next((i for i, value in enumerate(read) if value is None or value.ndim >= dimensions), None)
        if bad is None and len(shapes) > 1:
            bad = next(i for i, value in enumerate(read) if value.shape != read[0].shape)
        if bad is not None:
            what = "a finite number" if dimensions == 1 else "a finite number, or equally many for every row,"
            raise FrameError(f"{self.who}: must return {what} for each row, got {_short(values[bad])}")
        numbers = np.array(read, dtype=np.float64)
        return numbers if dimensions == 1 else numbers.reshape(len(numbers), -1 if len(numbers) else 0)

    def _flags(self, values: Sequence[Any]) -> Any:
        """Read the function's values into an (m,) mask."""
        for value in values:
            if not isinstance(value, (bool, np.bool_)):
                raise FrameError(f"{self.who}: must return True or False, got {_short(value)}")
        return np.array(values, dtype=bool)


def rewrite(function: Callable[..., Any], *, batch_size: int | None = None, key: str | None = None) -> Stage:
    """Rewrite each query: the function returns its new text, or a dict of analysed terms and weights.

    The first text of the query stays in `query_0`. A new text puts an end to the weighted terms of an earlier stage.

    Examples
    --------
    >>> shout = rewrite(lambda row: row["query"].upper())
    >>> shout("wing flutter")["query"].tolist()
    ['WING FLUTTER']
    """
    return Apply(ApplyConfig(kind="rewrite", batch_size=batch_size, key=key), function=function)


def score(function: Callable[..., Any], *, batch_size: int | None = None, key: str | None = None) -> Stage:
    """Score each result anew; the results are ranked by the new scores."""
    return Apply(ApplyConfig(kind="score", batch_size=batch_size, key=key), function=function)


def feature(function: Callable[..., Any], *, batch_size: int | None = None, key: str | None = None) -> Stage:
    """Add a number, or as many as the function returns, to the right of the `features` of each result."""
    return Apply(ApplyConfig(kind="feature", batch_size=batch_size, key=key), function=function)


def filter(function: Callable[..., Any], *, batch_size: int | None = None, key: str | None = None) -> Stage:
    """Keep the results for which the function returns True."""
    return Apply(ApplyConfig(kind="filter", batch_size=batch_size, key=key), function=function)


def rerank(function: Callable[..., Any], *, by_query: bool = False, key: str | None = None) -> Stage:
    """Turn a results frame into another; its order is made anew from `score`."""
    return Apply(ApplyConfig(kind="rerank", by_query=by_query, key=key), function=function)


def retrieve(function: Callable[..., Any], *, by_query: bool = False, key: str | None = None) -> Stage:
    """Turn a queries frame into a results frame with `qid`, `docno` and `score`."""
    return Apply(ApplyConfig(kind="retrieve", by_query=by_query, key=key), function=function)


def feedback(function: Callable[..., Any], *, by_query: bool = False, key: str | None = None) -> Stage:
    """Turn a results frame into a queries frame with `qid` and `query` or `query_toks`."""
    return Apply(ApplyConfig(kind="feedback", by_query=by_query, key=key), function=function)


def _rewritten(queries: pd.DataFrame, values: list[Any], who: str) -> pd.DataFrame:
    """Put new texts or weighted terms into a queries frame."""
    for value in values:
        if not isinstance(value, str) and not _weighted(value):
            raise FrameError(f"{who}: must return a text or a dict of terms with weights > 0, got {_short(value)}")
    given = queries[["qid"]].copy()
    texts = [isinstance(value, str) for value in values]
    if any(texts):
        before = queries["query"] if "query" in queries else [""] * len(queries)
        given["query"] = [value if text else old for text, value, old in zip(texts, values, before, strict=True)]
    if not all(texts):
        toks = [None if text else dict(value) for text, value in zip(texts, values, strict=True)]
        given["query_toks"] = pd.Series(toks, index=given.index, dtype=object)
    return _updated(queries, given)


def _updated(queries: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Replace columns of a queries frame by what a function gave for some of its qids.

    The first text stays in `query_0`; weighted terms do not outlive a new text.
    """
    out = queries.copy()
    if "query" in out and "query_0" not in out:
        out["query_0"] = out["query"]
    if "query_toks" not in given and "query_toks" in out:
        given = given.assign(query_toks=None)
    row = pd.Index(given["qid"]).get_indexer(pd.Index(out["qid"]))
    for name in given.columns.drop("qid"):
        before = out[name].to_numpy(dtype=object) if name in out else np.full(len(out), None)
        after = given[name].to_numpy(dtype=object)
        column = pd.Series([after[r] if r >= 0 else old for r, old in zip(row, before, strict=True)], index=out.index)
        out[name] = column.astype(
            object if name == "query_toks" else given[name].dtype if (row >= 0).all() else column.dtype
        )
    if "query_toks" in out and not any(isinstance(tok, dict) for tok in out["query_toks"]):
        out = out.drop(columns="query_toks")
    return out


def _weighted(value: Any) -> bool:
    """Say whether a value is a dict of terms and positive weights."""
    if not isinstance(value, dict):
        return False
    weights = [_numeric(weight) for weight in value.values()]
    return all(isinstance(term, str) for term in value) and all(
        weight is not None and weight.ndim == 0 and weight > 0 for weight in weights
    )


def _numeric(value: Any) -> Any:
    """Return a number or numbers as a float64 array; None for anything else, texts that look like numbers too."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return None
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        return None
    return array.astype(np.float64)


def _piece(flow: Flow, i: int) -> Any:
    """Return one query of a flow on its own."""
    return flow.between(i, i + 1) if isinstance(flow, Hits) else flow.iloc[i : i + 1].reset_index(drop=True)


def _short(value: Any) -> str:
    """Show a value in a message: its type, and its text in one line."""
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _where(argument: Any) -> str:
    """Say which row the function was at."""
    if isinstance(argument, dict):
        return ", ".join([""] + [f"{name} {argument[name]!r}" for name in ("qid", "docno") if name in argument])
    return f", a frame of {len(argument)} rows"

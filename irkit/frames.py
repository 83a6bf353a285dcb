"""The frames that flow through irkit, and their checks.

    queries   qid, query; optional query_toks (term -> weight), query_0, timestamp
    results   qid, docno, score, rank (0 is best); optional text, features, any column
    qrels     qid, docno, label
    ratings   user_id, item_id, rating, timestamp

Ids are strings, scores float64, a missing value is an error. The column names are those of the
PyTerrier ecosystem, so its transformers read our frames and we read theirs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from irkit.errors import FrameError
from irkit.ids import LARGEST_LABEL, hides

Queries: TypeAlias = pd.DataFrame
Results: TypeAlias = pd.DataFrame
Qrels: TypeAlias = pd.DataFrame
Ratings: TypeAlias = pd.DataFrame

_READERS = {"results": "read_run", "queries": "read_queries", "qrels": "read_qrels", "ratings": "read_ratings"}
"What in `irkit.io` reads a file of each role."

_OTHERS = {"query_id": "qid", "user_id": "qid", "doc_id": "docno", "item_id": "docno"}
"What others call columns of results."

_NEEDED = "write a text, a list of texts, a dict of qid to text or a frame with qid and query"


def queries_frame(queries: str | Sequence[str] | Mapping[str, str] | Queries) -> Queries:
    """Make a queries frame from what people have at hand.

    Parameters
    ----------
    queries : str, sequence of str (a list, an array, a column), mapping of qid to text, or frame
        A frame is checked and returned as it is; plain texts get the qids "1", "2", ...

    Raises
    ------
    FrameError
        If it is none of these.

    Examples
    --------
    >>> queries_frame(["wing flutter", "heat transfer"])["qid"].tolist()
    ['1', '2']
    """
    if isinstance(queries, pd.DataFrame):
        check_queries(queries, who="queries")
        if queries.empty:  # pandas gives a column without values any type
            return queries.astype({name: "str" for name in ("qid", "query") if name in queries})
        return queries
    if isinstance(queries, str):
        queries = [queries]
    if not isinstance(queries, Mapping):
        if isinstance(queries, (bytes, set, frozenset)) or not isinstance(queries, Iterable):
            raise FrameError(f"queries: {_NEEDED}, got {short(queries)}")
        queries = {str(i): text for i, text in enumerate(queries, 1)}
    for qid, text in queries.items():
        if not (isinstance(qid, str) and isinstance(text, str)):  # dtype "str" would turn a number into text
            name, value = ("query", text) if isinstance(qid, str) else ("qid", qid)
            raise FrameError(f"queries: a {name} must be a text, got {short(value)}; {_NEEDED}")
    frame = pd.DataFrame({"qid": list(queries.keys()), "query": list(queries.values())}, dtype="str")
    check_queries(frame, who="queries")
    return frame


def asked(queries: Queries, *, who: str) -> list[str | dict[str, float]]:
    """Return what each query asks for: its weighted terms where it has any, else its text.

    Raises
    ------
    FrameError
        If a query has neither, as those of a run file; the message says what to add.
    """
    nothing = [None] * len(queries)
    toks, texts = queries.get("query_toks", nothing), queries.get("query", nothing)
    found = [own if isinstance(own, dict) else text for own, text in zip(toks, texts, strict=True)]
    if None in found:
        qid = queries["qid"].iloc[found.index(None)]
        raise FrameError(
            f"{who}: query {qid!r} has neither text nor weighted terms, got the columns {_columns(queries)}; add the "
            "texts, which a run file does not hold: results.merge(queries, on='qid')"
        )
    return found


def stack_queries(frames: Sequence[Queries]) -> Queries:
    """Put queries frames below one another; a query without weighted terms has None for them."""
    out = pd.concat(frames, ignore_index=True)
    if "query_toks" in out:
        toks = [tok if isinstance(tok, dict) else None for tok in out["query_toks"]]
        out["query_toks"] = pd.Series(toks, index=out.index, dtype=object)
    return out


def check_queries(frame: Queries, *, who: str) -> None:
    """Raise `FrameError` unless `frame` is a queries frame: unique string `qid`, and `query` or `query_toks`."""
    _need(frame, ["qid"], "queries", who)
    if "query" not in frame and "query_toks" not in frame:
        raise FrameError(f"{who}: a queries frame needs the column 'query' or 'query_toks', got {_columns(frame)}")
    _strings(frame, ["qid", *(["query"] if "query" in frame else [])], who)
    _visible(frame, ["qid"], who)
    _unique(frame, ["qid"], who)
    check_weighted_terms(frame, who=who)


def check_weighted_terms(frame: pd.DataFrame, *, who: str) -> None:
    """Raise `FrameError` if `query_toks` holds anything but dicts of terms to weights of 0 or more, and None."""
    for row, value in enumerate(frame.get("query_toks", ())):
        if isinstance(value, dict):
            wrong = next((item for item in value.items() if not _term_and_weight(*item)), None)
            if wrong is not None:
                raise FrameError(
                    f"{who}: column 'query_toks' must hold terms with finite weights of 0 or more, got {wrong[0]!r}: "
                    f"{short(wrong[1])} in row {row}"
                )
        elif not (value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))):
            raise FrameError(
                f"{who}: column 'query_toks' must hold dicts of terms to weights, got {short(value)} in row {row}; "
                "rewrite the queries again or drop the column, for a CSV file keeps it as text only"
            )


def _term_and_weight(term: Any, weight: Any) -> bool:
    number = isinstance(weight, Real) and not isinstance(weight, (bool, np.bool_))
    return isinstance(term, str) and number and bool(0 <= weight < np.inf)


def results_frame(frame: Any) -> Any:
    """Return a results frame with our names for its columns and a score; whatever else it is, `check_results` says.

    Columns may have the names of ir_datasets (`query_id, doc_id`) or of recommenders (`user_id, item_id`). Where there
    are no scores, they are minus the ranks.
    """
    if not isinstance(frame, pd.DataFrame):
        return frame
    if not len(frame) and not len(frame.columns):
        return pd.DataFrame({"qid": [], "docno": [], "score": []})
    ours = {name: own for name, own in _OTHERS.items() if name in frame and own not in frame}
    frame = frame.rename(columns=ours) if ours else frame
    if "rank" in frame and "score" not in frame:
        _numbers(frame, "rank", "results")
        frame = frame.assign(score=-frame["rank"].astype(np.float64))
    return frame


def check_results(frame: Results, *, who: str) -> None:
    """Raise `FrameError` unless `frame` is a results frame with finite scores and no pair twice."""
    _need(frame, ["qid", "docno", "score"], "results", who)
    _strings(frame, ["qid", "docno"], who)
    _numbers(frame, "score", who)
    _unique(frame, ["qid", "docno"], who)


def check_qrels(frame: Qrels, *, who: str) -> None:
    """Raise `FrameError` unless `frame` is a qrels frame with whole-number labels of sane size and no pair twice."""
    _need(frame, ["qid", "docno", "label"], "qrels", who)
    _strings(frame, ["qid", "docno"], who)
    _visible(frame, ["qid", "docno"], who)
    _numbers(frame, "label", who)
    labels = frame["label"].to_numpy(dtype=np.float64)
    broken = labels != np.floor(labels)
    if broken.any():
        row = int(np.argmax(broken))
        raise FrameError(f"{who}: labels must be whole numbers, got {labels[row]} in row {row}")
    beyond = np.abs(labels) > LARGEST_LABEL
    if beyond.any():
        row = int(np.argmax(beyond))
        what = f"labels must lie within -{LARGEST_LABEL:,}..{LARGEST_LABEL:,}"
        raise FrameError(f"{who}: {what}, got {frame['label'].iloc[row]} in row {row}; map them to small grades")
    _unique(frame, ["qid", "docno"], who)


def check_ratings(frame: Ratings, *, who: str) -> None:
    """Raise `FrameError` unless `frame` is a ratings frame; `timestamp` may be absent."""
    _need(frame, ["user_id", "item_id", "rating"], "ratings", who)
    _strings(frame, ["user_id", "item_id"], who)
    _numbers(frame, "rating", who)


def check_pairs(frame: pd.DataFrame, *, who: str) -> None:
    """Raise `FrameError` unless `frame` holds pairs of users and items; a `timestamp` in numbers must be finite."""
    _need(frame, ["user_id", "item_id"], "pairs", who)
    _strings(frame, ["user_id", "item_id"], who)
    if "timestamp" in frame and pd.api.types.is_numeric_dtype(frame["timestamp"].dtype):
        _numbers(frame, "timestamp", who)


def short(value: Any) -> str:
    """Show a value in a message: its type, and its text in one line."""
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _columns(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns)) or "no columns"


def _need(frame: Any, names: list[str], role: str, who: str) -> None:
    if not isinstance(frame, pd.DataFrame):
        todo = ""
        if isinstance(frame, (str, os.PathLike)) and role in _READERS:
            todo = f"; read a file with irkit.io.{_READERS[role]}"
        raise FrameError(f"{who}: needs a {role} frame (pandas DataFrame), got {type(frame).__name__}{todo}")
    missing = [name for name in names if name not in frame]
    if missing:
        need = ", ".join(repr(name) for name in missing)
        raise FrameError(f"{who}: a {role} frame needs the column {need}, got {_columns(frame)}")
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise FrameError(f"{who}: the column {twice[0]!r} occurs twice, got {_columns(frame)}; drop one of them")


def _strings(frame: pd.DataFrame, names: list[str], who: str) -> None:
    for name in names:
        column = frame[name]
        if column.isna().any():
            raise FrameError(
                f"{who}: column {name!r} has a missing value in row {int(column.isna().argmax())}; drop or fill it"
            )
        if column.empty or isinstance(column.dtype, pd.StringDtype):
            continue
        kinds = {"str" if isinstance(value, str) else type(value).__name__ for value in column}  # numpy's str_ is one
        if kinds - {"str"}:
            found = ", ".join(sorted(kinds))
            # As text a float would keep its point: 7.0, 1.2e+11.
            todo = f"use frame.astype({{'{name}': 'str'}})" if "float" not in kinds else "make them whole numbers first"
            raise FrameError(f"{who}: column {name!r} must hold strings, got {found}; {todo}")


def _visible(frame: pd.DataFrame, names: list[str], who: str) -> None:
    for name in names:
        # One search through all ids; which of them it was is looked for only if there is one.
        if hides(" ".join(frame[name].tolist())) is not None:
            row, value = next((row, value) for row, value in enumerate(frame[name]) if hides(value) is not None)
            raise FrameError(
                f"{who}: column {name!r} holds a control or invisible character, got {value!r} in row {row}; remove it"
            )


def _numbers(frame: pd.DataFrame, name: str, who: str) -> None:
    column = frame[name]
    if column.empty:  # pandas gives a column without values the dtype object
        return
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        raise FrameError(f"{who}: column {name!r} must hold numbers, got {column.dtype}")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise FrameError(f"{who}: column {name!r} must be finite, got {values[row]} in row {row}")


def _unique(frame: pd.DataFrame, names: list[str], who: str) -> None:
    twice = frame.duplicated(names)
    if twice.any():
        first = ", ".join(f"{name} {frame[name].iloc[int(twice.argmax())]!r}" for name in names)
        raise FrameError(f"{who}: {first} occurs twice; each {' and '.join(names)} may occur once")

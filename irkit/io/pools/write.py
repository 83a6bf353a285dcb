"""Feature files written: what `read_letor` reads back to the bit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Floats, Ints
from irkit.atomic import writing
from irkit.columns import arrow_rows, arrow_strings
from irkit.errors import FrameError
from irkit.hits import Hits
from irkit.io.documents.spaced import refuse_white_space, spaced_rows
from irkit.io.pools.letor import LARGEST_FEATURE

if TYPE_CHECKING:
    import pandas as pd

_WHO = "write_letor"
_ROWS = 1 << 13  # candidates that become text at once


def write_letor(
    results: Hits | pd.DataFrame, qrels: pd.DataFrame, path: str | os.PathLike[str], *, null: bool = False
) -> None:
    """Write candidates as a feature file, whole or not at all: `<label> qid:<qid> 1:<value> ... #docid = <docno>`.

    Every feature of every candidate is written, with the fewest digits that read back as the same float64. Scores are
    not written, nor queries without candidates.

    Parameters
    ----------
    results : Hits or results frame
        With `features`; the order of its rows is kept.
    qrels : qrels frame
        A candidate that is not in it gets the label 0.
    path
        What stands there is replaced at the very end; streams and compression as in `write_run`.
    null : bool
        Write NaN as NULL, which `read_letor` reads as NaN; other readers may not.

    Raises
    ------
    FrameError
        If there are no features, or more than a file can have; a value is infinite, or NaN without `null`; an id is
        empty or holds white space or control characters, a qid a `#`.
    """
    from irkit.frames import check_qrels

    check_qrels(qrels, who=_WHO)
    hits = results if isinstance(results, Hits) else Hits.from_frame(results, who=_WHO)
    features = _checked(hits, null)
    qid = arrow_strings(hits.queries["qid"]).take(arrow_rows(hits.query))
    docno = hits.docnos.take(hits.doc)
    refuse_white_space(_WHO, qid=qid, docno=docno)
    marked = pc.unique(qid.filter(pc.match_substring(qid, "#")))
    if len(marked):
        raise FrameError(f"{_WHO}: what follows a # is a comment, got the qid {marked[0].as_py()!r}; rename it")
    label = _labels(qid, docno, qrels)
    with writing(path, pack=True) as file:
        for start in range(0, len(hits), _ROWS):
            rows = slice(start, start + _ROWS)
            named = pc.binary_join_element_wise(_text("qid"), qid[rows], _text(":"))
            cells = [_cells(number, column) for number, column in enumerate(features[rows].T, 1)]
            for chunk in spaced_rows(label[rows], named, *cells, "#docid =", docno[rows]):
                file.write(chunk)


def _checked(hits: Hits, null: bool) -> Floats:
    """Return the features, unless a file could not hold them."""
    if "features" not in hits.columns:
        raise FrameError(f"{_WHO}: the results have no column 'features'; make features first")
    features: Floats = hits.columns["features"]
    if features.shape[1] > LARGEST_FEATURE:
        raise FrameError(
            f"{_WHO}: a file has up to {LARGEST_FEATURE:,} features, got {features.shape[1]:,}; keep fewer"
        )
    wrong = np.isinf(features) if null else ~np.isfinite(features)
    if wrong.any():
        row, column = (int(at[0]) for at in np.nonzero(wrong))
        todo = "fill it, or write it as NULL (null=True)" if np.isnan(features[row, column]) else "correct it"
        raise FrameError(
            f"{_WHO}: features must be finite, got {features[row, column]} as feature {column + 1} of docno "
            f"{hits.docnos[int(hits.doc[row])]!r}; {todo}"
        )
    return features


def _labels(qid: pa.LargeStringArray, docno: pa.LargeStringArray, qrels: pd.DataFrame) -> Ints:
    """Return the label of each candidate, 0 where there is none."""
    import pandas as pd

    from irkit.columns import frame_strings

    keys = pd.DataFrame({"qid": frame_strings(qid), "docno": frame_strings(docno)})
    found = keys.merge(qrels[["qid", "docno", "label"]], how="left", on=["qid", "docno"])["label"]
    return found.fillna(0).to_numpy(dtype=np.int64)


def _cells(number: int, column: Floats) -> pa.LargeStringArray:
    """Write one feature of some candidates."""
    value = pa.array(column, from_pandas=True).cast(pa.large_string()).fill_null("NULL")
    return pc.binary_join_element_wise(_text(str(number)), value, _text(":"))


def _text(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())

"""TREC qrels: `query iteration document label`, separated by white space; and the same without the second column."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from irkit.atomic import writing
from irkit.columns import arrow_strings
from irkit.errors import FrameError
from irkit.io.documents.spaced import refuse_white_space, spaced_rows
from irkit.io.documents.tabular import in_order, names_judgements
from irkit.io.lines import bad, split_lines
from irkit.io.reading import Judgement, Reading, read_label

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger("irkit")


def qrels(path: Path, reading: Reading) -> Iterator[Judgement]:
    """Read one judgement a line; the second column is ignored and `#` begins a comment line, as in trec_eval."""
    reading.only("trec", "encoding")
    for line, parts in _rows(path, reading, 4, "query, 0, document, label"):
        yield Judgement(parts[0], parts[2], read_label(parts[3], path, line), line)


def plain(path: Path, reading: Reading) -> Iterator[Judgement]:
    """Read `query document label`, one judgement a line; a first line may name the columns."""
    reading.only("plain", "encoding")
    for line, parts in _rows(path, reading, 3, "query, document, label"):
        yield Judgement(parts[0], parts[1], read_label(parts[2], path, line), line)


def _rows(path: Path, reading: Reading, width: int, columns: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of judgements between comments, without a line of names."""
    first, said = True, False
    for line, parts in split_lines(path, reading.encoding):
        if parts[0].startswith("#"):
            if not said and len(parts) == width and len(parts[0]) > 1 and re.fullmatch(r"[+-]?\d+", parts[-1]):
                said = True
                _log.warning("%s:%d: begins with #, so it is a comment; others would read a judgement", path, line)
            continue
        if len(parts) != width:
            what = f"a judgement has {width} columns ({columns}), got {len(parts)}"
            raise bad(path, line, what, "correct the line, or name the right format (--format in commands)")
        if first and names_judgements(parts):
            if not in_order(parts):
                what = f"the columns are {columns}, got {', '.join(parts)}"
                raise bad(path, line, what, "put them in this order, or separate them by tabs")
        else:
            yield line, parts
        first = False


def write_qrels(qrels: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write judgements as a TREC qrels file, whole or not at all.

    Parameters
    ----------
    qrels : qrels frame
        Needs `qid`, `docno`, `label`; the order of its rows is kept.
    path
        What stands there is replaced at the very end; streams and compression as in `write_run`.

    Raises
    ------
    FrameError
        If the frame is not a qrels frame, an id is empty or holds white space or control characters,
        or a qid begins with `#`.
    """
    from irkit.frames import check_qrels

    check_qrels(qrels, who="write_qrels")
    qid, docno = arrow_strings(qrels["qid"]), arrow_strings(qrels["docno"])
    refuse_white_space("write_qrels", qid=qid, docno=docno)
    comments = pc.unique(qid.filter(pc.starts_with(qid, "#")))
    if len(comments):
        shown = repr(comments[0].as_py())
        raise FrameError(f"write_qrels: a line that begins with # is a comment, got the qid {shown}; rename it")
    with writing(path, pack=True) as file:
        for chunk in spaced_rows(qid, "0", docno, qrels["label"].to_numpy().astype("int64")):
            file.write(chunk)

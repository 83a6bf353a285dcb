"""TREC qrels: `query iteration document label`, separated by white space."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from irkit.columns import arrow_strings
from irkit.io.atomic import writing
from irkit.io.lines import bad, split_lines, whole
from irkit.io.reading import Judgement, Reading
from irkit.io.rows import refuse_white_space, spaced_rows

if TYPE_CHECKING:
    import pandas as pd


def qrels(path: Path, reading: Reading) -> Iterator[Judgement]:
    """Read one judgement a line; the second column is ignored, as trec_eval does."""
    reading.only("trec", "encoding")
    for line, parts in split_lines(path, reading.encoding):
        if len(parts) != 4:
            what = f"a judgement has 4 columns (query, 0, document, label), got {len(parts)}"
            raise bad(path, line, what, "correct the line")
        yield Judgement(parts[0], parts[2], whole(parts[3], "label", path, line), line)


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
        If the frame is not a qrels frame, or an id is empty or holds white space.
    """
    from irkit.frames import check_qrels

    check_qrels(qrels, who="write_qrels")
    qid, docno = arrow_strings(qrels["qid"]), arrow_strings(qrels["docno"])
    refuse_white_space("write_qrels", qid=qid, docno=docno)
    with writing(path, pack=True) as file:
        for chunk in spaced_rows(qid, "0", docno, qrels["label"].to_numpy().astype("int64")):
            file.write(chunk)

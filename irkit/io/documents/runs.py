"""TREC run files: `query Q0 document rank score tag`, separated by white space.

What counts in a run file is the score: trec_eval ignores the rank column and sorts by score
descending, then document id descending, and it holds scores in single precision. `read_run`
orders a run by the same rule (in double precision), and `write_run` makes sure that both get back
the order it was given.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Floats, Ints
from irkit.atomic import writing
from irkit.columns import arrow_strings
from irkit.errors import FrameError
from irkit.hits import OWN_COLUMNS, Docnos, Hits
from irkit.ids import check_id
from irkit.io.documents.metadata import header_lines, written
from irkit.io.documents.spaced import odd_ids, refuse_white_space, spaced_rows
from irkit.io.lines import LONGEST_ROW, bad, finite, head, once, opened, raw_lines, split_lines, whole
from irkit.io.reading import Reading
from irkit.streams import hold

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("qid", "q0", "docno", "rank", "score", "tag")
_SINGLE = float(np.finfo(np.float32).max)


def read_run(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> pd.DataFrame:
    """Read a TREC run file, plain or compressed, or a stream of one (`-` is standard input).

    A file of no bytes is the run of a system that found nothing; a compressed one as well.

    Metadata above the run (`# ir_metadata.start` to `# ir_metadata.end`) are passed over. The tags are not kept;
    `read_tagged_run` returns them.

    Returns
    -------
    results frame
        `qid`, `docno`, `score`, `rank`; queries in the order of the file, ranks from 0 made anew
        from score descending, then `docno` descending.

    Raises
    ------
    DataError
        `path:line: ...` if a line has not six columns, a rank is no whole number, a score no finite
        number, a document occurs twice for a query, or the file is cut short.
    """
    return read_tagged_run(path, encoding=encoding)[0]


def read_tagged_run(path: str | os.PathLike[str], *, encoding: str = "utf-8") -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a run file as `read_run` does, and the distinct tags of its lines in order of appearance.

    More than one tag means that the file holds several runs, or one that was put together from several.
    """
    import pandas as pd

    from irkit.columns import frame_strings

    Reading(encoding=encoding)
    path = Path(path)
    _held = hold(path)
    start = head(path)
    skipped = header_lines(path, start)
    found = _read_fast(path, start, skipped, encoding) if start else None
    qid, docno, score, tags = (
        found if found is not None else _read_slowly(path, skipped, encoding) if start else _nothing()
    )
    queries, documents = qid.dictionary_encode(), docno.dictionary_encode()
    query, doc = queries.indices.to_numpy(), documents.indices.to_numpy()
    if found is not None and _any_twice(query, doc, len(documents.dictionary)):
        _read_slowly(path, skipped, encoding)  # raises, with the line
    frame = pd.DataFrame({"qid": frame_strings(queries.dictionary)})
    return Hits.ranked(frame, query, doc, score, Docnos(documents.dictionary)).frame(), tuple(tags)


def write_run(
    results: Hits | pd.DataFrame,
    path: str | os.PathLike[str],
    tag: str = "irkit",
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write results as a TREC run file, whole or not at all.

    Scores are written so that they read back exactly. One exception: where a score would make
    trec_eval put the document elsewhere than the results do (equal in single precision with the
    ids in the wrong order, as under `ties="anserini"`), it is lowered by the smallest step of
    single precision that keeps the order.

    Parameters
    ----------
    results : Hits or results frame
        A frame is put in order by its scores and the tie rule, as everywhere (`Hits.from_frame`): a column
        `rank` may be older than the scores.
    path
        What stands there is replaced at the very end; a device or pipe is written into, and `-` is standard
        output. A name that ends in .gz, .bz2, .xz or .zst is compressed.
    tag : str
        The last column, the name of the system.
    metadata : mapping, optional
        How the run was made, written above it as `ir_metadata` (`irkit.io.documents.metadata`): plain values under
        `platform`, `implementation`, `resources`, `research goal`, `method` and `data`. Not every program reads
        such a file.

    Raises
    ------
    FrameError
        If the frame is not a results frame, an id is empty or holds white space, the tag is no text, or a
        score is beyond single precision.
    """
    qid, docno, doc_rank, ptr, score = _ordered(results)
    if any("\ud800" <= character <= "\udfff" for character in tag):
        raise FrameError(f"write_run: the tag is not valid Unicode, got {tag!a}; write it in UTF-8")
    refuse_white_space("write_run", qid=qid, docno=docno, tag=pa.array([tag], type=pa.large_string()))
    beyond = np.abs(score) > _SINGLE
    if beyond.any():
        value = score[int(np.argmax(beyond))]
        raise FrameError(f"write_run: a score must fit single precision for trec_eval, got {value}; rescale the scores")
    position = np.arange(len(score)) - np.repeat(ptr[:-1], np.diff(ptr))
    rows = spaced_rows(qid, "Q0", docno, position + 1, keep_order(ptr, score, doc_rank), tag)
    with writing(path, pack=True) as file:
        if metadata is not None:
            file.write(written(metadata))
        for chunk in rows:
            file.write(chunk)


def keep_order(ptr: Ints, score: Floats, doc_rank: Ints) -> Floats:
    """Lower scores by steps of single precision until sorting by them gives the order they stand in.

    A list is in order if every hit comes before the next one by (score descending, document id
    descending), both when scores are rounded to single precision and when they are not.

    Parameters
    ----------
    ptr : (n + 1,) int
        Query i has the hits `ptr[i]:ptr[i + 1]`, best first.
    score : (m,) float64, finite in single precision
    doc_rank : (m,) int
        Position of each hit's document id in ascending byte order.

    Returns
    -------
    (m,) float64
        Changed scores are single-precision numbers.
    """
    if not len(score):
        return score
    first = np.zeros(len(score), dtype=bool)
    first[ptr[:-1][np.diff(ptr) > 0]] = True
    # Single-precision numbers as integers in the same order: one step is one integer.
    key = _steps(score)
    # A hit must be a full step below the one before it, unless equality keeps the order as well.
    strict = np.zeros(len(score), dtype=np.int64)
    strict[1:] = (doc_rank[1:] > doc_rank[:-1]) | (score[1:] > score[:-1])
    strict[first] = 0
    # lowered[i] = min(key[i], lowered[i - 1] - strict[i]) becomes a running minimum after adding the
    # steps so far; every query starts far below the last one, so that the minimum starts anew.
    falls = np.cumsum(strict) - (np.cumsum(first) << 35)
    lowered = np.minimum.accumulate(key + falls) - falls
    changed = lowered != key
    if not changed.any():
        return score
    single = _singles(lowered)
    if not np.isfinite(single).all():
        raise FrameError(
            f"write_run: ties at {score.min()} leave no lower score in single precision; rescale the scores"
        )
    # Behind a changed hit with the same single-precision value, no score may exceed that value.
    group = np.cumsum(first | np.r_[True, np.diff(lowered) != 0])
    marks = np.cumsum(changed)
    starts = np.flatnonzero(np.r_[True, np.diff(group) != 0])
    before = (marks - changed)[starts][group - 1]
    return np.where(changed, single, np.where(marks > before, np.minimum(score, single), score))


def _steps(score: Floats) -> Ints:
    """Number single-precision values so that neighbours differ by one; both zeros are 0."""
    bits = score.astype(np.float32).view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF))


def _singles(steps: Ints) -> Floats:
    bits = np.where(steps >= 0, steps, -steps | 0x80000000).astype(np.uint32)
    return bits.view(np.float32).astype(np.float64)


def _ordered(results: Hits | pd.DataFrame) -> tuple[pa.LargeStringArray, pa.LargeStringArray, Ints, Ints, Floats]:
    """Return qid, docno, rank of the docno, offsets and score, hit by hit in rank order."""
    hits = results if isinstance(results, Hits) else Hits.from_frame(_bare(results), who="write_run")
    qid = arrow_strings(hits.queries["qid"]).take(pa.array(hits.query, type=pa.int64()))
    return qid, hits.docnos.take(hits.doc), hits.docnos.rank[hits.doc], hits.ptr, hits.score


def _bare(results: pd.DataFrame) -> pd.DataFrame:
    """Return a results frame without the columns that a run file does not hold."""
    return results[[name for name in OWN_COLUMNS if name in results]] if hasattr(results, "columns") else results


def _read_fast(
    path: Path, start: bytes, skipped: int, encoding: str
) -> tuple[pa.Array, pa.Array, Floats, list[str]] | None:
    """Read a run whose columns are separated by one blank or tab; None if anything is unusual."""
    import pyarrow.csv as pcsv

    if skipped:
        start = next((raw for line, raw in raw_lines(path, LONGEST_ROW) if line > skipped), b"")
    first = start.split(b"\n", 1)[0].rstrip(b"\r")
    delimiter = "\t" if b"\t" in first else " "
    if len(first.split(delimiter.encode())) != len(_COLUMNS) or encoding not in {"utf-8", "utf8"}:
        return None
    text, number, count, few = pa.large_string(), pa.float64(), pa.int64(), pa.dictionary(pa.int32(), pa.string())
    try:
        with opened(path) as file:
            table = pcsv.read_csv(
                file,
                read_options=pcsv.ReadOptions(column_names=_COLUMNS, skip_rows=skipped),
                parse_options=pcsv.ParseOptions(delimiter=delimiter, quote_char=False),
                convert_options=pcsv.ConvertOptions(
                    column_types=dict(zip(_COLUMNS, (text, text, text, count, number, few), strict=True)),
                    include_columns=["qid", "docno", "rank", "score", "tag"],
                    null_values=[],
                ),
            )
    except (pa.ArrowException, OSError, EOFError):
        return None
    qid, docno = arrow_strings(table["qid"]), arrow_strings(table["docno"])
    score = table["score"].to_numpy()
    odd = any(odd_ids(pc.unique(column)) for column in (qid, docno))
    if odd or not np.isfinite(score).all():
        return None
    return qid, docno, score, pc.unique(table["tag"].combine_chunks()).to_pylist()


def _read_slowly(path: Path, skipped: int, encoding: str) -> tuple[pa.Array, pa.Array, Floats, list[str]]:
    """Read a run line by line: any white space, and errors that name the line."""
    qids, docnos, scores = [], [], []
    seen: dict[tuple[str, str], int] = {}
    tags: dict[str, None] = {}
    line = 1
    for line, parts in split_lines(path, encoding):
        if line <= skipped:
            continue
        if len(parts) != len(_COLUMNS):
            what = f"a run has 6 columns (query, Q0, document, rank, score, tag), got {len(parts)}"
            raise bad(path, line, what, "correct the line")
        qid, _, docno, rank, score, tag = parts
        whole(rank, "rank", path, line)
        check_id(qid, "a query", f"{path}:{line}")
        check_id(docno, "a document", f"{path}:{line}")
        once(seen, (qid, docno), f"document {docno!r} of query {qid!r}", path, line)
        qids.append(qid)
        docnos.append(docno)
        scores.append(finite(score, "score", path, line))
        tags[tag] = None
    if not scores and skipped:
        return _nothing()
    if not scores:
        raise bad(path, line, "the run has no line", "check that it was written completely")
    return arrow_strings(qids), arrow_strings(docnos), np.array(scores), list(tags)


def _nothing() -> tuple[pa.Array, pa.Array, Floats, list[str]]:
    return arrow_strings([]), arrow_strings([]), np.array([]), []


def _any_twice(query: Ints, doc: Ints, documents: int) -> bool:
    pairs = np.sort(query.astype(np.int64) * documents + doc)
    return bool((pairs[1:] == pairs[:-1]).any())

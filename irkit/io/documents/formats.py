"""`read_documents`, `read_queries`, `read_qrels`: every format behind three functions.

A format is named, or told from the file's name and the structure of its first lines. Readers stream: a collection of
any size passes through in little memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from irkit.documents import Columns, Document
from irkit.errors import ConfigError, NotFoundError, near_misses
from irkit.ids import LARGEST_LABEL, check_id
from irkit.io.documents import beir, html, irds, pages
from irkit.io.documents.sniff import Role, guess
from irkit.io.lines import bad, head, once
from irkit.io.reading import Judgement, Query, Reading, read_label
from irkit.locate import files_below, in_order
from irkit.registry import DOCUMENTS, QRELS, QUERIES, Names
from irkit.streams import hold, is_stream, readable
from irkit.wording import no_file, shown

if TYPE_CHECKING:
    import pandas as pd

_SURROGATE = re.compile("[\ud800-\udfff]")
_WHITE = re.compile(r"[ \t\n\v\f\r]")
_NOT_DOCUMENTS = re.compile(r"\.|readme|readchg|licen[cs]e|checksum|md5|sha256|.*\.(dtd|md|py|yaml)$", re.IGNORECASE)


def read_documents(
    path: str | os.PathLike[str],
    format: str = "auto",
    *,
    encoding: str = "utf-8",
    fields: Sequence[str] | None = None,
    id_field: str | None = None,
) -> DocumentStream:
    """Stream the documents of a file, of all files in a folder, or of `irds:<id>`.

    Parameters
    ----------
    path
        A file (gzip is unpacked), a BEIR folder, or any folder: its files in the order of their
        names, hidden ones and readmes left out. Of a folder of .txt, .md and .html files each is a
        document; see `irkit.io.documents.pages`.
    format : str
        One of trec, smart, npl, html, files, jsonl, tsv, csv, parquet, lee, irds; `auto` looks.
    encoding, fields, id_field
        See `irkit.io.reading.Reading`; an option without meaning in the format is refused.

    Yields
    ------
    Document
        With `where` set to `path:line`. Repeated ids are not looked for: an index refuses them.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        `path:line: what is wrong; what to do`.
    ConfigError
        If the format or an option does not fit.
    """
    reading = Reading(encoding=encoding, fields=_tuple(fields), id_field=id_field)
    path = _path(path)
    return DocumentStream(_files(path, format, reading), _about(path))


def read_queries(
    path: str | os.PathLike[str],
    format: str = "auto",
    *,
    encoding: str = "utf-8",
    fields: Sequence[str] | None = None,
    id_field: str | None = None,
    numbering: Literal["given", "ordinal"] = "given",
) -> pd.DataFrame:
    """Read a file of queries, a BEIR folder or `irds:<id>` into a queries frame.

    Parameters
    ----------
    path, encoding, fields, id_field, numbering
        As for `read_documents`; see also `irkit.io.reading.Reading`.
    format : str
        One of trec, trec-doc, xml, smart, npl, jsonl, tsv, csv, parquet, lee, irds; `auto` looks.

    Returns
    -------
    queries frame
        `qid`, `query`, in the order of the file.

    Raises
    ------
    NotFoundError, DataError, ConfigError
        As `read_documents`; a query without id or text and a repeated id are errors too.
    """
    reading = Reading(encoding=encoding, fields=_tuple(fields), id_field=id_field, numbering=numbering)
    path = _path(path)
    _held = hold(path)
    if path.is_dir():
        path, format = _from_beir(path, format, beir.queries_file, "jsonl")
    reader = _reader(QUERIES, path, format, "queries")
    return _queries_frame(path, reader(path, reading))


def read_qrels(
    path: str | os.PathLike[str],
    format: str = "auto",
    *,
    encoding: str = "utf-8",
    labels: Mapping[int, int] | None = None,
) -> pd.DataFrame:
    """Read a file of judgements, a BEIR folder (its test split) or `irds:<id>` into a qrels frame.

    Parameters
    ----------
    path, encoding
        As for `read_documents`.
    format : str
        One of trec, plain, smart, npl, tsv, csv, parquet, lee, irds; `auto` looks.
    labels : mapping of int to int, optional
        What each label of the file becomes; a label that is not named is an error.

    Returns
    -------
    qrels frame
        `qid`, `docno`, `label` (int64), in the order of the file.

    Raises
    ------
    NotFoundError, DataError, ConfigError
        As `read_documents`; a pair that is judged twice is an error too.
    """
    reading = Reading(encoding=encoding)
    path = _path(path)
    _held = hold(path)
    if path.is_dir():
        path, format = _from_beir(path, format, beir.qrels_file, "tsv")
    reader = _reader(QRELS, path, format, "qrels")
    return _qrels_frame(path, reader(path, reading), labels)


def sniff(path: Path, role: Role) -> str:
    """Tell the format of a file from its name and the structure of its first lines.

    Raises
    ------
    DataError
        If nothing fits, or two formats do; the message says what to name.
    """
    if irds.is_irds(path):
        return "irds"
    if role == "documents" and html.is_tar(path):
        return "html"
    known: dict[Role, Names] = {"documents": DOCUMENTS, "queries": QUERIES, "qrels": QRELS}
    return guess(path, role, list(known[role]))


def document_pages(path: Path, format: str = "auto") -> pages.Pages | None:
    """Return the files of a folder of which each is a document; None where `read_documents` reads it otherwise."""
    if not path.is_dir() or format not in ("auto", "files") or (format == "auto" and beir.is_beir(path)):
        return None
    return pages.all_pages(path) if format == "files" else pages.pages_of(path)


def _files(path: Path, format: str, reading: Reading) -> Iterator[_File | _Folder]:
    if not path.is_dir():
        return iter([_File(path, format, reading)])
    if (found := document_pages(path, format)) is not None:
        return iter([_Folder(path, found, reading)])
    if beir.is_beir(path):
        path, format = _from_beir(path, format, beir.corpus_file, "jsonl")
        return _files(path, format, reading)
    files = in_order(file for file in files_below(path) if not _NOT_DOCUMENTS.match(file.name))
    if not files:
        raise NotFoundError(f"{path}: the folder holds no documents")
    return (_File(file, format, reading) for file in files)


def _about(path: Path) -> int:
    """Return about how many documents a plain file of a line each holds, by its first lines; 0 of any other."""
    if is_stream(path) or path.suffix not in (".jsonl", ".tsv") or not path.is_file():
        return 0
    first = head(path, 1 << 16)
    return round(path.stat().st_size * first.count(b"\n") / len(first)) if first else 0


class _Folder:
    """The documents of a folder, each a file."""

    def __init__(self, path: Path, found: pages.Pages, reading: Reading) -> None:
        self._path, self._found, self._reading = path, found, reading
        pages.mention_left(path, found)

    def __iter__(self) -> Iterator[Document]:
        return pages.folder_documents(self._path, self._found, self._reading)

    def document_blocks(self) -> Iterator[Columns | list[Document]]:
        return ([document] for document in self)


class _File:
    """The documents of one file; holds a stream from the first look at it to its end."""

    def __init__(self, path: Path, format: str, reading: Reading) -> None:
        self._path, self._reading, self._held = path, reading, hold(path)
        self._format = sniff(path, "documents") if format == "auto" else format
        self._reader = _reader(DOCUMENTS, path, self._format, "documents")

    def __iter__(self) -> Iterator[Document]:
        empty = True
        for document in self._reader(self._path, self._reading):
            empty = False
            check_id(document.docno, "a document", document.where)
            yield document
        self._some(empty)

    def document_blocks(self) -> Iterator[Columns | list[Document]]:
        if self._format != "jsonl":
            yield from ([document] for document in self)
            return
        from irkit.io.documents import jsonl_columns

        empty = True
        for block in jsonl_columns.columns(self._path, self._reading):
            empty = empty and block == []
            yield block
        self._some(empty)

    def _some(self, empty: bool) -> None:
        if empty:
            raise bad(self._path, 1, "the file holds no document", "check that it was written completely")


class DocumentStream(Iterator[Document]):
    """The documents of some sources, such as files, one by one or as `irkit.documents.Blocked` has them."""

    def __init__(self, sources: Iterable[_File | _Folder | DocumentStream], about: int = 0) -> None:
        self._sources, self._about = iter(sources), about
        self._begun: Iterator[Document] | None = None

    def __length_hint__(self) -> int:
        """Return about how many documents there are; 0 where that is not known."""
        return self._about

    def __next__(self) -> Document:
        if self._begun is None:
            self._begun = chain.from_iterable(self._sources)
        return next(self._begun)

    def document_blocks(self) -> Iterator[Columns | list[Document]]:
        """Yield what is left of the documents; see `irkit.documents.Blocked`."""
        if self._begun is not None:  # what is left of the source at hand
            yield from ([document] for document in self._begun)
        for source in self._sources:
            yield from source.document_blocks()


def _reader(table: Names, path: Path, format: str, role: Role) -> Callable[[Path, Reading], Iterator[Any]]:
    if format == "auto":
        format = sniff(path, role)
    if format not in table:
        raise ConfigError(f"read_{role}: there is no format {format!r}; {near_misses(format, table)}")
    reader: Callable[[Path, Reading], Iterator[Any]] = table.load(format)
    return reader


def _from_beir(folder: Path, format: str, find: Callable[[Path], Path], kind: str) -> tuple[Path, str]:
    if not beir.is_beir(folder):
        raise NotFoundError(f"{folder}: the folder is no BEIR folder (no corpus.jsonl); name a file in it")
    if format not in {"auto", "beir"}:
        raise ConfigError(f"read: {folder} is a BEIR folder, got format {format!r}; leave the format out")
    return find(folder), kind


def _queries_frame(path: Path, queries: Iterator[Query]) -> pd.DataFrame:
    import pandas as pd

    qids, texts = [], []
    seen: dict[str, int] = {}
    for qid, text, line in queries:
        if not qid or qid.split() != [qid]:
            what = f"a query id may not be empty or hold white space, got {shown(qid)}"
            raise bad(path, line, what, "correct the id")
        check_id(qid, "a query", f"{path}:{line}")
        if not text.strip():
            raise bad(path, line, f"query {shown(qid)} has no text", "give it one or remove it")
        if not text.isascii() and (half := _SURROGATE.search(text)):
            what = f"query {shown(qid)} is not valid Unicode, it holds the lone surrogate {half.group()!a}"
            raise bad(path, line, what, "write the whole character")
        once(seen, qid, f"query {shown(qid)}", path, line)
        qids.append(qid)
        texts.append(text)
    if not qids:
        raise bad(path, 1, "the file holds no query", "check that it was written completely")
    return pd.DataFrame({"qid": qids, "query": texts}, dtype="str")


def _qrels_frame(path: Path, judgements: Iterator[Judgement], labels: Mapping[int, int] | None) -> pd.DataFrame:
    import pandas as pd

    seen: dict[tuple[str, str], int] = {}
    found: list[int] = []
    for qid, docno, label, line in judgements:
        if not -LARGEST_LABEL <= label <= LARGEST_LABEL:
            read_label(label, path, line)  # raises
        if not (qid.isalnum() and docno.isalnum()):  # most are, and have nothing to hide
            _check_pair(path, line, qid, docno)
        before = seen.setdefault((qid, docno), line)
        if len(seen) == len(found):  # the pair was there
            what = f"document {shown(docno)} is judged twice for query {shown(qid)}, first in line {before}"
            raise bad(path, line, what, "remove one of them")
        if labels is not None and label not in labels:
            raise bad(
                path, line, f"label {label} is not among the known ones ({', '.join(map(str, labels))})", "correct it"
            )
        found.append(label if labels is None else labels[label])
    if not found:
        raise bad(path, 1, "the file holds no judgement", "check that it was written completely")
    frame = pd.DataFrame(list(seen), columns=["qid", "docno"], dtype="str")
    return frame.assign(label=pd.Series(found, dtype="int64"))


def _check_pair(path: Path, line: int, qid: str, docno: str) -> None:
    for kind, one in (("a query", qid), ("a document", docno)):
        if not one or _WHITE.search(one):
            what = f"the id of {kind} may not be empty or hold white space, got {shown(one)}"
            advice = "correct the id"
            if kind == "a document" and one.strip() and one.strip() == one:
                advice += "; a file's name has _ for each blank where it is an id"
            raise bad(path, line, what, advice)
        check_id(one, kind, f"{path}:{line}")


def _path(path: str | os.PathLike[str]) -> Path:
    if irds.is_irds(path):
        return Path(path)
    path = Path(path).expanduser()
    if not (readable(path) or path.exists()):
        raise no_file(path, "file or folder")
    return path


def _tuple(fields: Sequence[str] | None) -> tuple[str, ...] | None:
    if isinstance(fields, str):
        raise ConfigError(f"read: fields must be a list of names, got {fields!r}; write [{fields!r}]")
    return None if fields is None else tuple(fields)

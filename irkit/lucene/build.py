"""Build an index: documents in, an ordinary Lucene index with Anserini's fields out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from operator import length_hint
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.columns import arrow_numbers, arrow_rows, arrow_strings
from irkit.documents import Blocked, Columns, Document, as_documents
from irkit.errors import ConfigError, DataError, JavaError
from irkit.ids import check_id, hides
from irkit.lucene import integrity, swap
from irkit.lucene.analysis import BATCH_CHARACTERS, BATCH_TEXTS, check_analyzer, processors, utf8
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java
from irkit.lucene.making import create
from irkit.lucene.manifest import commit_key
from irkit.lucene.owned import FOLDER, builder
from irkit.lucene.wire import java_errors, pack_strings
from irkit.progress import progress as progress_of

if TYPE_CHECKING:
    from irkit.lucene.index import Index

LONGEST_DOCNO = 32766
"Bytes; Lucene's limit for a term."

LONGEST_TEXT = 1 << 30
"Bytes; a batch must fit into a Java array."

SMALLEST_MEMORY = 16

STEP = 50
"Milliseconds of waiting for Java at a time, so that Ctrl-C is heard."


def build_index(
    path: str | os.PathLike[str],
    documents: Any,
    *,
    analyzer: str = "english",
    positions: bool = False,
    store_text: bool = True,
    threads: int | None = None,
    memory_mb: int = 512,
    progress: bool = False,
    overwrite: bool = False,
) -> Index:
    """Index documents and open the result.

    The index is built beside `path` and put in its place at the end: an interrupted build leaves
    what was there as it was.

    Parameters
    ----------
    path : path
        Folder of the index.
    documents : frame or iterable
        Anything `irkit.documents.as_documents` takes; read once, in batches.
    analyzer : str
        See `irkit.lucene.Analyzer`.
    positions : bool
        Index the positions of terms, for other tools' phrase queries; irkit does not need them.
    store_text : bool
        Store the texts, so that `Index.texts` can give them back.
    threads : int, optional
        Threads that analyse and write; defaults to the processors this process may use. With more
        than one, the internal order of the documents may differ from build to build.
    memory_mb : int
        For documents not written yet, in MB, at least 16, all threads together; two fifths of the JVM's heap at most.
        What threads remember of words comes on top, 40 MB each at most.
    progress : bool
        Show a bar on a terminal; elsewhere the logger `irkit.progress` gets a line a minute.
    overwrite : bool
        Replace an index that is there already, whole or damaged. A folder that holds anything
        besides is refused all the same.

    Raises
    ------
    ConfigError
        If an option makes no sense, if there is an index already and `overwrite` does not say to
        replace it, or if `path` holds anything but an index or cannot be written.
    DataError
        If there are no documents, or an id is empty, holds white space or control characters, or comes
        twice.
    LockedError
        If another process builds the same index.
    JavaError
        If Lucene fails, for instance on a full disk.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ConfigError(
            f"{builder()}: the folder comes first, got {type(path).__name__}; write build_index('folder', documents)"
        )
    from irkit.lucene.index import Index

    analyzer = check_analyzer(analyzer)
    threads = _whole("threads", processors() if threads is None else threads, 1)
    memory_mb = _whole("memory_mb", memory_mb, SMALLEST_MEMORY)
    index = swap.target(path)
    with swap.building(index, overwrite=overwrite) as fresh:
        writer = _Writer(index, fresh, (analyzer, threads, int(positions), int(store_text), memory_mb))
        try:
            writer.finish(_feed(writer, documents, progress=progress))
        except BaseException:
            writer.abort()
            raise
        with swap.writing(index):
            manifest = create(fresh, fresh / FOLDER, commit_key(fresh))
            integrity.remember(index, manifest, fresh)
    return Index.open(index)


class _Writer:
    """The bridge's index builder, its failures in one line."""

    def __init__(self, index: Path, fresh: Path, options: tuple[Any, ...]) -> None:
        start = java("IndexBuilder").start
        self._errors = partial(java_errors, f"{builder()}: writing {index} failed")
        with self._errors():
            self._builder = start(str(fresh), *options)

    def add(self, block: bytes) -> list[int]:
        """Queue a batch; return its rows whose id may have come before."""
        with self._errors():
            while not self._builder.room(STEP, len(block)):
                pass
            suspects = self._builder.add(block).tostring()
        places: list[int] = np.frombuffer(suspects, dtype="<i4").tolist()
        return places

    def count(self, docno: str) -> int:
        """Count the documents added with this id."""
        with self._errors():
            return int.from_bytes(interruptible(self._builder.count, docno), "little")

    def finish(self, content: str) -> None:
        """Commit."""
        with self._errors():
            self._builder.finish(content)
            while not self._builder.done(STEP):
                pass

    def abort(self) -> None:
        """Stop; the folder is removed by its owner."""
        with suppress(JavaError), self._errors():
            interruptible(self._builder.abort)


def _feed(writer: _Writer, documents: Any, *, progress: bool) -> str:
    """Send all documents to the writer and return a digest of their ids and texts."""
    state = hashlib.blake2b(digest_size=16)
    count = 0
    blocks = (
        documents.document_blocks() if isinstance(documents, Blocked) else ([one] for one in as_documents(documents))
    )
    with progress_of(length_hint(documents) or None, "indexing", " documents", shown=progress) as bar:
        for batch in _batches(_columns(blocks)):
            block = _block(batch)
            state.update(block)
            for row in writer.add(block):
                _check_twice(writer, batch.docnos[row].as_py(), batch.where(row))
            count += len(batch.docnos)
            bar.update(len(batch.docnos))
    if not count:
        raise DataError(f"{builder()}: there are no documents; check the source")
    return state.hexdigest()


def _columns(blocks: Iterable[Columns | list[Document]]) -> Iterator[Columns]:
    """Make columns of documents that come one by one, many at a time."""
    some: list[Document] = []
    count = size = 0
    for block in blocks:
        if isinstance(block, list):
            some += block
            size += sum(len(document.text) for document in block if isinstance(document.text, str))
        if some and (isinstance(block, Columns) or len(some) >= BATCH_TEXTS or size > BATCH_CHARACTERS):
            yield _in_columns(some, count)
            count += len(some)
            some, size = [], 0
        if isinstance(block, Columns):
            yield block
            count += len(block.docnos)
    if some:
        yield _in_columns(some, count)


def _in_columns(documents: list[Document], before: int) -> Columns:
    """Lay documents out in columns; `before` documents came earlier."""

    def where(row: int) -> str:
        return documents[row].where or f"document {before + row + 1}"

    docnos, texts, _ = zip(*documents, strict=True)
    with suppress(UnicodeEncodeError):
        if all(isinstance(one, str) for one in docnos + texts):
            return Columns(arrow_strings(list(docnos)), arrow_strings(list(texts)), where)
    for row, document in enumerate(documents):
        _check_document(document, where(row))
    raise AssertionError("one of the documents is at fault")


def _batches(columns: Iterable[Columns]) -> Iterator[Columns]:
    """Cut columns anew: a batch ends with its `BATCH_TEXTS`th document, or the one that makes it too long."""
    pieces: list[Columns] = []
    count = size = 0
    for docnos, texts, where in columns:
        lengths = arrow_numbers(pc.utf8_length(texts)).astype(np.int64)
        total, start = np.cumsum(lengths), 0
        while start < len(docnos):
            before = int(total[start - 1]) if start else 0
            longer = int(np.searchsorted(total, before + BATCH_CHARACTERS - size, side="right"))
            end = min(start + BATCH_TEXTS - count, longer + 1, len(docnos))
            some = slice(start, end)
            pieces.append(Columns(docnos[some], texts[some], partial(_from, where, start)))
            count, size = count + end - start, size + int(total[end - 1]) - before
            if count == BATCH_TEXTS or size > BATCH_CHARACTERS:
                yield _joined(pieces)
                pieces, count, size = [], 0, 0
            start = end
    if pieces:
        yield _joined(pieces)


def _from(where: Callable[[int], str], start: int, row: int) -> str:
    return where(start + row)


def _joined(pieces: list[Columns]) -> Columns:
    """Lay pieces end to end."""
    if len(pieces) == 1:
        return pieces[0]
    ends = np.cumsum([len(piece.docnos) for piece in pieces])

    def where(row: int) -> str:
        piece = int(np.searchsorted(ends, row, side="right"))
        return pieces[piece].where(row - (int(ends[piece - 1]) if piece else 0))

    docnos, texts = (pa.concat_arrays([piece[side] for piece in pieces]) for side in (0, 1))
    return Columns(docnos, texts, where)


def _block(batch: Columns) -> bytes:
    """Check and encode a batch: id and text of each document in turn."""
    docnos: list[str] = batch.docnos.to_pylist()
    # Ids without white space come back from a split as they were.
    joined = " ".join(docnos)
    longest = [pc.max(pc.binary_length(part)).as_py() for part in batch[:2]]
    if joined.split() != docnos or hides(joined) or longest[0] > LONGEST_DOCNO or longest[1] > LONGEST_TEXT:
        for row, docno in enumerate(docnos):
            _check_document(Document(docno, batch.texts[row].as_py()), batch.where(row))
    n = len(docnos)
    turns = np.arange(2 * n).reshape(2, n).T.ravel()
    return pack_strings(pa.concat_arrays(batch[:2]).take(arrow_rows(turns)))


def _check_document(document: Document, where: str) -> None:
    docno, text, _ = document
    if docno is None or docno == "":
        raise DataError(f"{where}: the id of a document is empty; give every document an id")
    size = len(utf8(docno, f"{where}: the id of a document"))
    if docno.split() != [docno]:
        raise DataError(f"{where}: the id of a document holds white space, got {docno!r}; run files cannot express it")
    check_id(docno, "a document", where)
    if size > LONGEST_DOCNO:
        raise DataError(f"{where}: the id of a document has at most {LONGEST_DOCNO} bytes, got {size}; shorten it")
    size = len(utf8(text, f"{where}: the text of {docno}"))
    if size > LONGEST_TEXT:
        raise DataError(f"{where}: the text of {docno} has at most {LONGEST_TEXT} bytes, got {size}; split it")


def _check_twice(writer: _Writer, docno: str, where: str) -> None:
    """Refuse a document whose id is in the index already; equal hashes alone are no proof."""
    if writer.count(docno) > 1:
        raise DataError(f"{where}: the id {docno!r} comes a second time; ids must be unique")


def _whole(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{builder()}: {name} must be a whole number from {least} up, got {value!r}")
    return value

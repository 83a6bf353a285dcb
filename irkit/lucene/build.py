"""Build an index: documents in, an ordinary Lucene index with Anserini's fields out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from operator import length_hint
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
from irkit.lucene.shards import new_shard, write_shards
from irkit.lucene.wire import java_errors, pack_strings
from irkit.progress import progress as progress_of

if TYPE_CHECKING:
    from irkit.lucene.index import Index

LONGEST_DOCNO = 32766
"Bytes; Lucene's limit for a term."

LONGEST_TEXT = 1 << 30
"Bytes; a batch must fit into a Java array."

SMALLEST_MEMORY = 16

MOST_SHARDS = 256
"That are built side by side, each by a writer of its own."

STEP = 50
"Milliseconds of waiting for Java at a time, so that Ctrl-C is heard."


def build_index(
    path: str | os.PathLike[str],
    documents: Any,
    *,
    analyzer: str = "english",
    positions: bool = False,
    store_text: bool = True,
    shards: int | None = None,
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
    shards : int, optional
        Build so many indexes side by side, which are searched as one: scores and order are those of one index of all
        documents, to the bit. From 1 to 256; more can be added (`add_shard`). Shards can be searched by processes of
        their own (`irkit.cluster`).
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
        If there are no documents, fewer than shards, or an id is empty, holds white space or control characters, or
        comes twice.
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

    options = checked_options(analyzer, positions, store_text, threads, memory_mb)
    number = None if shards is None else _whole("shards", shards, 1, MOST_SHARDS)
    index = swap.target(path)
    with swap.building(index, overwrite=overwrite) as fresh:
        folders = [fresh] if number is None else [new_shard(fresh, i) for i in range(number)]
        write_documents(folders, documents, options, index, progress=progress)
        with swap.writing(index):
            for folder in folders:
                finish(folder, index / folder.relative_to(fresh))
            if number is not None:
                write_shards(fresh, folders)
                finish(fresh, index)
    return Index.open(index)


class Options(NamedTuple):
    """How an index is written."""

    analyzer: str
    positions: bool
    text: bool
    "Texts are stored."
    threads: int
    memory_mb: int


def checked_options(analyzer: str, positions: bool, text: bool, threads: int | None, memory_mb: int) -> Options:
    """Check how an index is to be written.

    Raises
    ------
    ConfigError
        If an option makes no sense.
    """
    threads = _whole("threads", processors() if threads is None else threads, 1)
    memory_mb = _whole("memory_mb", memory_mb, SMALLEST_MEMORY)
    return Options(check_analyzer(analyzer), positions, text, threads, memory_mb)


def write_documents(
    folders: Sequence[Path], documents: Any, options: Options, index: Path, *, progress: bool = False
) -> None:
    """Write documents into one index, or spread them evenly over several that are written side by side.

    Parameters
    ----------
    folders : sequence of Path
        Empty folders, one for each index.
    documents, progress
        As for `build_index`.
    options : Options
        Threads and memory are for all together.
    index : Path
        What messages name.
    """
    n = len(folders)
    threads, memory = max(options.threads // n, 1), max(options.memory_mb // n, 1)
    settings = (options.analyzer, threads, int(options.positions), int(options.text), memory)
    writers: list[_Writer] = []
    try:
        for folder in folders:
            writers.append(_Writer(index, folder, settings, writers))
        for writer, content in zip(writers, _feed(writers, documents, progress=progress), strict=True):
            writer.finish(content)
        for writer in writers:
            writer.wait()
    except BaseException:
        for writer in writers:
            writer.abort()
        raise


def finish(folder: Path, place: Path) -> None:
    """Make the sidecar of an index that was just written, and note that both are intact where they will be found."""
    manifest = create(folder, folder / FOLDER, commit_key(folder))
    integrity.remember(place, manifest, folder)


class _Writer:
    """The bridge's index builder, its failures in one line."""

    def __init__(self, index: Path, fresh: Path, settings: tuple[Any, ...], others: Sequence[_Writer]) -> None:
        self._java = java("IndexBuilder")
        self._errors = partial(java_errors, f"{builder()}: writing {index} failed")
        with self._errors():
            self._builder = self._java.start(str(fresh), *settings)
            if others:
                self._java.share(self._builder, others[0]._builder)

    def add(self, block: bytes) -> list[int]:
        """Queue a batch; return its rows whose id may have come before."""
        with self._errors():
            while not self._java.room(self._builder, STEP, len(block)):
                pass
            suspects = self._java.add(self._builder, block).tostring()
        places: list[int] = np.frombuffer(suspects, dtype="<i4").tolist()
        return places

    def count(self, docno: str) -> int:
        """Count the documents added with this id."""
        with self._errors():
            return int.from_bytes(interruptible(self._java.count, self._builder, docno), "little")

    def finish(self, content: str) -> None:
        """Begin to commit."""
        with self._errors():
            self._java.finish(self._builder, content)

    def wait(self) -> None:
        """Wait for the commit."""
        with self._errors():
            while not self._java.done(self._builder, STEP):
                pass

    def abort(self) -> None:
        """Stop; the folder is removed by its owner."""
        with suppress(JavaError), self._errors():
            interruptible(self._java.abort, self._builder)


def _feed(writers: Sequence[_Writer], documents: Any, *, progress: bool) -> list[str]:
    """Send all documents to the writers and return a digest of the ids and texts that each has got."""
    n, count = len(writers), 0
    states = [hashlib.blake2b(digest_size=16) for _ in writers]
    blocks = (
        documents.document_blocks() if isinstance(documents, Blocked) else ([one] for one in as_documents(documents))
    )
    with progress_of(length_hint(documents) or None, "indexing", " documents", shown=progress) as bar:
        for batch in _batches(_columns(blocks)):
            for i, part in enumerate(_spread(batch, n), start=count):  # where the last batch has ended
                block = _block(part)
                states[i % n].update(block)
                for row in writers[i % n].add(block):
                    _check_twice(writers, part.docnos[row].as_py(), part.where(row))
            count += len(batch.docnos)
            bar.update(len(batch.docnos))
    if not count:
        raise DataError(f"{builder()}: there are no documents; check the source")
    if count < n:
        raise DataError(f"{builder()}: {n} shards need as many documents, got {count}; take fewer shards")
    return [state.hexdigest() for state in states]


def _spread(batch: Columns, n: int) -> Iterator[Columns]:
    """Cut a batch into n parts of like size, the first ones one document longer; empty ones are left out."""
    if n == 1:
        yield batch
        return
    size, longer = divmod(len(batch.docnos), n)
    start = 0
    for i in range(min(n, len(batch.docnos))):
        end = start + size + (i < longer)
        yield Columns(batch.docnos[start:end], batch.texts[start:end], partial(_from, batch.where, start))
        start = end


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


def _check_twice(writers: Sequence[_Writer], docno: str, where: str) -> None:
    """Refuse a document whose id is in the index already; equal hashes alone are no proof."""
    if sum(writer.count(docno) for writer in writers) > 1:
        raise DataError(f"{where}: the id {docno!r} comes a second time; ids must be unique")


def _whole(name: str, value: int, least: int, most: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= (most or value):
        bound = "up" if most is None else f"to {most}"
        raise ConfigError(f"{builder()}: {name} must be a whole number from {least} {bound}, got {value!r}")
    return value

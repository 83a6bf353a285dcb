"""The NPL (Vaswani) files: a number, lines of text, a line that holds `/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from irkit.documents import Document
from irkit.io.lines import bad, lines, whole
from irkit.io.reading import Judgement, Query, Reading, check_size


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read `doc-text`."""
    for line, number, text in _records(path, reading):
        yield Document(number, "\n".join(part for _, part in text), f"{path}:{line}")


def queries(path: Path, reading: Reading) -> Iterator[Query]:
    """Read `query-text`."""
    for line, number, text in _records(path, reading):
        yield Query(number, " ".join(part for _, part in text), line)


def qrels(path: Path, reading: Reading) -> Iterator[Judgement]:
    """Read `rlv-ass`: each record lists the documents relevant to one query (label 1)."""
    for _, number, text in _records(path, reading):
        for line, part in text:
            for docno in part.split():
                yield Judgement(number, str(whole(docno, "document id", path, line)), 1, line)


def _records(path: Path, reading: Reading) -> Iterator[tuple[int, str, list[tuple[int, str]]]]:
    """Yield (line, number, [(line, stripped text)])."""
    reading.only("npl", "encoding")
    start, number = 0, ""
    text: list[tuple[int, str]] = []
    size = 0
    for line, full in lines(path, reading.encoding):
        part = full.strip()
        if not start:
            if part:
                start, number = line, str(whole(part, "first line of a record", path, line))
        elif part == "/":
            yield start, number, text
            start, text, size = 0, [], 0
        else:
            text.append((line, part))
            size += len(part) + 1
            check_size(size, f"record {number}", path, start)
    if start:
        raise bad(
            path, start, f"record {number} does not end with a line /", "the file may be cut short; fetch it again"
        )

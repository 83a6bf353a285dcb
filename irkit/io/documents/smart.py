"""SMART files (`.I .T .A .B .W ...`), the form of Cranfield, MEDLINE and CACM.

A record starts with `.I number`; a line of a dot and a capital letter starts a field. The text is
made of `.T` and `.W` unless `fields` says otherwise. `.X`, a citation list, is no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from irkit.documents import Document
from irkit.io.lines import bad, finite, lines, split_lines, whole
from irkit.io.reading import Judgement, Query, Reading, check_size, read_label

_FIELD = re.compile(r"\.([A-Z])\s*")
_TEXT = ("T", "W")


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read the records of a SMART file; the id is the number behind `.I`."""
    reading.only("smart", "encoding", "fields")
    for line, number, fields in _records(path, reading):
        yield Document(number, _text(fields, reading), f"{path}:{line}")


def queries(path: Path, reading: Reading) -> Iterator[Query]:
    """Read a SMART query file; `numbering="ordinal"` is for Cranfield, whose judgements count queries from 1."""
    reading.only("smart", "encoding", "fields", "numbering")
    for position, (line, number, fields) in enumerate(_records(path, reading), 1):
        yield Query(str(position) if reading.numbering == "ordinal" else number, _text(fields, reading), line)


def qrels(path: Path, reading: Reading) -> Iterator[Judgement]:
    """Read `qid docno grade`, or `qid docno 0 0` where being listed means relevant (label 1).

    Ids are numbers and lose leading zeros, as in `.I`. Lines that begin with `#` are comments.
    """
    reading.only("smart", "encoding")
    for line, parts in split_lines(path, reading.encoding):
        if parts[0].startswith("#"):
            continue
        if len(parts) not in {3, 4}:
            what = f"a SMART judgement has 3 or 4 columns (query, document, grade), got {len(parts)}"
            raise bad(path, line, what, "correct the line")
        qid = whole(parts[0], "query id", path, line)
        docno = whole(parts[1], "document id", path, line)
        if len(parts) == 4:  # the last two columns carry nothing in any known file
            whole(parts[2], "third column", path, line)
            finite(parts[3], "fourth column", path, line)
        label = read_label(parts[2], path, line) if len(parts) == 3 else 1
        yield Judgement(str(qid), str(docno), label, line)


def _records(path: Path, reading: Reading) -> Iterator[tuple[int, str, dict[str, list[str]]]]:
    """Yield (line, number, field letter -> lines of text)."""
    start, number = 0, ""
    fields: dict[str, list[str]] = {}
    current: list[str] | None = None
    size = 0
    for line, text in lines(path, reading.encoding):
        if text.startswith(".I") and not text[2:3].strip():
            if start:
                yield start, number, fields
            start, number = line, str(whole(text[2:].strip(), "number behind .I", path, line))
            fields, current, size = {}, None, 0
        elif match := _FIELD.fullmatch(text):
            if not start:
                raise bad(path, line, "a field comes before the first .I", "start every record with .I and a number")
            current = fields.setdefault(match.group(1), [])
        elif current is not None:
            current.append(text.rstrip())
            size += len(text) + 1
            check_size(size, f"record {number}", path, start)
        elif text.strip():
            where = "behind .I and before a field" if start else "before the first .I"
            raise bad(path, line, f"text stands {where}", "start every text with a field such as .W")
    if not start:
        raise bad(path, 1, "there is no .I in the file", "name the right format (--format in commands)")
    yield start, number, fields


def _text(fields: dict[str, list[str]], reading: Reading) -> str:
    wanted = (fields.get(letter, []) for letter in reading.fields or _TEXT)
    return "\n".join(line for part in wanted for line in part).strip()

"""TREC documents (`<DOC><DOCNO>...`) and topics (`<top><num>...`).

The text of a document is the text of its elements, read as HTML the way Anserini reads them;
`fields` names the elements to keep, default all but `<DOCNO>`. A topic's text is its `<title>`;
`fields` chooses among title, desc and narr.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from irkit.documents import Document
from irkit.errors import DataError
from irkit.io.html import html_text
from irkit.io.lines import bad, lines
from irkit.io.reading import Query, Reading

_DOCNO = re.compile(r"<DOCNO>\s*(.*?)\s*</DOCNO>", re.IGNORECASE | re.DOTALL)
_FIELD = re.compile(r"<(num|title|desc|narr)>", re.IGNORECASE)
_CLOSE = re.compile(r"</(num|title|desc|narr)>", re.IGNORECASE)
_LABEL = re.compile(r"\s*(Number|Topic|Description|Narrative)\s*:", re.IGNORECASE)


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read the `<DOC>` elements of a file.

    Raises
    ------
    DataError
        If a `<DOC>` is not closed, has no `<DOCNO>`, or no document has any of the wanted fields.
    """
    reading.only("trec", "encoding", "fields")
    wanted = None
    if reading.fields:
        names = "|".join(map(re.escape, reading.fields))
        wanted = re.compile(rf"<({names})(?:\s[^>]*)?>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
    met = 0
    for line, body in _elements(path, reading.encoding, "DOC"):
        docno, rest = _docno(path, line, body)
        if wanted:
            sections = [match.group(2) for match in wanted.finditer(rest)]
            met += len(sections)
            text = "\n".join(html_text(section) for section in sections)
        else:
            text = html_text(rest)
        yield Document(docno, text, f"{path}:{line}")
    if reading.fields and not met:
        raise DataError(
            f"{path}:1: no document has any of the fields {', '.join(reading.fields)}; name the elements that hold text"
        )


def topics(path: Path, reading: Reading) -> Iterator[Query]:
    """Read the `<top>` elements of a topics file.

    Raises
    ------
    DataError
        If a `<top>` is not closed, has no `<num>`, or lacks a wanted field.
    """
    reading.only("trec", "encoding", "fields")
    for line, body in _elements(path, reading.encoding, "top"):
        pieces = _FIELD.split(_CLOSE.sub("", body))
        found: dict[str, str] = {}
        for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
            found[name.lower()] = " ".join(_LABEL.sub("", text, count=1).split())
        if not found.get("num"):
            raise bad(path, line, "this <top> has no <num>", "give every topic a number")
        for name in reading.fields or ("title",):
            if name not in found:
                has = ", ".join(found)
                raise bad(path, line, f"topic {found['num']} has no <{name}>, it has {has}", "choose other fields")
        yield Query(found["num"], " ".join(found[name] for name in reading.fields or ("title",)), line)


def document_topics(path: Path, reading: Reading) -> Iterator[Query]:
    """Read topics that look like documents, `<DOC><DOCNO> 1 </DOCNO> text </DOC>`: all the text is the query.

    Source: Anserini's CacmTopicReader, for the topics of its CACM regression.
    """
    reading.only("trec-doc", "encoding")
    for line, body in _elements(path, reading.encoding, "DOC"):
        qid, text = _docno(path, line, body)
        yield Query(qid, text.strip(), line)


def _elements(path: Path, encoding: str, name: str) -> Iterator[tuple[int, str]]:
    """Yield (line of the start tag, content) of every `<name>` element; what lies between is left out."""
    opening = re.compile(rf"<{name}(?:\s[^>]*)?>", re.IGNORECASE)
    either = re.compile(rf"<(/?){name}(?:\s[^>]*)?>", re.IGNORECASE)
    start = 0
    parts: list[str] = []
    found = False
    for line, text in lines(path, encoding):
        at = 0
        while True:
            tag = (either if start else opening).search(text, at)
            if tag is None:
                if start:
                    parts.append(text[at:])
                break
            if start and not tag.group(1):
                raise bad(path, start, f"<{name}> is not closed before the next one in line {line}", f"add </{name}>")
            if start:
                parts.append(text[at : tag.start()])
                yield start, "\n".join(parts)
                parts, start, found = [], 0, True
            else:
                start = line
            at = tag.end()
    if start:
        raise bad(
            path, start, f"<{name}> is not closed before the file ends", "the file may be cut short; fetch it again"
        )
    if not found:
        raise bad(path, 1, f"there is no <{name}> in the file", "name the right format")


def _docno(path: Path, line: int, body: str) -> tuple[str, str]:
    match = _DOCNO.search(body)
    if match is None or not match.group(1):
        raise bad(path, line, "this <DOC> has no <DOCNO>", "give every document an id")
    if len(match.group(1).split()) > 1:
        raise bad(path, line, f"a <DOCNO> may not hold white space, got {match.group(1)!r}", "correct the id")
    return match.group(1), body[: match.start()] + body[match.end() :]

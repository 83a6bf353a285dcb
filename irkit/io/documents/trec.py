"""TREC documents (`<DOC><DOCNO>...`) and topics (`<top><num>...`).

The text of a document is the text of its elements, read as HTML the way Anserini reads them;
`fields` names the elements to keep, default all but `<DOCNO>`. A topic's text is its `<title>`, or
its `<query>` where there is no title; `fields` chooses among its elements.

A topic's elements need not be closed: one ends where the next begins. What opens or ends an element
is a tag of TREC's own, anywhere, and any other tag that stands first in its line or behind another
tag; a `<b>` within a text stays text. The number in `<num> Number: 051` is 51, which NIST's
judgements call it; ids without that label stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from irkit.documents import Document
from irkit.errors import DataError
from irkit.io.documents.html import html_text
from irkit.io.lines import bad, lines
from irkit.io.reading import Query, Reading, check_size, listed
from irkit.wording import shown

# The elements of the topics of TREC 1 to 8 and later, with the words that NIST puts before their text.
_LABELS = {
    "num": "Number",
    "title": "Topic",
    "desc": "Description",
    "narr": "Narrative",
    "dom": "Domain",
    "smry": "Summary",
    "con": "Concept(s)",
    "fac": "Factor(s)",
    "nat": "Nationality",
    "time": "Time",
    "def": "Definition(s)",
}
_KNOWN = {*_LABELS, "head", "query"}
_MARKUP = frozenset("a b br div em i li ol p span strong sub sup tt u ul".split())  # of texts, no elements of a topic
_DOCNO_OPEN, _DOCNO_CLOSE = re.compile("<DOCNO>", re.IGNORECASE), re.compile("</DOCNO>", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9_-]*)(?:\s[^<>]*)?>")
_LANGUAGE = re.compile(r"[a-z]{2}-")


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read the `<DOC>` elements of a file.

    Raises
    ------
    DataError
        If a `<DOC>` is not closed, has no `<DOCNO>`, or no document has any of the wanted fields.
    """
    reading.only("trec", "encoding", "fields")
    met = 0
    for line, body in _elements(path, reading.encoding, "DOC"):
        docno, rest = _docno(path, line, body)
        if reading.fields:
            sections = _sections(rest, reading.fields)
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
        If a `<top>` is not closed, has no `<num>`, has an element twice, or lacks a wanted field.
    """
    reading.only("trec", "encoding", "fields")
    for line, body in _elements(path, reading.encoding, "top"):
        found, twice = _topic(body)
        if not found.get("num"):
            raise bad(path, line, "this <top> has no <num>", "give every topic a number")
        names = reading.fields or ("query" if "query" in found and "title" not in found else "title",)
        for name in names:
            if name not in found:
                what = f"topic {shown(found['num'])} has no <{name}>, it has {listed(found)}"
                raise bad(path, line, what, "choose other fields")
        again = next((name for name in ("num", *names) if name in twice), None)
        if again is not None:
            raise bad(path, line, f"topic {shown(found['num'])} has two <{again}>", "keep one of them")
        yield Query(found["num"], " ".join(found[name] for name in names), line)


def document_topics(path: Path, reading: Reading) -> Iterator[Query]:
    """Read topics that look like documents, `<DOC><DOCNO> 1 </DOCNO> text </DOC>`: all the text is the query.

    Source: Anserini's CacmTopicReader, for the topics of its CACM regression.
    """
    reading.only("trec-doc", "encoding")
    for line, body in _elements(path, reading.encoding, "DOC"):
        qid, text = _docno(path, line, body)
        yield Query(qid, text.strip(), line)


def _topic(body: str) -> tuple[dict[str, str], set[str]]:
    """Return the elements of a topic by name in lower case, closed up, and the names that occur twice."""
    found: dict[str, str] = {}
    twice = set()
    name, begin = "", 0
    for kind, closes, start, end in [*_boundaries(body), ("", True, len(body), len(body))]:
        if name in found:
            twice.add(name)
        elif name:
            found[name] = _unlabelled(name, body[begin:start])
        name, begin = ("" if closes else kind), end
    return found, twice


def _boundaries(body: str) -> Iterator[tuple[str, bool, int, int]]:
    """Yield (name, whether it closes, start, end) of the tags at which an element of a topic begins or ends."""
    behind, bound = 0, True  # the end of the tag before, and whether that was a boundary
    inside = ""  # the element that is open
    for tag in _TAG.finditer(body):
        kind = _LANGUAGE.sub("", tag.group(2).lower(), count=1)
        _, newline, before = body[behind : tag.start()].rpartition("\n")
        first = not before.strip() and (bound or bool(newline))  # in its line, or behind another boundary
        bound = kind in _KNOWN or (kind not in _MARKUP and first) or (tag.group(1) == "/" and kind == inside)
        behind = tag.end()
        if bound:
            inside = "" if tag.group(1) else kind
            yield kind, bool(tag.group(1)), tag.start(), tag.end()


def _unlabelled(name: str, text: str) -> str:
    """Close up a text and take away the word that NIST puts before it, such as `Description:`."""
    words = " ".join(text.split())
    label = _LABELS.get(name)
    if label is None or not words.lower().startswith(label.lower()):
        return words
    rest = words[len(label) :].lstrip()
    if not rest.startswith(":"):
        return words
    text = rest[1:].lstrip()
    return text.lstrip("0") or "0" if name == "num" and text.isascii() and text.isdigit() else text


def _elements(path: Path, encoding: str, name: str) -> Iterator[tuple[int, str]]:
    """Yield (line of the start tag, content) of every `<name>` element; what lies between is left out."""
    opening = re.compile(rf"<(/?){name}(?=[\s>])", re.IGNORECASE)
    start = size = 0
    parts: list[str] = []
    found = False
    for line, text in lines(path, encoding):
        at = 0
        while True:
            tag = opening.search(text, at) if "<" in text else None
            end = text.find(">", tag.end()) if tag else -1
            if tag is None or end < 0:  # a tag ends in the line that it begins in
                if start:
                    parts.append(text[at:])
                    size += len(text) - at + 1
                    check_size(size, f"the <{name}>", path, start)
                break
            if start and not tag.group(1):
                raise bad(path, start, f"<{name}> is not closed before the next one in line {line}", f"add </{name}>")
            if start:
                parts.append(text[at : tag.start()])
                yield start, "\n".join(parts)
                parts, start, found = [], 0, True
            elif not tag.group(1):
                start, size = line, 0
            at = end + 1
    if start:
        raise bad(
            path, start, f"<{name}> is not closed before the file ends", "the file may be cut short; fetch it again"
        )
    if not found:
        raise bad(path, 1, f"there is no <{name}> in the file", "name the right format (--format in commands)")


def _sections(body: str, names: tuple[str, ...]) -> list[str]:
    """Return the contents of the elements with these names, in the order of the text, none inside another."""
    opening = re.compile(rf"<({'|'.join(map(re.escape, names))})(?=[\s>])", re.IGNORECASE)
    closing = {name.lower(): re.compile(rf"</{re.escape(name)}>", re.IGNORECASE) for name in names}
    found = []
    at = 0
    while (tag := opening.search(body, at)) is not None:
        at, name = tag.end(), tag.group(1).lower()
        if name not in closing:
            continue
        end = body.find(">", at)
        if end < 0:
            break
        close = closing[name].search(body, end + 1)
        if close is not None:
            found.append(body[end + 1 : close.start()])
            at = close.end()
        else:
            del closing[name]  # none is closed from here on: to look again would take quadratic time
    return found


def _docno(path: Path, line: int, body: str) -> tuple[str, str]:
    begin = _DOCNO_OPEN.search(body)
    end = _DOCNO_CLOSE.search(body, begin.end()) if begin else None
    docno = body[begin.end() : end.start()].strip() if begin and end else ""
    if begin is None or end is None or not docno:
        raise bad(path, line, "this <DOC> has no <DOCNO>", "give every document an id")
    if len(docno.split()) > 1:
        raise bad(path, line, f"a <DOCNO> may not hold white space, got {shown(docno)}", "correct the id")
    return docno, body[: begin.start()] + body[end.end() :]

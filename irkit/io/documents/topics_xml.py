"""XML topics: `<topic>` elements under any root, as TREC, CLEF and others write them.

    <topics><topic number="1"><query>..</query><question>..</question></topic>     TREC-COVID, Web track
    <topics><topic lang="en"><identifier>..</identifier><title>..</title></topic>  CLEF
    <topics><topic number="1">a patient ..</topic>                                 Clinical Trials

The number is an attribute or an element called `number`, `num`, `identifier`, `id`, `topic_id` or
`qid`; the text is the `<title>`, else the `<query>`, else the topic's own text; `fields` chooses
among its elements. A file that declares entities is refused: they can make little into much.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from irkit.errors import IrkitError
from irkit.io.lines import bad, opened
from irkit.io.reading import Query, Reading, check_size, listed
from irkit.wording import shown

_NUMBERS = ("number", "num", "identifier", "id", "topic_id", "qid")
_TEXTS = ("title", "query")
_CHUNK = 1 << 16
_DEEPEST = 100


@dataclass
class _Topic:
    line: int
    attributes: dict[str, str]
    own: list[str] = field(default_factory=list)
    elements: dict[str, list[str]] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)
    size: int = 0


def queries(path: Path, reading: Reading) -> Iterator[Query]:
    """Read the `<topic>` elements of a file.

    Raises
    ------
    DataError
        If the file is not well-formed, declares entities, or a topic has no number or no such text.
    """
    reading.only("xml", "encoding", "fields")
    found = False
    for topic in _topics(path, reading.encoding):
        found = True
        yield _query(topic, reading.fields, path)
    if not found:
        raise bad(path, 1, "there is no <topic> in the file", "name the right format (--format in commands)")


def _query(topic: _Topic, fields: tuple[str, ...] | None, path: Path) -> Query:
    texts = {name: " ".join("".join(parts).split()) for name, parts in topic.elements.items()}
    number = next((topic.attributes[name] for name in _NUMBERS if name in topic.attributes), None)
    used = None
    if number is None:
        used = next((name for name in _NUMBERS if name in texts), None)
        if used is None:
            has = listed([*topic.attributes, *texts])
            what = f"this <topic> has no number ({', '.join(_NUMBERS)}), it has {has}"
            raise bad(path, topic.line, what, "give every topic a number")
        number = texts.pop(used)
    names = fields or next(((name,) for name in _TEXTS if name in texts), ())
    own = " ".join("".join(topic.own).split())
    if not names and not texts and own:
        return Query(number.strip(), own, topic.line)
    lacks = next((name for name in names or ("title",) if name not in texts), None)
    if lacks is not None:
        what = f"topic {shown(number)} has no <{lacks}>, it has {listed(texts)}"
        raise bad(path, topic.line, what, "choose other fields")
    again = next((name for name in (*names, used) if name in topic.twice), None)
    if again is not None:
        raise bad(path, topic.line, f"topic {shown(number)} has two <{again}>", "keep one of them")
    return Query(number.strip(), " ".join(texts[name] for name in names), topic.line)


def _topics(path: Path, encoding: str) -> Iterator[_Topic]:
    """Yield the topics one after another, the file a piece at a time."""
    done: list[_Topic] = []
    # An XML file says its encoding itself; one that is named here overrules it.
    parser = expat.ParserCreate(None if encoding == "utf-8" else encoding)
    _listen(parser, path, done)
    with opened(path) as file:
        while True:
            try:
                chunk = file.read(_CHUNK)
            except (EOFError, zlib.error, OSError) as error:
                what = f"the file is cut short or damaged: {error}"
                raise bad(path, parser.CurrentLineNumber, what, "fetch it again") from None
            try:
                parser.Parse(chunk, not chunk)
            except expat.ExpatError as error:
                what = f"not valid XML: {expat.ErrorString(error.code)} in column {error.offset + 1}"
                raise bad(path, error.lineno, what, "correct the file; & is written &amp; and < is &lt;") from None
            except IrkitError:
                raise
            except (LookupError, ValueError) as error:  # the encoding that the file declares
                raise bad(path, 1, f"its encoding is not read: {error}", "write it as UTF-8") from None
            yield from done
            done.clear()
            if not chunk:
                return


def _listen(parser: Any, path: Path, done: list[_Topic]) -> None:
    """Let a parser put every finished topic into a list."""
    stack: list[str] = []
    topic: _Topic | None = None

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal topic
        kind = name.lower()
        stack.append(kind)
        if len(stack) > _DEEPEST:
            raise bad(path, parser.CurrentLineNumber, "the XML is nested too deeply", "topics hold texts")
        if topic is None:
            if kind == "topic":
                topic = _Topic(parser.CurrentLineNumber, {key.lower(): value for key, value in attributes.items()})
                stack[:] = [kind]
        elif len(stack) == 2:
            if kind in topic.elements:
                topic.twice.add(kind)
            topic.elements.setdefault(kind, [])

    def end(_: str) -> None:
        nonlocal topic
        if stack:
            stack.pop()
        if topic is not None and not stack:
            done.append(topic)
            topic = None

    def text(data: str) -> None:
        if topic is not None:
            topic.size += len(data)
            check_size(topic.size, "the topic", path, topic.line)
            (topic.own if len(stack) == 1 else topic.elements[stack[1]]).append(data)

    def refuse(*_: Any) -> None:
        what = "the file declares or uses entities of its own"
        raise bad(path, parser.CurrentLineNumber, what, "write the characters themselves")

    def doctype(_name: str, _system: Any, _public: Any, inside: int) -> None:
        if inside:
            refuse()

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler, parser.EntityDeclHandler, parser.SkippedEntityHandler = doctype, refuse, refuse

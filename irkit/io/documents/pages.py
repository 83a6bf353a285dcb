"""Folders of .txt, .md and .html files: every file is a document.

    notes/rain.txt, notes/2024/snow day.md        the ids rain.txt and 2024/snow_day.md

The id is the path from the folder, with `/` on every system and `_` for each white-space character, which no id may
hold. The text is that of the file, its lines ended by a newline each but the last: a page of HTML without its tags
(`irkit.io.documents.html`), everything else as it stands. Hidden files and folders are left out, and so are
`queries.*`, `topics.*` and `qrels.*` in the folder itself, which are no documents. A folder with files that hold many
documents each, such as TREC's, is no folder of pages.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from irkit.documents import Document
from irkit.errors import DataError, NotFoundError
from irkit.ids import check_id
from irkit.io.documents.html import html_text
from irkit.io.documents.sniff import holds_many
from irkit.io.lines import bad
from irkit.io.reading import Reading, listed, whole_text
from irkit.locate import files_below, in_order
from irkit.packing import bare
from irkit.table import counted

SUFFIXES = (".txt", ".md", ".html", ".htm")
"What the files are called that are documents."

_HTML = (".html", ".htm")
_ASIDE = re.compile(r"readme|readchg|licen[cs]e|checksum|md5|sha256", re.IGNORECASE)
_BESIDE = ("queries", "topics", "qrels", "qrel")
_log = logging.getLogger("irkit")


class Pages(NamedTuple):
    """The files of a folder."""

    taken: list[Path]
    "Those that are documents, in the order of their paths."
    left: list[Path]
    "The others that are not hidden."


def pages_of(folder: Path) -> Pages | None:
    """Return the files of a folder whose .txt, .md and .html files are documents; None where they are not.

    They are not where files of the folder hold many documents each: then its .txt files must do so too, and pages of
    HTML are read beside them. A readme alone makes no collection.

    Raises
    ------
    DataError
        If some files hold many documents and .txt files beside them do not.
    """
    if not folder.is_dir():
        return None
    found = all_pages(folder)
    named = [path for path in found.taken if not _ASIDE.match(path.name)]
    if not named:
        return None
    texts = [path for path in named if _suffix(path) == ".txt"]
    many = [path for path in found.left if not _is_aside(path, folder) and holds_many(path, _suffix(path))]
    if texts and all(holds_many(path, ".txt", alone=len(texts) == len(named)) for path in texts):
        many, texts = many + texts, []
    if not many:
        return found
    if texts:
        raise DataError(
            f"{folder}: {texts[0].relative_to(folder)} is a text and {many[0].relative_to(folder)} holds documents; "
            "keep one sort in the folder, or take .txt, .md and .html alone with the format files (--format files)"
        )
    return None


def all_pages(folder: Path) -> Pages:
    """Return the .txt, .md and .html files of a folder and of those in it, whatever else lies there."""
    taken: list[Path] = []
    left: list[Path] = []
    for path in in_order(files_below(folder)):
        is_page = _suffix(path) in SUFFIXES and not _is_beside(path.relative_to(folder))
        (taken if is_page else left).append(path)
    return Pages(taken, left)


def mention_left(folder: Path, found: Pages) -> None:
    """Say through logging what lies in a folder and is not read."""
    if found.left:
        names = listed(path.relative_to(folder).as_posix() for path in found.left)
        many = f"{counted(len(found.taken), 'file')} {'is a document' if len(found.taken) == 1 else 'are documents'}"
        _log.warning("%s: %s (%s); left out: %s", folder, many, _kinds(found), names)


def folder_documents(folder: Path, found: Pages, reading: Reading) -> Iterator[Document]:
    """Read the files of a folder.

    Raises
    ------
    DataError
        If two files become the same id, or a file does not fit the encoding.
    """
    if not found.taken:
        raise NotFoundError(f"{folder}: the folder holds no {', '.join(SUFFIXES[:-1])} file; name one that does")
    ids: dict[str, Path] = {}
    for path in found.taken:
        other = ids.setdefault(docno := _docno(path.relative_to(folder)), path)
        if other is not path:
            raise DataError(f"{path}: becomes the document {docno!r}, as {other} does; rename one of them")
    for docno, path in ids.items():
        check_id(docno, "a document", f"{path}:1")
        yield Document(docno, _text(path, reading), f"{path}:1")


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read one file, which is a document by its name."""
    yield Document(_docno(Path(path.name)), _text(path, reading), f"{path}:1")


def _text(path: Path, reading: Reading) -> str:
    reading.only("files", "encoding")
    if not path.stat().st_size:
        return ""
    text = whole_text(path, reading)
    if "\0" in text:
        raise bad(path, 1, "this is no text", "move it out of the folder, or write it as UTF-8")
    return html_text(text) if _suffix(path) in _HTML else text


def _docno(inside: Path) -> str:
    return re.sub(r"\s", "_", inside.as_posix())


def _suffix(path: Path) -> str:
    return bare(path.name.lower()).suffix


def _is_aside(path: Path, folder: Path) -> bool:
    return _ASIDE.match(path.name) is not None or _is_beside(path.relative_to(folder))


def _is_beside(inside: Path) -> bool:
    """Say whether a file holds queries or judgements by its name."""
    stem = inside.name.lower().partition(".")[0]
    return len(inside.parts) == 1 and stem in _BESIDE and _suffix(inside) not in (".md", *_HTML)


def _kinds(found: Pages) -> str:
    kinds: Sequence[str] = [_suffix(path) for path in found.taken]
    return ", ".join(f"{kinds.count(one)} {one}" for one in dict.fromkeys(SUFFIXES) if one in kinds)

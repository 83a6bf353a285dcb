"""HTML files, single or in a tar archive, one document a file.

The text of a page is what Jsoup's `text()` gives, so that a collection indexed here has the same
tokens as one indexed by Anserini's HtmlCollection (its identifiers too: file name less `.html`).

Source: the HTML standard, section 13.2.5 (tokenisation), for what is a tag, a comment or text.
Departures: white space is kept as it stands instead of collapsed; analysis does not see it. Tags out
of place (a cell without a table, an end without a start) end a word here; Jsoup overlooks them.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Iterator
from html import unescape
from html.entities import html5
from pathlib import Path, PurePosixPath

from irkit.documents import Document
from irkit.errors import NotFoundError
from irkit.io.lines import bad, decoded, opened
from irkit.io.reading import Reading, check_size, whole_text
from irkit.packing import bare

# Jsoup's block elements: they end a word, inline ones do not.
_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        """
        html head body frameset script noscript style meta link title frame noframes section nav aside hgroup header
        footer p h1 h2 h3 h4 h5 h6 ul ol pre div blockquote hr address figure figcaption form fieldset ins del dl dt dd
        li table caption thead tfoot tbody colgroup col tr th td video audio canvas details menu plaintext template
        article main svg math center dir applet marquee listing br
        """,
    )
)
_RAW = frozenset({"script", "style", "title", "textarea"})  # no tags inside
_SHOWN = frozenset({"title", "textarea"})
_CLOSE = {name: re.compile(rf"</{name}[\s/>]", re.IGNORECASE) for name in _RAW}
_SIGN = re.compile(r"<(?:/?[a-zA-Z]|!--|[!?/])")
_REFERENCE = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z]+[0-9]*);?")
_LONGEST_REFERENCE = 40
# After the tag's name, a quote has a meaning only behind an equals sign.
_TAG = re.compile(r"""</?([a-zA-Z][^\s/>]*+)(?:=\s*+"[^"]*+(?:"|\Z)|=\s*+'[^']*+(?:'|\Z)|[^>])*+>""")


def html_text(html: str) -> str:
    """Return the text of HTML: tags, comments, scripts and styles removed, character references read.

    Examples
    --------
    >>> html_text("<p>A &amp; <b>B</b>ee<br>C < D")
    'A & Bee\\nC < D'
    """
    pieces: list[str] = []
    unclosed: set[str] = set()  # what no end tag comes for any more: to look again would take quadratic time
    at = 0
    while (start := html.find("<", at)) >= 0:
        sign = _SIGN.match(html, start)
        if sign is None:
            pieces.append(_text(html[at : start + 1]))  # a lone < is text
            at = start + 1
            continue
        pieces.append(_text(html[at:start]))
        if sign.group() == "<!--":
            at = _after(html, "-->", start + 2)
        elif not sign.group()[-1].isalpha():  # <!doctype>, <?xml?>, </> and the like
            at = _after(html, ">", start)
        elif (tag := _TAG.match(html, start)) is None:
            at = len(html)  # the file ends inside a tag, which is dropped
        else:
            name = tag.group(1).lower()
            at = tag.end()
            if name in _BLOCKS:
                pieces.append("\n")
            if name in _RAW and not html.startswith("</", start):
                close = None if name in unclosed else _CLOSE[name].search(html, at)
                if close is None:
                    unclosed.add(name)
                if name not in _SHOWN:
                    at = close.start() if close else len(html)
                elif close:
                    pieces.append(_text(html[at : close.start()]))
                    at = close.start()
    pieces.append(_text(html[at:]))
    return "".join(pieces).strip()


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read one HTML file, or every `.html` or `.htm` file of a tar archive in its order."""
    reading.only("html", "encoding")
    if is_tar(path):
        yield from _archived(path, reading.encoding)
    else:
        yield Document(_docno(bare(path.name).name), html_text(whole_text(path, reading)), f"{path}:1")


def is_tar(path: Path) -> bool:
    """Say whether a file is a tar archive by its name."""
    name = path.name.lower()
    return bare(name).suffix == ".tar" or name.endswith((".tgz", ".tbz2", ".txz"))


def _archived(path: Path, encoding: str) -> Iterator[Document]:
    found = False
    with opened(path) as file:
        try:
            with tarfile.open(fileobj=file, mode="r|") as archive:  # one pass, nothing is unpacked to disk
                for member in archive:
                    if not member.isfile() or not member.name.lower().endswith((".html", ".htm")):
                        continue
                    found = True
                    where = f"{path}:{member.name}"
                    check_size(member.size, "the page", Path(where), 1)
                    data = archive.extractfile(member)
                    raw = data.read() if data else b""
                    text = "\n".join(decoded(part, encoding, where, n) for n, part in enumerate(raw.split(b"\n"), 1))
                    yield Document(_docno(member.name), html_text(text), f"{where}:1")
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise bad(path, 1, f"the tar archive is cut short or damaged: {error}", "fetch it again") from None
    if not found:
        raise NotFoundError(f"{path}: the archive holds no .html file; unpack archives of other files first")


def _docno(name: str) -> str:
    return re.sub(r"\.html?$", "", PurePosixPath(name).name)


def _text(html: str) -> str:
    return _REFERENCE.sub(_referred, html) if "&" in html else html


def _referred(match: re.Match[str]) -> str:
    """Read one character reference; a name must be whole, as Jsoup has it (`&notit;` stays as it is)."""
    reference = match.group()
    if len(reference) > _LONGEST_REFERENCE and reference[1] == "#":
        return "\ufffd"  # no character has such a number; one of thousands of digits cannot even be read
    return unescape(reference) if reference[1] == "#" or reference[1:] in html5 else reference


def _after(html: str, end: str, start: int) -> int:
    found = html.find(end, start)
    return len(html) if found < 0 else found + len(end)

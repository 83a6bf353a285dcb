"""Ids and labels: what may stand in them, wherever they come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from irkit.errors import DataError

LARGEST_LABEL = 1_000_000
"A grade lies within plus and minus this: trec_eval keeps a counter for every grade up to the largest."

# Control characters, lone surrogates, and what leaves two different ids looking the same: marks of
# direction, spaces without width, line and paragraph separators, variation tags. The joiners U+200C
# and U+200D are not among them, since words of Persian and of Indian languages hold them.
HIDDEN = (
    "\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
"The inside of a character class that matches one such character, for Python's `re` and for Arrow's."

PASSAGE = re.compile(r"(.+)%p(\d+)", re.DOTALL)
"The id of a passage: that of its document, and its number."

_HIDDEN = re.compile(f"[{HIDDEN}\ud800-\udfff]")


def hides(text: str) -> str | None:
    """Return the first character of a text that no id may hold, written as `U+001B`, or None.

    White space is not looked for: what is allowed there depends on who writes the id.

    Examples
    --------
    >>> hides("doc-1"), hides("doc\\x1b[2J"), hides("\\u202edoc")
    (None, 'U+001B', 'U+202E')
    """
    if text.isprintable():  # much faster, and true of nearly every id
        return None
    found = _HIDDEN.search(text)
    return None if found is None else f"U+{ord(found.group()):04X}"


def document_of(name: str) -> str:
    """Return the id of the document that a passage is of; of what is no passage, the id itself.

    Examples
    --------
    >>> document_of("doc-1%p12"), document_of("doc-1"), document_of("100%pure")
    ('doc-1', 'doc-1', '100%pure')
    """
    found = PASSAGE.fullmatch(name)
    return found[1] if found else name


def documents_of(known: Any, names: Sequence[str]) -> list[str]:
    """Return ids as a table of them (`irkit.docnos.Docnos`) has them: for a passage that it lacks, its document's."""
    return [name if row >= 0 else document_of(name) for name, row in zip(names, known.rows(names), strict=True)]


def check_id(text: str, what: str, where: str) -> None:
    """Raise `DataError` if an id holds a control character, an invisible one or half of a surrogate pair.

    Parameters
    ----------
    text : str
        The id.
    what : str
        What it is the id of, such as `a document`.
    where : str
        `file:line`, or what else finds it.
    """
    character = hides(text)
    if character is None:
        return
    if "U+D800" <= character <= "U+DFFF" and len(character) == 6:
        raise DataError(
            f"{where}: the id of {what} is not valid Unicode, got the lone surrogate {character}; "
            "write the whole character, or decode the source with errors='replace'"
        )
    raise DataError(
        f"{where}: the id of {what} holds the control or invisible character {character}, got {text!r}; "
        "remove it from the id"
    )

"""The part of a text in which most terms of a query stand together, to be shown beside a document's id."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from irkit.screen import visible

LOOKED = 20_000
"Characters of a text, from its start, in which a snippet is looked for."

BEFORE = 60
"Characters that a snippet may show before the first term."

_WORD = re.compile(r"\w{1,64}")

Analyze = Callable[[Sequence[str]], list[list[str]]]
"Makes the terms of each text, as an index does."


def snippets(analyze: Analyze, query: str, texts: Sequence[str | None], length: int) -> list[tuple[int, str] | None]:
    """Cut of each text the part with most distinct terms of a query, the first of several.

    Parameters
    ----------
    analyze : function
    query : str
    texts : sequence of str or None
    length : int
        Characters of a snippet at most, the marks of what is left out not counted.

    Returns
    -------
    list
        Where each snippet begins in its text, in characters, and the snippet, on one line and without control
        characters; None for None. A text without any of the terms gives its start.
    """
    wanted = set(analyze([query])[0])
    words = [
        [] if text is None else [(at.start(), at.group()) for at in _WORD.finditer(text[:LOOKED])] for text in texts
    ]
    distinct = sorted({word for own in words for _, word in own})
    terms = {word: wanted.intersection(made) for word, made in zip(distinct, analyze(distinct), strict=True)}
    found = ([(at, term) for at, word in own for term in terms[word]] for own in words)
    return [
        None if text is None else _cut(text, densest(own, length - BEFORE), length)
        for text, own in zip(texts, found, strict=True)
    ]


def densest(found: Sequence[tuple[int, str]], width: int) -> int:
    """Return where the part of a width with most distinct terms begins, the first of several; 0 without any.

    Examples
    --------
    >>> densest([(5, "storm"), (90, "storm"), (99, "damag")], 20)
    90
    """
    best, begins, last, inside = 0, 0, 0, Counter[str]()
    for first, (at, term) in enumerate(found):
        while last < len(found) and found[last][0] < at + width:
            inside[found[last][1]] += 1
            last += 1
        if len(inside) > best:
            best, begins = len(inside), at
        inside[term] -= 1
        if not inside[term]:
            del inside[term]
        assert last > first
    return begins


def _cut(text: str, at: int, length: int) -> tuple[int, str]:
    """Cut a text some characters before a place, between words, and say where."""
    start = max(at - BEFORE, 0)
    if start:
        space = text.find(" ", start, at)
        start = at if space < 0 else space + 1
    end = min(start + length, len(text))
    if end < len(text) and (space := text.rfind(" ", at + 1, end)) > 0:
        end = space
    line = visible(" ".join(text[start:end].split()))[:length]
    return start, ("..." if start else "") + line + ("..." if end < len(text) else "")

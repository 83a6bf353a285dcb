"""What systems found for single queries: their texts, their first documents, what moved most, and why.

It is for the page that is written right after a run. A result file has none of it: texts are the collection's, whose
owner may not want them passed on, and they would make files many times as long. So a page that is made again from a
kept result shows bars with the names of queries alone.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from irkit.errors import IrkitError
from irkit.ids import documents_of
from irkit.pipeline.explain import explain

if TYPE_CHECKING:
    from irkit.frames import Queries
    from irkit.hits import Hits
    from irkit.lucene import Index
    from irkit.pipeline.stage import Stage

FIRST = 20
"Documents of a query that are kept of each system; those below are said to be below."

MOVED = 4
"Documents shown of a query for two systems."

LOOKED = 100
"Queries that documents are kept of: those with the greatest differences."

EXPLAINED, ASKED = 8, 2
"Of these, from the first, those that scores are explained of, and of how many documents that moved most."

TEXT, PASSAGE = 300, 170
"Characters of a query's text and of a document's passage, at most."

READ = 200_000
"Characters of a document that are searched for a passage."

LINES, WIDE = 14, 100
"Lines of a score's trail, and characters of each."

TEXTS, PASSAGES = 120_000, 300_000
"Characters of all of them together, which keeps a page of 10,000 queries small enough to mail."

LEAST, BESIDE = 120_000, 18
"Characters of passages that there is always room for; and those that each query's values take of the room."

_WORD = re.compile(r"\w+")
_NOTHING = re.compile(r"\s+0\.0000  ")  # a term or a feature that adds nothing
COMMON = frozenset(
    "about also been from have into more over than that their there they this were what when which will with".split()
)
"Words of more than three letters that tell nothing of what a query is about."

_STEM = 5  # first letters that make two words forms of one


@dataclass(frozen=True)
class Seen:
    """A document that a query brought up."""

    docno: str
    label: int | None
    "Its judgement; None where it has none."
    passage: str = ""
    "Where its text has most of the query's words; empty for one that did not move."


@dataclass(frozen=True)
class Look:
    """What systems found for one query."""

    documents: tuple[Seen, ...]
    found: dict[str, tuple[int, ...]]
    "System -> its first documents, best first, as numbers of `documents`."
    why: dict[str, dict[int, str]] = field(default_factory=dict)
    "System -> document -> the trail of its score, where that was asked for."


@dataclass(frozen=True)
class Looks:
    """What is known of the queries of a board beside their values."""

    texts: dict[str, str]
    "Query -> its text, cut; where there are too many, of those with the greatest differences."
    details: dict[str, Look]
    "Query -> what was found, of those with the greatest differences."


def first_documents(hits: Hits, *, exclude_self: bool) -> dict[str, list[str]]:
    """Return the first documents of each query, best first; without the query's own where that is left out."""
    out = {}
    for row, qid in enumerate(hits.queries["qid"].tolist()):
        start, end = int(hits.ptr[row]), int(hits.ptr[row + 1])
        names = hits.docnos.take(hits.doc[start : min(end, start + FIRST + 1)]).to_pylist()
        out[qid] = [name for name in names if not (exclude_self and name == qid)][:FIRST]
    return out


def looks(
    first: Mapping[str, Mapping[str, Sequence[str]]],
    values: Mapping[str, Mapping[str, float]],
    baseline: str | None,
    texts: Mapping[str, str],
    labels: Mapping[str, Mapping[str, int]],
    contents: Callable[[Sequence[str]], Sequence[str]],
    why: Callable[[str, str, str], str] = lambda system, qid, docno: "",
) -> Looks:
    """Gather what a page shows of single queries.

    Parameters
    ----------
    first : system -> query -> docnos
        As `first_documents` has them.
    values : system -> query -> value
        Of the measure by whose differences queries are chosen.
    baseline : str, optional
        What systems are compared with; None compares them with each other.
    texts : query -> text
    labels : query -> docno -> judgement
    contents : function of docnos
        Gives their texts.
    why : function of system, query, docno
        Gives the trail of a score; empty where there is none.
    """
    order = _by_difference(values, baseline)
    room, kept = TEXTS, {}
    for qid in (one for one in order if one in texts):
        text = shortened(texts[qid], TEXT)
        room -= len(text)
        if room < 0:
            break
        kept[qid] = text
    details: dict[str, Look] = {}
    left = max(LEAST, PASSAGES - BESIDE * len(order))
    for qid in order[:LOOKED]:
        found = {system: list(own[qid]) for system, own in first.items() if qid in own}
        names = list(dict.fromkeys(docno for own in found.values() for docno in own))
        moved = _moved_pairs(found, baseline)
        read = list(dict.fromkeys(docno for pair in moved.values() for docno in pair))
        passages = dict(zip(read, (passage(text, texts.get(qid, "")) for text in contents(read)), strict=True))
        left -= sum(map(len, passages.values())) + 12 * len(names)
        if left < 0:
            break
        judged = labels.get(qid, {})
        place = {docno: number for number, docno in enumerate(names)}
        trails: dict[str, dict[int, str]] = {}
        if len(details) < EXPLAINED:
            pairs = [
                (one, docno) for system, own in moved.items() for one in (system, baseline) for docno in own[:ASKED]
            ]
            for one, docno in dict.fromkeys(pairs):
                if one is not None and one in found and (text := why(one, qid, docno)):
                    trails.setdefault(one, {})[place[docno]] = text
        details[qid] = Look(
            tuple(Seen(docno, judged.get(docno), passages.get(docno, "")) for docno in names),
            {system: tuple(place[docno] for docno in own) for system, own in found.items()},
            trails,
        )
    return Looks(kept, details)


def moved(own: Sequence[str], other: Sequence[str], n: int = MOVED) -> list[str]:
    """Return the documents that two lists place most differently, by nDCG's discount of places.

    Examples
    --------
    >>> moved(["a", "b", "c", "d"], ["b", "x", "c", "d"], n=3)
    ['a', 'x', 'b']
    """
    worth = [{docno: 1 / math.log2(place + 2) for place, docno in enumerate(ranking)} for ranking in (own, other)]
    by = {docno: abs(worth[0].get(docno, 0.0) - worth[1].get(docno, 0.0)) for docno in [*own, *other]}
    return sorted((docno for docno, size in by.items() if size), key=lambda docno: -by[docno])[:n]


def passage(text: str, query: str, length: int = PASSAGE) -> str:
    """Return the piece of a text, on one line, that has most of a query's words.

    Words count as the same where they are `alike`.

    Examples
    --------
    >>> passage("It rained all day. Firemen fought the bushfires near Sydney until night.", "bushfire Sydney", 40)
    '… the bushfires near Sydney until night.'
    """
    line = " ".join(text[:READ].split())
    if len(line) <= length:
        return line
    wanted = [word for word in dict.fromkeys(_WORD.findall(query.lower())) if len(word) > 3 and word not in COMMON]
    meant: dict[str, str | None] = {}  # word of the text -> the first of the query's that it is like
    hits: list[tuple[int, str]] = []
    for at in _WORD.finditer(line.lower()):
        word = at.group()
        if word not in meant:
            meant[word] = next((one for one in wanted if alike(word, one)), None)
        if (one := meant[word]) is not None:
            hits.append((at.start(), one))
    best, start, end = 0, 0, 0
    inside: Counter[str] = Counter()  # of the window that begins at a hit: every hit goes in once and out once
    for begin, word in hits:
        while end < len(hits) and hits[end][0] < begin + length - 20:
            inside[hits[end][1]] += 1
            end += 1
        if len(inside) > best:
            best, start = len(inside), begin
        inside[word] -= 1
        if not inside[word]:
            del inside[word]
    start = max(0, min(start - 8, len(line) - length))
    start = line.find(" ", start - 1) + 1 if start else 0
    head = "… " if start else ""
    return head + shortened(line[start:], length)


def alike(one: str, other: str) -> bool:
    """Say whether two words are forms of one: the first five letters or more, all but two of the shorter, are shared.

    Words with digits are alike if they are equal.

    Examples
    --------
    >>> alike("bushfire", "bushfires"), alike("international", "interest"), alike("word25", "word26")
    (True, False, False)
    """
    if one == other or not (one.isalpha() and other.isalpha()):
        return one == other
    least = max(_STEM, min(len(one), len(other)) - 2)
    return one[:least] == other[:least] and min(len(one), len(other)) >= least


def shortened(text: str, length: int) -> str:
    """Cut a text to a length on one line, at a blank if there is one."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rsplit(" ", 1)[0] + "…"


def _moved_pairs(found: Mapping[str, Sequence[str]], baseline: str | None) -> dict[str, list[str]]:
    """Return what moved most between each system and the baseline, or the first system where there is none."""
    against = baseline if baseline in found else next(iter(found), None)
    if against is None:
        return {}
    return {system: moved(own, found[against]) for system, own in found.items() if system != against}


def _by_difference(values: Mapping[str, Mapping[str, float]], baseline: str | None) -> list[str]:
    """Order queries by the greatest difference of any system from the baseline, or of any two."""
    by: dict[str, list[float]] = {}
    for own in values.values():
        for qid, value in own.items():
            by.setdefault(qid, []).append(value)
    base = values.get(baseline, {}) if baseline is not None else {}

    def size(qid: str) -> float:
        if qid not in base:
            return max(by[qid]) - min(by[qid])
        return max(abs(value - base[qid]) for value in by[qid])

    return sorted(by, key=lambda qid: -size(qid))


def contents(index: Index, docnos: Sequence[str]) -> list[str]:
    """Return the stored texts of documents; empty ones where the index has none, or passages of other names."""
    try:
        return index.texts(documents_of(index.docnos, docnos))
    except IrkitError:
        return [""] * len(docnos)


def trail(stage: Stage, query: Queries, docno: str) -> str:
    """Return how a score came about in a few lines: what terms or features add; empty where a stage cannot say."""
    try:
        found = explain(stage, query, docno)
    except IrkitError:
        return ""
    if found.terms().empty and found.features().empty:
        return ""
    _, *lines = [line for line in str(found).splitlines() if not _NOTHING.match(line)]
    shown = [line if len(line) <= WIDE else line[: WIDE - 1] + "…" for line in lines[:LINES]]
    return textwrap.dedent("\n".join([*shown, "  …"] if len(lines) > LINES else shown))

"""The Lee news collection as a test collection; its three files travel inside gensim.

350 short news items: 300 for background (`lee_background.cor`) and 50 (`lee.cor`) whose similarity
was rated pair by pair by people on a scale of 1 to 5. `similarities0-1.txt` holds the mean ratings
divided by 5, as the upper triangle of a matrix.

Source: Lee, Pincombe and Welsh, "An Empirical Evaluation of Models of Text Document Similarity",
CogSci 2005.

How it becomes a test collection (decisions of irkit, made without looking at any system's results):

- Documents are all 350, with the ids `lee-01` to `lee-50` and `background-001` to `background-300`.
- The 50 rated documents are the queries: the first sentence, of at least eight words, under the
  document's own id. That document is never an answer to its query.
- The other 49 rated documents are judged for each query. A mean rating below 2 of 5 is grade 0;
  the scale above it is cut into four equal steps, grades 1 to 4. Every query then has relevant
  documents, between 2 and 19 with a median of 8; six queries have none of grade 2 or more.
- The background documents are unjudged and count as not relevant, although some of them report
  the same events. So the figures compare systems; they do not say how good any of them is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.documents import Document
from irkit.io.lines import bad, finite, lines, split_lines
from irkit.io.reading import Judgement, Query, Reading

THRESHOLDS = (0.4, 0.55, 0.7, 0.85)
"The lowest similarity of the grades 1, 2, 3 and 4."
SHORTEST = 8
"Words a first sentence has at least; so that `Sen. Brown said` ends none."

_IDS = {"lee": "lee-{:02d}", "lee_background": "background-{:03d}"}
_SENTENCE_END = re.compile(r"""[.?!]["']?(?=\s+["'A-Z]|\s*$)""")


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read `lee.cor` or `lee_background.cor`, one document a line."""
    reading.only("lee", "encoding")
    name = _IDS.get(path.stem)
    if name is None:
        raise bad(path, 1, "the Lee collection consists of lee.cor and lee_background.cor", "name one of them")
    for line, text in lines(path, reading.encoding):
        yield Document(name.format(line), text.strip(), f"{path}:{line}")


def queries(path: Path, reading: Reading) -> Iterator[Query]:
    """Read the queries from `lee.cor`: the first sentence of every document, under the document's id."""
    for line, document in enumerate(documents(path, reading), 1):
        yield Query(document.docno, first_sentence(document.text), line)


def qrels(path: Path, reading: Reading) -> Iterator[Judgement]:
    """Read the judgements from `similarities0-1.txt`, every pair in both directions.

    Raises
    ------
    DataError
        If the matrix is not square or holds anything but numbers from 0 to 1.
    """
    reading.only("lee", "encoding")
    rows: list[list[float]] = []
    for line, parts in split_lines(path, reading.encoding):
        if rows and len(parts) != len(rows[0]):
            raise bad(path, line, f"{len(rows[0])} columns are needed, got {len(parts)}", "restore the file")
        rows.append([finite(part, "similarity", path, line) for part in parts])
        if not 0 <= min(rows[-1]) <= max(rows[-1]) <= 1:
            raise bad(path, line, "a similarity must lie in 0..1", "restore the file")
    if len(rows) != len(rows[0]):
        raise bad(path, len(rows), f"{len(rows[0])} rows are needed, got {len(rows)}", "restore the file")
    upper = np.triu(np.array(rows), 1)
    labels = grades(upper + upper.T)
    name = _IDS["lee"]
    for i in range(len(rows)):
        for j in range(len(rows)):
            if i != j:
                yield Judgement(name.format(i + 1), name.format(j + 1), int(labels[i, j]), min(i, j) + 1)


def grades(similarity: Floats) -> Ints:
    """Turn similarities in 0..1 into grades 0..4.

    Examples
    --------
    >>> grades(np.array([0.2, 0.4, 0.55, 0.84, 1.0])).tolist()
    [0, 1, 2, 3, 4]
    """
    return np.searchsorted(THRESHOLDS, similarity, side="right")


def first_sentence(text: str) -> str:
    """Return the first sentence of at least `SHORTEST` words.

    A sentence ends with a full stop, question or exclamation mark before a capital or the end.

    Examples
    --------
    >>> first_sentence("Mr. Smith of the U.S. Senate said on Sept. 3 it was so. He left.")
    'Mr. Smith of the U.S. Senate said on Sept. 3 it was so.'
    """
    for end in _SENTENCE_END.finditer(text):
        if len(text[: end.end()].split()) >= SHORTEST:
            return text[: end.end()]
    return text

"""Documents as numbers of words, one a line behind its label: how DocNADE's successors publish their sets.

    0,136 501 888 911          the label's number, and the words', from 0, rows of the vocabulary

The published files hold the words of a document sorted, so that their order is lost and says nothing: they are
read as counts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from irkit.arrays import Ints
from irkit.errors import DataError
from irkit.io.kinds import Bags, Ragged
from irkit.io.lines import LONGEST_ROW, bad, decoded, lines, raw_lines
from irkit.io.texts.parts import Parting, parted


def labelled(train: Path, valid: Path, test: Path, words: Path) -> list[Bags]:
    """Read the three parts and their vocabulary, a word a line.

    Raises
    ------
    DataError
        If a line is no label and numbers of words, or a word stands twice in the vocabulary.
    """
    names = _vocabulary(words)
    return [_part(path, names) for path in (train, valid, test)]


def labelled_held_out(train: Path, test: Path, words: Path) -> list[Bags]:
    """Read training and test part; the validation part is a tenth of the training documents, drawn with seed 1.

    For a set without validation documents, or one whose file of such is of no use. Errors are those of `labelled`.
    """
    names = _vocabulary(words)
    read = _part(train, names), _part(test, names)
    rows, _ = parted(str(train), {"train": len(read[0]), "test": len(read[1])}, Parting())
    return [read[0].take(rows["train"]), read[0].take(rows["valid"]), read[1]]


def _vocabulary(path: Path) -> tuple[str, ...]:
    names = tuple(word for _, word in lines(path) if word)
    if len(set(names)) < len(names):
        twice = next(word for at, word in enumerate(names) if word in names[:at])
        raise DataError(f"{path}: each word stands once in a vocabulary, got {twice!r} again; fetch the file again")
    return names


def _part(path: Path, words: tuple[str, ...]) -> Bags:
    labels: list[int] = []
    documents: list[tuple[Ints, Ints]] = []
    for line, raw in raw_lines(path, LONGEST_ROW):
        text = decoded(raw, "utf-8", path, line).strip()
        if not text:
            continue
        label, comma, ids = text.partition(",")
        fields = ids.split()
        if not comma or not label.strip().isdecimal() or not all(one.isdecimal() for one in fields):
            raise bad(path, line, f"a document is label,numbers of words, got {text[:40]!r}", "fetch the file again")
        term, times = np.unique(np.array(fields, dtype=np.int64), return_counts=True)
        if len(term) and term[-1] >= len(words):
            what = f"words are 0 to {len(words) - 1}, got {term[-1]}"
            raise bad(path, line, what, "give the vocabulary that the numbers are of")
        labels.append(int(label))
        documents.append((term, times))
    if not documents:
        raise DataError(f"{path}: holds no documents; fetch the file again")
    terms, counts = zip(*documents, strict=True)
    return Bags(Ragged.of(terms), len(words), counts=Ragged.of(counts), labels=np.array(labels), words=words)

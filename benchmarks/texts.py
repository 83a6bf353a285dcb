"""The generated passages as numbers of terms, the most frequent first: what models of documents are timed on."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.corpus import generate

if TYPE_CHECKING:
    from irkit.io.kinds import Bags, Tokens


def number(work: Path, documents: int) -> Path:
    """Generate passages and number their terms by frequency; return the file, which is written once."""
    path = work / f"terms-{documents}.npz"
    if path.is_file():
        return path
    folder = generate(work / f"passages-{documents}", documents)
    with (folder / "documents.jsonl").open() as lines:
        texts = [json.loads(line)["contents"].rstrip(".").split() for line in lines]
    first: dict[str, int] = {}
    terms = np.fromiter((first.setdefault(word, len(first)) for word in chain.from_iterable(texts)), dtype=np.int64)
    order = np.argsort(-np.bincount(terms), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    np.savez(
        path,
        terms=place[terms].astype(np.int32),
        lengths=np.array([len(text) for text in texts]),
        words=np.array(list(first))[order],
    )
    return path


def tokens(path: Path, vocabulary: int, documents: int) -> Tokens:
    """Return the first documents as their terms in order, those of the vocabulary alone."""
    from irkit.arrays import segments
    from irkit.io.kinds import Ragged, Tokens

    with np.load(path) as file:
        lengths, words = file["lengths"][:documents], tuple(file["words"][:vocabulary].tolist())
        terms = file["terms"][: lengths.sum()].astype(np.int64)
    row = segments(np.concatenate([[0], np.cumsum(lengths)]))
    known = terms < len(words)
    counts = np.bincount(row[known], minlength=len(lengths))
    return Tokens(Ragged(terms[known], counts), len(words), words=words)


def bags(path: Path, vocabulary: int, documents: int) -> Bags:
    """Return the same documents as counts, as an index gives them."""
    from irkit.io.kinds import Bags, Ragged
    from irkit.represent.solved import count_matrix

    given = tokens(path, vocabulary, documents)
    counts = count_matrix(given)
    lengths = np.diff(counts.indptr).astype(np.int64)
    return Bags(
        Ragged(counts.indices.astype(np.int64), lengths),
        given.vocabulary,
        counts=Ragged(counts.data.astype(np.int64), lengths),
        words=given.words,
    )

"""Text analysis by Lucene: tokens, lower case, stop words, stems."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa

from irkit.arrays import Ints
from irkit.errors import ConfigError, DataError, near_misses
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java
from irkit.lucene.wire import java_errors, pack, unpack

BATCH_TEXTS = 5000
BATCH_CHARACTERS = 4 << 20

ALIASES = {"en": "english", "none": "whitespace"}
"Other names under which an analyser may be asked for."


class Analyzer:
    """Turn texts into terms.

    Parameters
    ----------
    name : str
        `english` (Anserini's default: standard tokens, lower case, 33 stop words, Porter stems),
        `english-krovetz`, `english-nostem`, `whitespace` (split only), or a language by its ISO
        code (`de`, `fr`, ...) for Lucene's own analyser.

    Raises
    ------
    ConfigError
        If there is no such analyser.
    """

    def __init__(self, name: str = "english") -> None:
        self.name = check_analyzer(name)

    def __repr__(self) -> str:
        return f"Analyzer({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Analyzer) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def analyze(self, texts: Iterable[str | None]) -> list[list[str]]:
        """Return the terms of each text in order, repeats kept; `None` counts as an empty text.

        Examples
        --------
        >>> Analyzer("english").analyze(["The cats' running shoes", ""])
        [['cat', 'run', 'shoe'], []]
        """
        ptr, ids, vocabulary = self.encode(texts)
        terms = vocabulary.to_pylist()
        return [[terms[i] for i in ids[start:end].tolist()] for start, end in pairwise(ptr.tolist())]

    def encode(
        self, texts: Iterable[str | None], *, threads: int | None = None
    ) -> tuple[Ints, Ints, pa.LargeStringArray]:
        """Analyse many texts at once into term numbers.

        Parameters
        ----------
        texts : iterable of n strings
            Read in batches, so a generator will do.
        threads : int, optional
            Defaults to the processors this process may use.

        Returns
        -------
        ptr : (n + 1,) int64
            Terms of text i are `ids[ptr[i]:ptr[i + 1]]`, in order, repeats kept.
        ids : (m,) int32
            Rows of `vocabulary`.
        vocabulary : (V,) pyarrow large_string
            Distinct terms in ascending byte order.
        """
        if isinstance(texts, str):
            raise DataError(f"Analyzer: texts must be several strings, got the string {texts[:40]!r}; put it in a list")
        analysis = java("Analysis")
        counts, ids = [np.zeros(1, dtype=np.int64)], [np.zeros(0, dtype=np.int32)]
        with java_errors(f"Analyzer: {self.name} failed"):
            job = analysis.start(self.name, threads or processors())
            for batch in _batches(texts):
                found = np.frombuffer(interruptible(analysis.encode, job, pack(batch)), dtype="<i4")
                counts.append(np.diff(found[: len(batch) + 1]).astype(np.int64))
                ids.append(found[len(batch) + 1 :])
            block = interruptible(analysis.vocabulary, job)
        vocabulary, end = unpack(block)
        order = np.frombuffer(block, dtype="<i4", offset=end)
        rank = np.empty(len(order), dtype=np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return np.cumsum(np.concatenate(counts)), rank[np.concatenate(ids)], vocabulary


def check_analyzer(name: str) -> str:
    """Return the canonical name of an analyser.

    Raises
    ------
    ConfigError
        If there is none of this name.
    """
    known = analyzer_names()
    found = ALIASES.get(name, name) if isinstance(name, str) else name
    if found not in known:
        raise ConfigError(f"analyzer: there is no analyser {name!r}; {near_misses(str(name), known, limit=60)}")
    return found


@cache
def analyzer_names() -> tuple[str, ...]:
    """List the analysers, in alphabetical order."""
    return tuple(java("Analyzers").names().split(" "))


def processors() -> int:
    """Count the processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def utf8(text: str, who: str) -> bytes:
    """Encode a text.

    Raises
    ------
    DataError
        If it is no string or holds half a surrogate pair, which no UTF-8 file can.
    """
    if not isinstance(text, str):
        raise DataError(f"{who} must be a string, got {type(text).__name__} {text!r}")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{who} is not valid Unicode, got the lone surrogate {text[error.start]!a} at character {error.start}; "
            "write the whole character, or decode the source with errors='replace'"
        ) from None


def _batches(texts: Iterable[str | None]) -> Iterator[Sequence[bytes]]:
    batch: list[bytes] = []
    size = 0
    for row, text in enumerate(texts):
        batch.append(utf8("" if text is None else text, f"Analyzer: text {row}"))
        size += len(batch[-1])
        if len(batch) == BATCH_TEXTS or size > BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

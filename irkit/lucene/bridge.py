"""What crosses in a search: queries in, hits out, each as one block of bytes.

Queries: the strings of `wire.pack`; each is byte 0 and a text, or byte 1, int32 m, m weights
(float64) and m analysed terms, each behind its length (int32).
Hits: int64 ptr (n + 1), int32 doc (m), zeros to a multiple of 8, float32 or float64 score (m).
Everything is little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError
from irkit.lucene.analysis import utf8
from irkit.lucene.similarity import MODELS, QLDirichlet, QLJelinekMercer, Similarity

Query: TypeAlias = str | Mapping[str, float]
"A text, or analysed terms with weights."

Scorer: TypeAlias = Literal["auto", "maxscore", "wand", "taat"]
"How Lucene's models are scored; see `Index.search`."

HEAVIEST = 1e30
"Largest weight of a term: scores must stay within float32."

BATCH_HITS = 1 << 20
BATCH_BYTES = 8 << 20


class Found(NamedTuple):
    """Ranked hits of n queries."""

    ptr: Ints
    "(n + 1,) int64: hits of query i are `ptr[i]:ptr[i + 1]`, best first."
    doc: Ints
    "(m,) int32: rows of the index's docno table."
    score: Floats
    "(m,) float32 for Lucene's models, float64 nats for exact query likelihood."


def check_search(queries: Any, k: Any, threads: Any, scorer: Any, ties: Any) -> None:
    """Raise `ConfigError` for arguments of `Index.search` that are out of range or of the wrong kind."""
    if isinstance(queries, (str, Mapping)):
        raise ConfigError(f"search: queries must be a sequence, got one {type(queries).__name__}; put it in a list")
    for name, value in (("k", k), ("threads", 1 if threads is None else threads)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ConfigError(f"search: {name} must be a whole number from 1 up, got {value!r}")
    for name, value, choices in (("scorer", scorer, get_args(Scorer)), ("ties", ties, ("trec", "anserini"))):
        if value not in choices:
            raise ConfigError(f"search: {name} must be one of {', '.join(choices)}, got {value!r}")


def is_exact(similarity: Similarity) -> bool:
    """Say whether a model gives exact likelihoods (float64) or Lucene's scores (float32)."""
    return isinstance(similarity, (QLDirichlet, QLJelinekMercer))


def model_line(similarity: Similarity, mean_length: float) -> str:
    """Write a weighting model as the bridge reads it.

    Examples
    --------
    >>> model_line(QLDirichlet(mu="auto"), 60.5)
    'ql-dirichlet 181.5'
    """
    if type(similarity) not in MODELS.values():
        raise ConfigError(
            f"search: similarity must be one of {', '.join(MODELS)}, got {similarity!r}; see irkit.lucene.similarity"
        )
    values = similarity.model_dump()
    if values.get("mu") == "auto":
        values["mu"] = 3 * mean_length
    return " ".join([similarity.name, *(repr(float(value)) for value in values.values())])


def encode(query: Query, who: str) -> bytes:
    """Check and pack one query; `who` opens error messages.

    Raises
    ------
    ConfigError
        If it is neither a text nor terms with positive weights.
    DataError
        If a text is not valid Unicode.
    """
    if isinstance(query, str):
        return b"\0" + utf8(query, who)
    if not isinstance(query, Mapping):
        raise ConfigError(
            f"{who} must be a text or a mapping from analysed terms to weights, got {type(query).__name__} {query!r}"
        )
    kept = {term: weight for term, weight in query.items() if _checked(term, weight, who) > 0}
    terms = [utf8(term, who) for term in kept]
    parts = [struct.pack("<bi", 1, len(terms)), np.array(list(kept.values()), dtype="<f8").tobytes()]
    for term in terms:
        parts += (struct.pack("<i", len(term)), term)
    return b"".join(parts)


def batches(queries: Iterable[Query], k: int) -> Iterator[list[bytes]]:
    """Encode queries and cut them into batches whose bytes and hits fit well into Java's arrays."""
    batch: list[bytes] = []
    size = 0
    for row, query in enumerate(queries):
        batch.append(encode(query, f"search: query {row}"))
        size += len(batch[-1])
        if len(batch) * k >= BATCH_HITS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def decode(block: bytes, n: int, *, exact: bool) -> Found:
    """Read the hits of n queries; the arrays are read-only views of the block."""
    ptr = np.frombuffer(block, dtype="<i8", count=n + 1)
    m, start = int(ptr[-1]), 8 * (n + 1)
    scores = start + (4 * m + 7) // 8 * 8
    return Found(
        ptr,
        np.frombuffer(block, dtype="<i4", count=m, offset=start),
        np.frombuffer(block, dtype="<f8" if exact else "<f4", count=m, offset=scores),
    )


def join(parts: Sequence[Found], *, exact: bool) -> Found:
    """Put the hits of several batches of queries into one result, without a copy if there is only one."""
    if len(parts) == 1:
        return parts[0]
    counts = np.concatenate([np.zeros(1, dtype=np.int64), *(np.diff(part.ptr) for part in parts)])
    empty = Found(counts[:1], np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float64 if exact else np.float32))
    doc, score = (np.concatenate([empty[i], *(part[i] for part in parts)]) for i in (1, 2))
    return Found(np.cumsum(counts), doc, score)


def decode_shares(block: bytes) -> list[tuple[str, float, float]]:
    """Read (term, weight, share of the score) triples."""
    out: list[tuple[str, float, float]] = []
    at = 0
    while at < len(block):
        weight, share, length = struct.unpack_from("<ddi", block, at)
        at += 20
        out.append((block[at : at + length].decode(), weight, share))
        at += length
    return out


def decode_texts(block: bytes) -> list[str | None]:
    """Read stored texts, None where there is none."""
    out: list[str | None] = []
    at = 0
    while at < len(block):
        (length,) = struct.unpack_from("<i", block, at)
        at += 4
        out.append(None if length < 0 else block[at : at + length].decode())
        at += max(length, 0)
    return out


def _checked(term: Any, weight: Any, who: str) -> float:
    if not isinstance(term, str):
        raise ConfigError(f"{who}: a term must be a string, got {type(term).__name__} {term!r}")
    try:
        value = float(weight)
    except (TypeError, ValueError):
        value = float("nan")
    if not 0 <= value <= HEAVIEST:
        raise ConfigError(f"{who}: the weight of term {term!r} must be a number from 0 to {HEAVIEST:g}, got {weight!r}")
    return value

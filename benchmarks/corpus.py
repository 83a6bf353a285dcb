"""A generated collection with the statistics of short web passages: Zipfian, topical, bursty text.

About 59 tokens a document over 120,000 words, with queries of 3 to 8 words drawn from documents.
`frequent` queries hold five of the commonest content words each: the hard case for exhaustive scoring.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

VOCABULARY = 120_000
TOPICS = 400
PARTS = 8
CHUNK = 50_000
STOP = "the of and a to in is for that on are as with or be it by this at an from can was not".split()
ENDINGS = ["", "", "", "s", "ing", "ed", "er", "tion", "al", "ly"]


def generate(folder: Path, documents: int, seed: int = 7, length: int = 56) -> Path:
    """Write `documents.jsonl`, `queries.tsv` and `frequent.tsv` (1,000 queries each); return the folder.

    Half of the documents have `length` words or fewer. Nothing is done where the files exist. A million documents of
    56 words take some ten seconds of processor.
    """
    if (folder / "frequent.tsv").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    words = _words(rng)
    weight = 1.0 / (np.arange(1, VOCABULARY + 1) + 2.7) ** 1.05
    common = np.cumsum(weight / weight.sum())
    middle = weight[200:] / weight[200:].sum()
    topics = np.stack([rng.choice(np.arange(200, VOCABULARY), 600, replace=False, p=middle) for _ in range(TOPICS)])
    topical = np.cumsum(1.0 / np.arange(1, 601) ** 0.8)
    asked = set(np.linspace(0, documents - 1, 1000).astype(int).tolist())
    queries = []
    with (folder / "documents.jsonl").open("w") as out:
        for first in range(0, documents, CHUNK):
            ids, ends = _chunk(rng, min(CHUNK, documents - first), length, common, topics, topical / topical[-1])
            text, begin, lines = words[ids].tolist(), 0, []
            for row, end in enumerate(ends.tolist(), first):
                lines.append(f'{{"id": "D{row:07d}", "contents": "{" ".join(text[begin:end])}."}}\n')
                if row in asked:
                    queries.append(rng.choice(text[begin:end], int(rng.integers(3, 9))).tolist())
                begin = end
            out.write("".join(lines))
    _write(folder / "queries.tsv", queries)
    frequent = words[len(STOP) : 200]
    _write(folder / "frequent.tsv", [rng.choice(frequent, 5, replace=False).tolist() for _ in range(1000)])
    return folder


def _chunk(
    rng: np.random.Generator, documents: int, length: int, common: np.ndarray, topics: np.ndarray, topical: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the words of some documents; return them all and where each document ends.

    A quarter of a document's words are of its topic, and one in fourteen repeats an earlier one.
    """
    lengths = np.clip(rng.lognormal(np.log(length), 0.35, documents).astype(int), length * 12 // 56, length * 200 // 56)
    ends = np.cumsum(lengths)
    total = int(ends[-1])
    place = np.arange(total) - np.repeat(ends - lengths, lengths)
    draw = rng.random(total)
    ids = np.minimum(np.searchsorted(common, rng.random(total)), VOCABULARY - 1)
    of_topic = np.flatnonzero(draw < 0.25)
    topic = np.repeat(rng.integers(TOPICS, size=documents), lengths)[of_topic]
    ids[of_topic] = topics[topic, np.minimum(np.searchsorted(topical, rng.random(len(of_topic))), 599)]
    repeated = np.flatnonzero((draw > 0.93) & (place > 0))
    ids[repeated] = ids[repeated - 1 - (rng.random(len(repeated)) * place[repeated]).astype(int)]
    return ids, ends


def in_parts(folder: Path) -> Path:
    """Write the documents once more as `json/`, a file for each thread, as Anserini reads them; return that folder."""
    parts = folder / "json"
    if not parts.is_dir():
        making = folder / "json-making"
        making.mkdir(exist_ok=True)
        outs = [(making / f"part{part}.jsonl").open("w") for part in range(PARTS)]
        with (folder / "documents.jsonl").open() as lines:
            for row, line in enumerate(lines):
                outs[row % PARTS].write(line)
        for out in outs:
            out.close()
        making.rename(parts)
    return parts


def read_queries(path: Path) -> list[str]:
    """Read the texts of a queries file."""
    return [line.rstrip("\n").split("\t")[1] for line in path.open()]


def _words(rng: np.random.Generator) -> np.ndarray:
    consonants, vowels = "bcdfghjklmnprstvwz", "aeiou"
    words, seen = list(STOP), set(STOP)
    while len(words) < VOCABULARY:
        stem = "".join(consonants[rng.integers(18)] + vowels[rng.integers(5)] for _ in range(int(rng.integers(2, 5))))
        word = stem + consonants[rng.integers(18)] + ENDINGS[rng.integers(10)]
        if word not in seen:
            seen.add(word)
            words.append(word)
    return np.array(words, dtype=object)


def _write(path: Path, queries: list[list[str]]) -> None:
    path.write_text("".join(f"{i}\t{' '.join(words)}\n" for i, words in enumerate(queries)))

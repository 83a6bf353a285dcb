"""A generated collection with the statistics of short web passages: Zipfian, topical, bursty text.

About 59 tokens a document over 120,000 words, with queries of 3 to 8 words drawn from documents.
`frequent` queries hold five of the commonest content words each: the hard case for exhaustive scoring.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

VOCABULARY = 120_000
TOPICS = 400
PARTS = 8
STOP = "the of and a to in is for that on are as with or be it by this at an from can was not".split()
ENDINGS = ["", "", "", "s", "ing", "ed", "er", "tion", "al", "ly"]


def generate(folder: Path, documents: int, seed: int = 7) -> Path:
    """Write `documents.jsonl`, `json/` with the same in parts, `queries.tsv` and `frequent.tsv`; return the folder.

    Nothing is done where they exist. Anserini reads one file per thread, hence the parts.
    """
    if (folder / "frequent.tsv").is_file():
        return folder
    (folder / "json").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    words = _words(rng)
    weight = 1.0 / (np.arange(1, VOCABULARY + 1) + 2.7) ** 1.05
    cdf = np.cumsum(weight / weight.sum())
    middle = weight[200:] / weight[200:].sum()
    topics = [rng.choice(np.arange(200, VOCABULARY), 600, replace=False, p=middle) for _ in range(TOPICS)]
    inside = np.cumsum(1.0 / np.arange(1, 601) ** 0.8)
    inside /= inside[-1]
    lengths = np.clip(rng.lognormal(np.log(56), 0.35, documents).astype(int), 12, 200)
    queries = []
    with (folder / "documents.jsonl").open("w") as out:
        for row, length in enumerate(lengths):
            draw = rng.random(length)
            ids = np.minimum(np.searchsorted(cdf, rng.random(length)), VOCABULARY - 1)
            topical = draw < 0.25
            topic = topics[int(rng.integers(TOPICS))]
            ids[topical] = topic[np.minimum(np.searchsorted(inside, rng.random(int(topical.sum()))), 599)]
            bursts = np.flatnonzero(draw > 0.93)
            bursts = bursts[bursts > 0]
            ids[bursts] = ids[(rng.random(len(bursts)) * bursts).astype(int)]
            out.write(json.dumps({"id": f"D{row:07d}", "contents": " ".join(words[ids].tolist()) + "."}) + "\n")
            if row % max(1, documents // 1000) == 0 and len(queries) < 1000:
                queries.append(words[rng.choice(ids, int(rng.integers(3, 9)))].tolist())
    lines = (folder / "documents.jsonl").read_text().splitlines(keepends=True)
    for part in range(PARTS):
        begin, end = part * documents // PARTS, (part + 1) * documents // PARTS
        (folder / "json" / f"part{part}.jsonl").write_text("".join(lines[begin:end]))
    _write(folder / "queries.tsv", queries)
    common = words[len(STOP) : 200]
    _write(folder / "frequent.tsv", [rng.choice(common, 5, replace=False).tolist() for _ in range(1000)])
    return folder


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

"""BEIR folders: `corpus.jsonl`, `queries.jsonl`, `qrels/<split>.tsv` (each may be gzip).

Source: Thakur et al., "BEIR", NeurIPS Datasets and Benchmarks 2021.
"""

from __future__ import annotations

from pathlib import Path

from irkit.errors import NotFoundError, near_misses


def is_beir(folder: Path) -> bool:
    """Say whether a folder holds a BEIR corpus."""
    return any((folder / name).is_file() for name in ("corpus.jsonl", "corpus.jsonl.gz"))


def corpus_file(folder: Path) -> Path:
    """Return the file of documents."""
    return _one(folder, "corpus.jsonl")


def queries_file(folder: Path) -> Path:
    """Return the file of queries, those of all splits together."""
    return _one(folder, "queries.jsonl")


def splits(folder: Path) -> dict[str, Path]:
    """Return the judgement files by split: train, dev and test first, others by name."""
    found = {
        path.name.removesuffix(".gz").removesuffix(".tsv"): path for path in sorted((folder / "qrels").glob("*.tsv*"))
    }
    usual = [name for name in ("train", "dev", "test") if name in found]
    return {name: found[name] for name in [*usual, *sorted(found.keys() - set(usual))]}


def default_split(names: list[str] | tuple[str, ...]) -> str | None:
    """Return the split that is meant when none is named: test, else dev, else the first."""
    return next((name for name in ("test", "dev", *names) if name in names), None)


def qrels_file(folder: Path) -> Path:
    """Return the judgements of the default split."""
    found = splits(folder)
    split = default_split(list(found))
    if split is None:
        raise NotFoundError(f"{folder}: a BEIR folder needs qrels/test.tsv; add it, or name a qrels file")
    return found[split]


def _one(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    held = [path.name for path in folder.iterdir()]
    raise NotFoundError(f"{folder}: a BEIR folder needs {name}; {near_misses(name, held)}")

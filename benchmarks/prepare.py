"""What the benchmarks are run on: each function is called in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path


def generate(folder: Path, documents: int) -> Path:
    from benchmarks import corpus

    return corpus.generate(folder, documents)


def make_index(documents: Path, path: Path) -> Path:
    """Build our index and, beside it, that of bm25s, unless they are there."""
    from benchmarks import search
    from irkit.io import read_documents
    from irkit.lucene import build_index

    if not path.is_dir():
        build_index(path, read_documents(documents), store_text=False).close()
    search.index_bm25s(path, documents)
    return path


def real_collection(name: str, work: Path) -> int | str:
    """Write a collection's documents and enough repetitions of its queries for a measurable pass."""
    from irkit.errors import IrkitError
    from irkit.io import load_collection

    try:
        collection = load_collection(name)
    except IrkitError as error:
        return f"left out: {error}"
    folder = work / name
    folder.mkdir(exist_ok=True)
    with (folder / "documents.jsonl").open("w") as out:
        for document in collection.documents():
            out.write(json.dumps({"id": document.docno, "contents": document.text}) + "\n")
    texts = [" ".join(text.split()) for text in collection.queries()["query"]]
    rounds = -(-1000 // len(texts))
    (folder / "queries.tsv").write_text("".join(f"{i}\t{text}\n" for i, text in enumerate(texts * rounds)))
    return len(texts)

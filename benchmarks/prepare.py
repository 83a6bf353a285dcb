"""What the benchmarks are run on: each function is called in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import islice
from pathlib import Path


def generate(folder: Path, documents: int) -> Path:
    from benchmarks import corpus

    return corpus.generate(folder, documents)


def make_index(documents: Path, path: Path, bm25s: bool = True) -> Path:
    """Build our index and, beside it, that of bm25s, unless they are there."""
    from benchmarks import search
    from irkit.io import read_documents
    from irkit.lucene import build_index

    if not path.is_dir():
        build_index(path, read_documents(documents), store_text=False).close()
    if bm25s:
        search.index_bm25s(path, documents)
    return path


def analyse(folder: Path) -> None:
    """Write what our analyser makes of documents and queries, for engines that analyse nothing; see `engines.py`."""
    from irkit.lucene.analysis import Analyzer

    done = folder / "frequent-analysed.tsv"
    if done.is_file():
        return
    english = Analyzer("english")
    with (folder / "documents.jsonl").open() as lines, (folder / "analysed.txt").open("w") as out:
        while batch := [json.loads(line) for line in islice(lines, 5000)]:
            tokens = english.analyze([document["contents"] for document in batch])
            each = zip(batch, tokens, strict=True)
            out.writelines(f"{document['id']}\t{' '.join(terms)}\n" for document, terms in each)
    for name in ("queries", "frequent"):
        rows = [line.split("\t") for line in (folder / f"{name}.tsv").read_text().splitlines()]
        terms = english.analyze([text for _, text in rows])
        each = zip(rows, terms, strict=True)
        (folder / f"{name}-analysed.tsv").write_text("".join(f"{qid}\t{' '.join(some)}\n" for (qid, _), some in each))


def index_engines(folder: Path, index: Path, peers: Path) -> dict[str, dict]:
    """Build the indexes of other engines beside ours, unless they are there; return what their builds took."""
    analyse(folder)
    took = {}
    for name in ("pisa", "tantivy"):
        out, figures = Path(f"{index}-{name}"), Path(f"{index}-{name}.json")
        if not figures.is_file():
            shutil.rmtree(out, ignore_errors=True)
            command = [str(peers), str(Path(__file__).with_name("engines.py")), "build", name, str(folder), str(out)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            figures.write_text(done.stdout.splitlines()[-1])
        took[name] = json.loads(figures.read_text())
    return took


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

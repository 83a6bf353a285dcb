"""One search route in a process of its own, driven line by line: `worker.py ROUTE INDEX QUERIES`.

Routes: limit (stock Lucene inside the JVM), irkit-wand, irkit-auto, irkit-frame, pyserini, bm25s.
Each line on standard input is `K THREADS`; the answer is one JSON line with the wall and process
CPU seconds of one pass over all queries, and the number of hits.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.corpus import read_queries

WORK = Path(os.environ.get("IRKIT_BENCH", "benchmarks/work"))


def limit(index: Path, texts: list[str]) -> Callable[[int, int], int]:
    import jnius_config

    jnius_config.add_classpath(str(WORK / "classes"))
    from irkit.lucene import jvm

    jvm.start()
    from jnius import autoclass

    limit = autoclass("Limit")
    limit.open(str(index), "\n".join(texts).encode())
    return lambda k, threads: int(limit.run(k, threads))


def irkit(index: Path, texts: list[str], scorer: str) -> Callable[[int, int], int]:
    from irkit.lucene import BM25, Index

    opened = Index.open(index)
    return lambda k, threads: len(opened.search(texts, k, BM25(), threads=threads, scorer=scorer).doc)


def irkit_frame(index: Path, texts: list[str]) -> Callable[[int, int], int]:
    from irkit.frames import queries_frame
    from irkit.lucene import Index
    from irkit.pipeline import Retrieve
    from irkit.pipeline.retrieve import RetrieveConfig

    opened, queries = Index.open(index), queries_frame(texts)
    return lambda k, threads: len(Retrieve(RetrieveConfig(n=k, threads=threads), index=opened)(queries))


def pyserini(index: Path, texts: list[str]) -> Callable[[int, int], int]:
    from irkit.lucene import jvm

    jvm.start()
    os.environ.setdefault("OPENAI_API_KEY", "unused")
    from pyserini.search.lucene import LuceneSearcher

    searcher = LuceneSearcher(str(index))
    searcher.set_bm25(0.9, 0.4)
    ids = [str(i) for i in range(len(texts))]

    def go(k: int, threads: int) -> int:
        found = searcher.batch_search(texts, ids, k=k, threads=threads)
        read = {qid: [(hit.docid, hit.score) for hit in hits] for qid, hits in found.items()}
        return sum(map(len, read.values()))

    return go


def bm25s(index: Path, texts: list[str]) -> Callable[[int, int], int]:
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("porter")
    retriever = bm25s.BM25.load(f"{index}-bm25s", mmap=False)
    retriever.backend = "numba"
    retriever.activate_numba_scorer()

    def go(k: int, threads: int) -> int:
        tokens = bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False, return_ids=True)
        found = retriever.retrieve(tokens, k=k, show_progress=False, n_threads=threads, backend_selection="numba")
        return int(found.documents.size)

    return go


def peak_mb() -> float:
    """This process's own peak; getrusage would count what its parent held when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    route, index, queries = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    texts = read_queries(queries)
    kind, _, scorer = route.partition("-")
    if route == "irkit-frame":
        go = irkit_frame(index, texts)
    elif kind == "irkit":
        go = irkit(index, texts, scorer)
    else:
        go = {"limit": limit, "pyserini": pyserini, "bm25s": bm25s}[kind](index, texts)
    print(json.dumps({"ready": route}), flush=True)
    for line in sys.stdin:
        k, threads = map(int, line.split())
        wall, cpu = time.perf_counter(), time.process_time()
        hits = go(k, threads)
        used = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "hits": hits}
        used["rss_mb"] = peak_mb()
        print(json.dumps(used), flush=True)


if __name__ == "__main__":
    main()

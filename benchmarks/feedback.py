"""Query models and feedback: beside Anserini's RM3, beside plain query likelihood, and the document-term matrix.

Run by `python -m benchmarks --only feedback`; every figure is a median over passes in one process, taking turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import build, corpus
from benchmarks.prepare import make_index

FIRST = 200
"Queries of the RM3 comparison, and documents of the matrix comparison's slow side."

FACTORISED = 20
"Queries whose feedback documents are factorised from many starts."

STORY, STORIES = 530, 3000
"Words of half of the long documents or fewer, and such documents: news stories have some 560."


def compare_paths(index_path: Path, folder: Path, work: Path, repeats: int) -> list[dict]:
    """Time everything on one index; one row per figure: what, processor and wall time, ratio of the first, wanted."""
    from irkit.expand import EQE1, EQE2, ERM, RFMF
    from irkit.frames import queries_frame
    from irkit.lucene import Index
    from irkit.pipeline import Retrieve
    from irkit.recipe import load_recipe
    from irkit.text.vectors import Vectors

    docvectors = _docvectors(folder, work)
    index = Index.open(index_path)
    texts = corpus.read_queries(folder / "queries.tsv")
    queries, first = queries_frame(texts), queries_frame(texts[:FIRST])
    ours = load_recipe("bm25-rm3-anserini").build(index=index)
    ql = Retrieve(index=index, model="ql-dirichlet", mu="auto")
    vectors = _vectors(index, Vectors)
    eqe1, eqe2 = EQE1(index=index, vectors=vectors), EQE2(index=index, vectors=vectors)
    found = ql.run(first)
    rfmf = RFMF(index=index)
    story_folder, story_index = _stories(work)
    stories, asked = Index.open(story_index), queries_frame(corpus.read_queries(story_folder / "queries.tsv")[:FIRST])
    story_vectors = _vectors(stories, Vectors)
    erm, eqe2_stories = (kind(index=stories, vectors=story_vectors) for kind in (ERM, EQE2))
    found_stories = Retrieve(index=stories, model="ql-dirichlet", mu="auto").run(asked)
    jobs: dict[str, tuple[Callable[[], object], int]] = {
        "RM3, irkit": (lambda: ours.run(first), FIRST),
        "RM3, Anserini set_rm3 + batch_search": (_anserini(docvectors, texts[:FIRST]), FIRST),
        "plain query likelihood": (lambda: ql.run(queries), len(texts)),
        "EQE1 rewriting": (lambda: eqe1.run(queries), len(texts)),
        "EQE2 rewriting": (lambda: eqe2.run(queries), len(texts)),
        "RFMF rewriting, 10 documents": (lambda: rfmf.run(found), FIRST),
        "EQE2 rewriting, long documents": (lambda: eqe2_stories.run(asked), FIRST),
        "ERM rewriting, 10 long documents": (lambda: erm.run(found_stories), FIRST),
    }
    took = _take_turns(jobs, repeats)
    ms = {name: cpu for name, (cpu, _) in took.items()}
    weighed = ("EQE1 rewriting", "EQE2 rewriting", "ERM rewriting, 10 long documents", "RFMF rewriting, 10 documents")
    held = {name: _peak(jobs[name][0]) for name in weighed}
    rows = [
        {"figure": name, "cpu_ms": cpu, "ms": wall, "peak_mb": held.get(name, "")} for name, (cpu, wall) in took.items()
    ]
    ratios = [
        ("Anserini's RM3 / irkit's", ms["RM3, Anserini set_rm3 + batch_search"] / ms["RM3, irkit"], ">= 10"),
        ("EQE1 rewriting / plain likelihood", ms["EQE1 rewriting"] / ms["plain query likelihood"], "<= 1.5"),
        ("EQE2 rewriting / plain likelihood", ms["EQE2 rewriting"] / ms["plain query likelihood"], "<= 1.5"),
        (
            "ERM rewriting / EQE2 rewriting, long documents",
            ms["ERM rewriting, 10 long documents"] / ms["EQE2 rewriting, long documents"],
            "<= 5",
        ),
        (
            "the same by wall time",
            took["ERM rewriting, 10 long documents"][1] / took["EQE2 rewriting, long documents"][1],
            "<= 5",
        ),
        ("RFMF, ms per query", ms["RFMF rewriting, 10 documents"], "<= 10"),
        *_loss_gaps(rfmf, found),
        (
            "document-term matrix / get_document_vector, documents per second",
            _matrix(index_path, docvectors, repeats),
            ">= 100",
        ),
    ]
    return rows + [{"figure": name, "ratio": value, "wanted": wanted} for name, value, wanted in ratios]


def _take_turns(jobs: dict[str, tuple[Callable[[], object], int]], repeats: int) -> dict[str, tuple[float, float]]:
    """Return the median processor and wall time of each job, in milliseconds per query."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for repeat in range(repeats + 1):
        for name, (job, count) in jobs.items():
            start = time.process_time(), time.perf_counter()
            job()
            end = time.process_time(), time.perf_counter()
            if repeat:  # the first round compiles and fills caches, Z among them
                took[name].append((1000 * (end[0] - start[0]) / count, 1000 * (end[1] - start[1]) / count))
    return {
        name: (statistics.median(cpu for cpu, _ in times), statistics.median(wall for _, wall in times))
        for name, times in took.items()
    }


def _peak(job: Callable[[], object]) -> float:
    """Return the most memory that arrays and objects of Python take while a job runs, in MB; the JVM's is not seen."""
    tracemalloc.start()
    job()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _stories(work: Path) -> tuple[Path, Path]:
    """Generate long documents and index them, once; return the folder and the index."""
    folder = corpus.generate(work / f"stories-{STORIES}", STORIES, length=STORY)
    return folder, make_index(folder / "documents.jsonl", work / f"index-stories-{STORIES}", bm25s=False)


def _docvectors(folder: Path, work: Path) -> Path:
    """Build Anserini's index with document vectors, which its RM3 needs, once."""
    out = work / f"{folder.name}-docvectors"
    if not out.is_dir():
        subprocess.run(
            [*build.anserini(corpus.in_parts(folder), out, 2), "-storeDocvectors"], check=True, capture_output=True
        )
    return out


def _anserini(index: Path, texts: list[str]) -> Callable[[], object]:
    """Anserini's own searcher inside our JVM; hits are not even read."""
    from irkit.lucene import jvm

    jvm.start()
    from jnius import autoclass

    searcher = autoclass("io.anserini.search.SimpleSearcher")(str(index))
    searcher.set_bm25(0.9, 0.4)
    searcher.set_rm3(10, 10, 0.5)
    lists = autoclass("java.util.ArrayList")
    batch, ids = lists(), lists()
    for number, text in enumerate(texts):
        batch.add(text)
        ids.add(str(number))
    return lambda: searcher.batch_search(batch, ids, 1000, os.cpu_count() or 1)


def _vectors(index, kind):
    """Random vectors for the 40,000 most frequent terms: the arithmetic does not depend on their meaning."""
    vocabulary = index.vocabulary
    best = np.sort(np.argsort(-vocabulary.df)[:40_000])
    matrix = np.random.default_rng(1).normal(size=(len(best), 100)).astype(np.float32)
    return kind(vocabulary.terms.take(best).to_pylist(), matrix, analyzed=True)


def _loss_gaps(rfmf, found) -> list[tuple[str, float, str]]:
    """RFMF's loss after its 50 updates over the least of 30 random starts after 500, the mean of some queries."""
    from irkit.expand.feedback import gather, query_counts
    from irkit.learn.nmf import grouped_start, loss, nmf, nndsvd, random_start

    hits = found.on(rfmf.index.docnos)
    queries = query_counts(rfmf.index, hits.queries)[:FACTORISED]
    ends: dict[str, list[float]] = {"groups": [], "nndsvd, the default": []}
    for row, query in enumerate(queries):
        feedback = gather(rfmf.index, hits, row, query, 10)
        if not len(feedback.docs):
            continue
        r = rfmf.matrix(feedback)
        draws = [random_start(r, 2, np.random.default_rng(seed)) for seed in range(30)]
        least = min(loss(r, *nmf(r, *draw, iterations=500), np.ones_like(r), "kl") for draw in draws)
        for name, start in zip(ends, (grouped_start, nndsvd), strict=True):
            ends[name].append(loss(r, *nmf(r, *start(r, 2), iterations=50), np.ones_like(r), "kl") / least)
    return [(f"RFMF's loss / the least of 30 random starts, start {name}", statistics.mean(found), "<= 1.01")
            for name, found in ends.items()]  # fmt: skip


def compare_starts(name: str, index_path: Path) -> list[dict]:
    """Measure the recipe `rfmf` on a real collection from both starts; one row a start."""
    from irkit.evaluate import evaluate
    from irkit.io import load_collection
    from irkit.lucene import Index
    from irkit.recipe import load_recipe

    collection, index, recipe = load_collection(name), Index.open(index_path), load_recipe("rfmf")
    rows = []
    for start in ("nndsvd", "groups"):
        stage = recipe.with_settings({"1.start": start}).build(index=index)
        means = evaluate(stage.run(collection.queries()), collection.qrels(), "AP P@10").means
        rows.append(
            {"collection": name, "start of RFMF": start, **{what: f"{mean:.4f}" for what, mean in means.items()}}
        )
    return rows


def _matrix(index_path: Path, docvectors: Path, repeats: int) -> float:
    """Documents per second of processor, of the whole matrix made from the postings over pyserini's single vectors."""
    from irkit.lucene import Index, jvm

    ours, theirs = [], []
    jvm.start()
    os.environ.setdefault("OPENAI_API_KEY", "unused")
    from pyserini.index.lucene import LuceneIndexReader

    reader = LuceneIndexReader(str(docvectors))
    docnos = Index.open(index_path).docnos.names.slice(0, FIRST).to_pylist()
    for _ in range(repeats + 1):  # the first compiles
        for lazily_made in ("csr*", "csc*", "terms*", "df*", "cf*", "lengths*"):
            for path in (index_path / "irkit").rglob(lazily_made):
                path.unlink()
        index = Index.open(index_path)
        start = time.process_time()
        rows = index.forward.shape[0]
        ours.append(rows / (time.process_time() - start))
        start = time.process_time()
        for docno in docnos:
            reader.get_document_vector(docno)
        theirs.append(len(docnos) / (time.process_time() - start))
    return statistics.median(ours[1:]) / statistics.median(theirs[1:])

"""Shards beside one index of the same documents: are the results the same to the bit, what do they cost, what is lost?

Run by `python -m benchmarks --only shards`; figures are medians over passes that take turns.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus import read_queries

SHARDS = (2, 3, 8)
KILLS = 50
REAL = ("lee", "cranfield", "medline", "cacm", "npl", "nfcorpus")
"Collections at hand."

FEW = 100
"Queries of the query models."
WARM = 15
"""Turns that do not count: three virtual machines on two cores compile what they search by for several seconds."""

RECIPES = """bm25 tf-idf lucene-qld lucene-qljm ql-dirichlet ql-jelinek-mercer rrf-bm25-ql sum-bm25-ql
    bm25-rm3 bm25-rm3-anserini bm25-rocchio bm25-bo1 bm25-kl ql-rm3 rfmf eqe1 eqe2 eqe1-erm eqe2-rm1 mle-erm""".split()


def make(folder: Path, work: Path, shards: int | None) -> tuple[Path, float]:
    """Build the index in so many shards, unless it is there; return it and the seconds that it took, or took before."""
    from irkit.io import read_documents
    from irkit.lucene import build_index, jvm

    path = work / f"index-{shards or 'one'}-shards"
    took = path.with_suffix(".seconds")
    if not took.is_file():
        jvm.start(builds=True)
        start = time.perf_counter()
        build_index(path, read_documents(folder / "documents.jsonl"), shards=shards, overwrite=True).close()
        took.write_text(str(time.perf_counter() - start))
    return path, float(took.read_text())


def equal(folder: Path, one: Path, several: dict[int, Path]) -> list[dict[str, Any]]:
    """Compare what recipes find in one index and in so many shards: a row for each number of shards."""
    from irkit.frames import queries_frame
    from irkit.lucene import Index
    from irkit.recipe import load_recipe
    from irkit.text.vectors import Vectors

    texts = read_queries(folder / "queries.tsv")
    single = Index.open(one)
    rng = np.random.default_rng(1)
    words = [single.vocabulary[int(i)] for i in np.argsort(-single.vocabulary.df)[:20_000]]
    vectors = Vectors(words, rng.standard_normal((len(words), 50)).astype(np.float32), analyzed=True)
    want: dict[str, Any] = {}
    rows = []
    for n, path in {1: one, **several}.items():
        index = Index.open(path)
        held, hits, differing = {"index": index, "vectors": vectors}, 0, 0
        for name in RECIPES:
            recipe = load_recipe(name)
            frame = queries_frame(texts if set(recipe.needs) == {"index"} and "rm3" not in name else texts[:FEW])
            found = recipe.build(**{what: held[what] for what in recipe.needs}).run(frame).frame()
            found = found[["qid", "docno", "score", "rank"]]
            if n == 1:
                want[name] = found
            hits += len(found)
            differing += not found.equals(want[name])
        if n > 1:
            rows.append({"shards": n, "recipes": len(RECIPES), "hits": hits, "recipes that differ": differing})
    return rows


def timed(folder: Path, one: Path, two: Path, repeats: int) -> list[dict[str, Any]]:
    """Time a pipeline on a batch of queries by one index, two shards, and by actors of Ray with one thread each."""
    from irkit.cluster import connected, open_shards
    from irkit.frames import queries_frame
    from irkit.lucene import Index
    from irkit.recipe import load_recipe

    queries = queries_frame(read_queries(folder / "queries.tsv"))
    rows = []
    with connected("local", who="benchmarks", cpus=3):
        whole, parts = Index.open(one), Index.open(two)
        alone, apart = open_shards(one), open_shards(two)
        ways = {
            "one index, one thread": (whole, 1),
            "one index, two threads": (whole, 2),
            "two shards, two threads": (parts, 2),
            "Ray, one shard": (alone, 1),
            "Ray, two shards": (apart, 1),
        }
        for name in ("bm25", "ql-dirichlet"):
            for k in (10, 1000):
                jobs: dict[str, Callable[[], Any]] = {
                    way: partial(
                        load_recipe(name).with_settings({"0.n": k, "0.threads": threads}).build(index=index).run,
                        queries,
                    )
                    for way, (index, threads) in ways.items()
                }
                took: dict[str, list[float]] = {way: [] for way in jobs}
                for turn in range(WARM + repeats):
                    for way, job in jobs.items():
                        start = time.perf_counter()
                        job()
                        if turn >= WARM:
                            took[way].append(1000 * (time.perf_counter() - start))
                rows.append({"pipeline": name, "k": k, **{way: statistics.median(each) for way, each in took.items()}})
    return rows


def latency(folder: Path, one: Path, several: dict[int, Path], repeats: int = 300) -> list[dict[str, Any]]:
    """Time queries one at a time, ten hits each: by one index, and by as many actors as there are shards."""
    from irkit.cluster import connected, open_shards
    from irkit.lucene import BM25, Index

    texts = read_queries(folder / "queries.tsv")
    rows = []
    for n, path in {0: one, 1: one, **several}.items():
        with connected("local", who="benchmarks", cpus=max(n, 1)):
            index = open_shards(path) if n else Index.open(path)
            index.search(texts, 10, BM25())  # the counts of their terms are known from now on
            took, before = [], 0.0
            for number in range(2 * repeats):
                if number == repeats:
                    before = time.process_time()
                start = time.perf_counter()
                index.search([texts[number % len(texts)]], 10, BM25())
                took.append(1000 * (time.perf_counter() - start))
            mine = 1000 * (time.process_time() - before) / repeats
            half = sorted(took[repeats:])
            row = {"asked": f"Ray, shards: {n}" if n else "one index", "median ms": statistics.median(half)}
            rows.append({**row, "p99 ms": half[int(0.99 * repeats)], "cpu ms of who asks": mine})
            index.close()
    return rows


def real(work: Path, name: str) -> list[dict[str, Any]]:
    """Compare recipes on a collection at hand: a row for each number of shards."""
    from irkit.io import load_collection
    from irkit.lucene import build_index
    from irkit.recipe import load_recipe
    from irkit.recipe.vectors import open_vectors

    collection = load_collection(name)
    queries = collection.queries()
    want: dict[str, Any] = {}
    rows = []
    for n in (None, *SHARDS):
        index = build_index(work / f"real-{name}", collection.documents(), shards=n, overwrite=True)
        vectors = open_vectors("trained:ppmi-svd", collection, index)
        held, hits, differing = {"index": index, "vectors": vectors}, 0, 0
        for recipe in map(load_recipe, RECIPES):
            frame = queries if set(recipe.needs) == {"index"} else queries[:FEW]
            found = recipe.build(**{what: held[what] for what in recipe.needs}).run(frame).frame()
            found = found[["qid", "docno", "score", "rank"]]
            want.setdefault(recipe.name, found)
            hits += len(found)
            differing += not found.equals(want[recipe.name])
        if n is not None:
            rows.append({"collection": name, "shards": n, "hits": hits, "recipes that differ": differing})
        index.close()
    return rows


def bars(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what actors cost, as ratios with their bars."""
    compared = {"Ray, one shard": ("one index, one thread", "<= 1.3"), "Ray, two shards": ("Ray, one shard", "<= 1")}
    return [
        {
            "figure": f"{row['pipeline']}, k = {row['k']}: {which} / {base}",
            "measured": row[which] / row[base],
            "wanted": bar,
        }
        for row in rows
        for which, (base, bar) in compared.items()
    ]


def killed(folder: Path, path: Path, kills: int = KILLS) -> dict[str, Any]:
    """Kill actors at random moments while they search; count batches whose results are not those of the index."""
    from irkit.cluster import connected, open_shards
    from irkit.lucene import Index, QLDirichlet

    texts, chance = read_queries(folder / "queries.tsv")[:300], random.Random(1)
    want = Index.open(path).search(texts, 100, QLDirichlet())
    done = threading.Event()
    wrong = batches = 0
    with connected("local", who="benchmarks", cpus=2) as ray:
        far = open_shards(path)
        shards = far._engine._shards
        ended: list[int] = []

        def killer() -> None:
            while len(ended) < kills:
                time.sleep(chance.uniform(0.0, 0.4))
                pid = ray.get(chance.choice(shards).process.remote())
                os.kill(pid, signal.SIGKILL)
                ended.append(pid)
            done.set()

        hunter = threading.Thread(target=killer)
        hunter.start()
        while not done.is_set():
            found = far.search(texts, 100, QLDirichlet())
            same = found.doc.tobytes() == want.doc.tobytes() and found.score.tobytes() == want.score.tobytes()
            wrong += not (same and found.ptr.tolist() == want.ptr.tolist())
            batches += 1
        hunter.join()
    return {"actors killed": len(set(ended)), "batches": batches, "batches that differ": wrong}

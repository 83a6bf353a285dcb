"""Search throughput of irkit beside its peers, passes interleaved, medians of several."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from irkit.lucene.jvm import lucene_jar

ROUTES = ("limit", "irkit-wand", "irkit-auto", "irkit-frame", "pyserini", "bm25s")
SETTINGS = ((1000, 1), (1000, 2), (10, 1), (10, 2))
ENGINES = ("irkit-frame", "irkit-auto", "pisa-block_max_maxscore", "pisa-maxscore", "tantivy")
DEPTHS = (10, 100, 1000)


class Route:
    """A worker process that answers one pass at a time; other engines run in an environment of their own."""

    def __init__(self, name: str, index: Path, queries: Path, work: Path, peers: Path | None) -> None:
        self.name = name
        env = {**os.environ, "IRKIT_BENCH": str(work), "TOKENIZERS_PARALLELISM": "false"}
        engine = name.partition("-")[0]
        if engine in ("pisa", "tantivy"):
            analysed = queries.with_name(f"{queries.stem}-analysed.tsv")
            script = Path(__file__).with_name("engines.py")
            command = [str(peers), str(script), "search", name, f"{index}-{engine}", str(analysed)]
        else:
            command = [sys.executable, "-m", "benchmarks.worker", name, str(index), str(queries)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, bufsize=1
        )
        self._read()

    def run(self, k: int, threads: int) -> dict:
        print(k, threads, file=self.process.stdin, flush=True)
        return self._read()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    def _read(self) -> dict:
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit(f"benchmark: the worker {self.name} died; run it by hand to see why")


def compile_limit(work: Path) -> bool:
    """Compile the in-JVM limit; without javac its row is left out."""
    classes = work / "classes"
    classes.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).parent / "java" / "Limit.java"
    try:
        subprocess.run(
            ["javac", "--release", "17", "-cp", str(lucene_jar()), "-d", str(classes), str(source)], check=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return False
    return True


def index_bm25s(index: Path, documents: Path) -> None:
    """Build the bm25s index beside ours, once."""
    out = Path(f"{index}-bm25s")
    if out.is_dir():
        return
    import bm25s
    import Stemmer

    texts = [json.loads(line)["contents"] for line in documents.open()]
    tokens = bm25s.tokenize(texts, stopwords="en", stemmer=Stemmer.Stemmer("porter"), show_progress=False)
    retriever = bm25s.BM25(method="lucene", k1=0.9, b=0.4, backend="numba")
    retriever.index(tokens, show_progress=False)
    retriever.save(out)


def compare(
    index: Path, queries: Path, work: Path, *, repeats: int, settings=SETTINGS, routes=ROUTES, peers: Path | None = None
) -> list[dict]:
    """Time every route under every setting; routes take turns within each repeat.

    Returns
    -------
    list of dict
        One row per route and setting: k, threads, median seconds, queries per second, CPU ms per query, memory.
    """
    have = [name for name in routes if name != "limit" or compile_limit(work)]
    count = sum(1 for _ in queries.open())
    workers = [Route(name, index, queries, work, peers) for name in have]
    rows = []
    for place, (k, threads) in enumerate(settings):
        for worker in workers:  # warm-up: JIT, caches, compiled kernels
            for _ in range(2 if place else 8):
                worker.run(k, threads)
        runs: dict[str, list[dict]] = {name: [] for name in have}
        for _ in range(repeats):
            for worker in workers:
                runs[worker.name].append(worker.run(k, threads))
        for name in have:
            wall = statistics.median(run["wall"] for run in runs[name])
            cpu = statistics.median(run["cpu"] for run in runs[name])
            rows.append({
                "route": name, "k": k, "threads": threads, "wall": wall, "qps": count / wall,
                "cpu_ms": 1000 * cpu / count, "hits": runs[name][-1]["hits"], "rss_mb": runs[name][-1]["rss_mb"],
            })  # fmt: skip
    for worker in workers:
        worker.close()
    return rows


def bars(rows: list[dict]) -> list[dict]:
    """Compute the ratios that matter, of queries a second."""
    at = {(row["route"], row["k"], row["threads"]): row["qps"] for row in rows}
    out = []

    def ratio(what: str, a: tuple, b: tuple, wanted: float) -> None:
        if a in at and b in at:
            out.append({"ratio": what, "measured": at[a] / at[b], "wanted": f">= {wanted:.2f}"})

    for threads in (1, 2):
        ratio(
            f"WAND / Lucene limit, k=1000, {threads} thread",
            ("irkit-wand", 1000, threads),
            ("limit", 1000, threads),
            0.9,
        )
        ratio(
            f"auto / Lucene limit, k=1000, {threads} thread",
            ("irkit-auto", 1000, threads),
            ("limit", 1000, threads),
            2.5,
        )
    ratio("auto / pyserini batch, k=1000, 2 threads", ("irkit-auto", 1000, 2), ("pyserini", 1000, 2), 25)
    ratio("auto / pyserini batch, k=10, 2 threads", ("irkit-auto", 10, 2), ("pyserini", 10, 2), 2.5)
    for threads in (1, 2):
        ratio(f"auto / bm25s, k=1000, {threads} thread", ("irkit-auto", 1000, threads), ("bm25s", 1000, threads), 1.4)
        ratio(f"auto / bm25s, k=10, {threads} thread", ("irkit-auto", 10, threads), ("bm25s", 10, threads), 1.0)
        ratio(
            f"frame / arrays, k=1000, {threads} thread",
            ("irkit-frame", 1000, threads),
            ("irkit-auto", 1000, threads),
            1 / 1.3,
        )
    return out


def beside_engines(rows: list[dict]) -> list[dict]:
    """Compute our processor time as a share of the other engines'."""
    at = {(row["route"], row["k"], row["threads"]): row["cpu_ms"] for row in rows}
    out = []
    for k, threads in sorted({(row["k"], row["threads"]) for row in rows}):
        pisa = min(cpu for (name, *where), cpu in at.items() if name.startswith("pisa") and where == [k, threads])
        for what, other in (("PISA", pisa), ("tantivy", at["tantivy", k, threads])):
            for ours, name in (("frame", "our frame"), ("auto", "our arrays")):
                ratio = at[f"irkit-{ours}", k, threads] / other
                out.append(
                    {"ratio": f"{name} / {what}, k={k}, {threads} thread", "measured": ratio, "wanted": "<= 0.70"}
                )
    return out

"""Time `Dense` beside FAISS alone, and its approximate indexes beside the exact one: `python -m benchmarks.dense`.

Vectors are random, around as many centres as the square root of the documents. FAISS alone searches the index that
`Dense` holds, with the same vectors of queries, and gives its two arrays; `Dense` gives a result set, ties in order.
Wanted: at most 1.1 times the time of FAISS alone.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables import machine
from irkit.frames import queries_frame
from irkit.hits import Docnos
from irkit.rank import Dense
from irkit.rank.nearest import unit


class Vectors:
    """An encoder that looks vectors up."""

    fingerprint = "benchmark"

    def __init__(self, documents: int, queries: int, width: int) -> None:
        rng = np.random.default_rng(0)
        centres = rng.normal(size=(round(documents**0.5), width))

        def drawn(n: int) -> np.ndarray:
            return (centres[rng.integers(len(centres), size=n)] + rng.normal(size=(n, width))).astype(np.float32)

        self.documents, self.queries = drawn(documents), drawn(queries)
        self.docnos = Docnos([f"d{row:07}" for row in range(documents)])
        _ = self.docnos.rank  # once for every index in use, as its sidecar has it

    def encode(self, texts: list[str]) -> np.ndarray:
        return self.queries[np.array(texts, dtype=np.int64)]


def alone(stage: Dense, encoder: Vectors) -> Callable[[], Any]:
    held, config, asked = stage.nearest, stage.config, unit(encoder.queries)
    how = held.how(config.n, config.ef_search, config.nprobe)
    return lambda: held.index.search(asked, config.n, params=how)


def recall(found: Any, exact: Any) -> float:
    """Share of the exact results that are found."""
    pairs = [set(zip(hits.query.tolist(), hits.doc.tolist(), strict=True)) for hits in (found, exact)]
    return len(pairs[0] & pairs[1]) / len(pairs[1])


def main() -> None:
    import faiss

    parser = argparse.ArgumentParser(prog="python -m benchmarks.dense", description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--kinds", nargs="+", default=["flat", "hnsw", "ivf"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a file that gets the table, for benchmarks.represent --write")
    args = parser.parse_args()
    lines: list[str] = []

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    encoder = Vectors(args.documents, args.queries, args.width)
    queries = queries_frame({str(row): str(row) for row in range(args.queries)})
    exact = Dense(encoder=encoder, n=args.n).run(queries)
    say(
        f"{args.queries:,} queries, {args.documents:,} documents of {args.width} numbers, best {args.n:,}, "
        f"{args.threads} thread(s), median of {args.repeats}, taking turns; wanted: at most 1.1\n"
    )
    say("| index | built s | opened ms | MB | FAISS alone ms | Dense ms | Dense / FAISS | recall |")
    say("|---|---|---|---|---|---|---|---|")
    for kind in args.kinds:
        stage = Dense(encoder=encoder, n=args.n, index=kind)
        start = time.perf_counter()
        _ = stage.nearest
        built = time.perf_counter() - start
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vectors.faiss"
            stage.save(path)
            start = time.perf_counter()
            stage = Dense.load(path, encoder=encoder, n=args.n)
            opened, size = time.perf_counter() - start, path.stat().st_size
            faiss.omp_set_num_threads(args.threads)
            jobs = {"alone": alone(stage, encoder), "dense": lambda stage=stage: stage.run(queries)}
            took: dict[str, list[float]] = {name: [] for name in jobs}
            for repeat in range(args.repeats + 1):
                for name, job in jobs.items():
                    start = time.perf_counter()
                    job()
                    if repeat:  # the first pass reads the file
                        took[name].append(time.perf_counter() - start)
            ms = {name: 1e3 * statistics.median(times) for name, times in took.items()}
            share = recall(stage.run(queries), exact)
        say(
            f"| {kind} | {built:.2f} | {1e3 * opened:.1f} | {size / 1e6:.1f} | {ms['alone']:.1f} | {ms['dense']:.1f} | "
            f"{ms['dense'] / ms['alone']:.2f} | {share:.3f} |"
        )
    if args.keep is not None:
        title = "Search of nearest documents beside FAISS alone"
        args.keep.write_text("\n".join([f"## {title}", "", f"Measured {date.today()} on {machine()}.", "", *lines]))


if __name__ == "__main__":
    main()

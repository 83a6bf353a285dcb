"""Time the features of an index: `python -m benchmarks.features`.

Queries, by default 225 of 13 words, have their best 100 documents found in a generated collection of 1,400 documents
of the size of Cranfield's; `--collection cranfield` takes one that is at hand. Each stage is timed alone,
then all of the recipe `bm25-features-linear` side by side; stages take turns, medians are reported. What is opened
on first use is opened before. Wanted: 225 queries times 100 candidates in less than 1 s.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import irkit
from benchmarks.tables import machine
from irkit.frames import queries_frame
from irkit.hits import Hits
from irkit.pipeline import Rescore, Stage
from irkit.rank import Coordination, IdfSums, Lengths, Proximity, TfSums

WORDS = 6000
"Of the generated collection, drawn by a power law."


def stages(index: irkit.Index) -> dict[str, Stage]:
    """Every stage by name; the last are those of the recipe, side by side."""
    alone: dict[str, Stage] = {
        "rescore, bm25": Rescore(index=index),
        "rescore, ql-dirichlet": Rescore(index=index, model="ql-dirichlet", mu="auto"),
        "rescore, tf-idf": Rescore(index=index, model="tf-idf"),
        "lengths": Lengths(index=index),
        "coordination": Coordination(index=index),
        "idf-sums": IdfSums(index=index),
        "tf-sums": TfSums(index=index),
    }
    first, *others = alone.values()
    together = first
    for other in others:
        together = together**other
    return {**alone, "proximity": Proximity(index=index), "all but proximity, side by side": together}


@contextmanager
def collection(name: str, documents: int, queries: int) -> Iterator[tuple[irkit.Index, pd.DataFrame]]:
    """Open an index, and queries of it."""
    if name:
        from irkit.recipe import collection_index

        known = irkit.load_collection(name)
        with collection_index(known) as index:
            yield index, known.queries()[:queries]
        return
    rng = np.random.default_rng(0)
    odds = 1 / np.arange(1, WORDS + 1)
    words = np.array([f"w{number}" for number in range(WORDS)])

    def text(length: int) -> str:
        return " ".join(rng.choice(words, length, p=odds / odds.sum()))

    texts = [(f"d{row}", text(length)) for row, length in enumerate(rng.integers(30, 260, documents).tolist())]
    asked = queries_frame({str(row): text(13) for row in range(queries)})
    with tempfile.TemporaryDirectory() as folder:
        index = irkit.build_index(Path(folder) / "index", texts, analyzer="whitespace", progress=False)
        with index:
            yield index, asked


def timed(jobs: dict[str, Stage], hits: Hits, repeats: int) -> dict[str, float]:
    """Return the median of each stage's times in ms, stages taking turns."""
    took: dict[str, list[float]] = {name: [] for name in jobs}
    for repeat in range(repeats + 1):
        for name, stage in jobs.items():
            fresh = replace(hits)  # for what was looked up of a result set is kept beside it
            start = time.perf_counter()
            stage.run(fresh)
            if repeat:  # the first pass opens files
                took[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(times) for name, times in took.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__.split("\n")[0])
    parser.add_argument("--collection", default="", help="one that is at hand, instead of a generated one")
    parser.add_argument("--documents", type=int, default=1400)
    parser.add_argument("--queries", type=int, default=225)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    with collection(args.collection, args.documents, args.queries) as (index, queries):
        hits = (irkit.Retrieve(index=index) % args.n).run(queries)
        found = timed(stages(index), hits, args.repeats)
        name = args.collection or "a generated collection"
        print(f"{len(queries)} queries, {len(hits):,} candidates of {name}, {len(index):,} documents of")
        print(
            f"{index.stats.mean_length:.0f} terms; median of {args.repeats} on {machine()}; wanted: all in 1,000 ms\n"
        )
    print("| features | ms |\n|---|---|")
    for name, ms in found.items():
        print(f"| {name} | {ms:.0f} |")


if __name__ == "__main__":
    main()

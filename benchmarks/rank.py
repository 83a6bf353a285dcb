"""Rankers, timed: IRGAN's schedules, and LambdaMART beside LightGBM's own call.

    IRKIT_DATA=... python -m benchmarks.rank [--repeats N] [--threads N] [--full] [--write]

Needs ml-100k and letor-mq2008. Without `--full` a round of IRGAN is run and its time multiplied by the rounds of the
schedule; with it the whole schedule, once. Medians of seconds are reported, elapsed and of this process on all cores.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.tables import ROOT, machine
from irkit.io import load_pools
from irkit.pipeline import Topics
from irkit.pipeline.learned import labels_of
from irkit.rank import IRGANPairwise, LambdaMART
from irkit.recommend import DNS, IRGAN, load_problem


def timed(run: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of a run, elapsed and of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu


def median(run: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Medians over repeats."""
    found = [timed(run) for _ in range(repeats)]
    return statistics.median(wall for wall, _ in found), statistics.median(cpu for _, cpu in found)


def items(repeats: int, threads: int, *, full: bool) -> tuple[float, float]:
    """IRGAN's official schedule on MovieLens 100K: 1,500 passes of the discriminator and 750 of the generator."""
    train = load_problem("ml-100k", "u1").split.train
    start = median(lambda: DNS(threshold=4).fit(train), repeats)
    if full:
        return timed(lambda: IRGAN(threshold=4, threads=threads).fit(train))
    one = median(lambda: IRGAN(threshold=4, threads=threads, rounds=1).fit(train), repeats)
    rounds = IRGAN().config.rounds
    wall, cpu = (begun + rounds * (both - begun) for begun, both in zip(start, one, strict=True))
    return wall, cpu


def rankings(threads: int) -> tuple[float, float]:
    """The five folds of MQ2008, pairwise, on the whole schedule."""
    pools = load_pools("letor-mq2008")
    parts = [[pools.pool(part, fold) for part in ("train", "valid")] for fold in range(pools.folds)]

    def run() -> None:
        for train, valid in parts:
            topics = [Topics(one.candidates, one.qrels) for one in (train, valid)]
            IRGANPairwise(threads=threads).fit(*topics)

    return timed(run)


def trees(repeats: int, threads: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """LambdaMART on the first fold, and LightGBM's own call with the same settings and data, taking turns."""
    import lightgbm

    pools = load_pools("letor-mq2008")
    pool = pools.pool("train", 0)
    topics = Topics(pool.candidates, pool.qrels)
    ours = LambdaMART(threads=threads, validation=0)
    hits = pool.candidates
    x, y, counts = hits.columns["features"], labels_of(hits, pool.qrels), np.diff(hits.ptr)

    def theirs() -> None:
        settings = ours.config
        model = lightgbm.LGBMRanker(
            n_estimators=settings.trees,
            num_leaves=settings.leaves,
            learning_rate=settings.learning_rate,
            min_child_samples=settings.min_child_samples,
            n_jobs=threads,
            deterministic=True,
            verbose=-1,
        )
        model.fit(x, y, group=counts)

    found = [(timed(lambda: ours.fit(topics)), timed(theirs)) for _ in range(repeats + 1)][1:]  # the first warms up
    return tuple(  # type: ignore[return-value]
        (statistics.median(one[side][0] for one in found), statistics.median(one[side][1] for one in found))
        for side in (0, 1)
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rank", description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--full", action="store_true", help="run IRGAN's schedule for items to its end")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks-rank.md")
    args = parser.parse_args()
    how = "whole" if args.full else "one round, times 15"
    ours, theirs = trees(args.repeats, args.threads)
    rows = [
        (f"IRGAN for items, ml-100k, official schedule ({how})", *items(args.repeats, args.threads, full=args.full)),
        ("IRGAN pairwise, five folds of MQ2008, official schedule", *rankings(args.threads)),
        ("lambdamart, first fold of MQ2008", *ours),
        ("LightGBM's own call, the same", *theirs),
    ]
    lines = [
        "# Rankers, timed",
        "",
        "`python -m benchmarks.rank` prints this page's table: seconds, elapsed and of the process on all cores.",
        "",
        machine(),
        "",
        "| | elapsed s | CPU s |",
        "|---|---|---|",
        *(f"| {name} | {wall:.2f} | {cpu:.2f} |" for name, wall, cpu in rows),
        "",
        f"LambdaMART over LightGBM's own call: {ours[1] / theirs[1]:.2f} in CPU seconds.",
        "",
    ]
    print("\n".join(lines))
    if args.write:
        (ROOT / "docs" / "benchmarks-rank.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()

"""Recommenders beside those of other toolkits: fit time and RMSE on one split, taking turns; then growing data.

    IRKIT_DATA=... python -m benchmarks.ratings [--peers PYTHON] [--repeats N] [--write]

PYTHON is the interpreter of an environment with some of scikit-surprise, lenskit, cornac and implicit; without it
ours are timed alone. Medians of wall-clock seconds are reported.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.__main__ import ROOT, _machine, _table
from irkit.evaluate.toplists import top_n_task
from irkit.io import read_ratings
from irkit.recommend import ALS, EASE, PMF, Bias, BiasedMF, RatingTable, SVDpp, TimeSVDpp
from irkit.recommend.base import Recommender
from irkit.recommend.simulate import planted_factors
from irkit.recommend.splits import RatingSplit, random_split

OURS: dict[str, Callable[[], Recommender]] = {
    "irkit bias": Bias,
    "irkit biased-mf": BiasedMF,
    "irkit svdpp": SVDpp,
    "irkit timesvdpp": TimeSVDpp,
    "irkit pmf": PMF,
    "irkit ease": EASE,
    "irkit als, 64 factors, 15 iterations": lambda: ALS(embedding_size=64, epochs=15),
}
IMPLICIT = "implicit ALS, 64 factors, 15 iterations"
Timed = tuple[float, float | None]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratings", description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", type=Path, help="interpreter of an environment with the peers")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks-recommend.md")
    args = parser.parse_args()
    folder = os.environ.get("IRKIT_DATA")
    if not folder:
        raise SystemExit("set IRKIT_DATA to the folder that holds ml-100k")
    ratings = RatingTable.from_frame(read_ratings(Path(folder) / "ml-100k"), scale=(1, 5))
    split = random_split(ratings, 0.1, seed=1)
    lines = [
        "# Recommenders, timed",
        "",
        "`python -m benchmarks.ratings` prints this page's tables. Systems take turns.",
        "",
        f"Measured {date.today()} on {_machine()}; medians of {args.repeats}.",
        "",
        f"## Fit on {len(split.train):,} ratings of MovieLens 100K, RMSE on the other {len(split.test):,}",
        "",
        *_fits(split, args.peers, args.repeats),
        "",
        "## Ranking all items",
        "",
        *_ranking(ratings),
        "",
        "## Biased matrix factorisation on generated ratings",
        "",
        *_growth(),
    ]
    text = "\n".join(lines)
    print(text)
    if args.write:
        (ROOT / "docs" / "benchmarks-recommend.md").write_text(text + "\n")


def _fits(split: RatingSplit, python: Path | None, repeats: int) -> list[str]:
    with _peers(split, python) as peers:
        systems = {name: _ours(make(), split) for name, make in OURS.items()} | peers
        found: dict[str, list[Timed]] = {name: [] for name in systems}
        for _ in range(repeats):
            for name, fit in systems.items():
                found[name].append(fit())
    seconds = {name: statistics.median(took for took, _ in runs) for name, runs in found.items()}
    rows = [
        {"system": name, "seconds": took, "rmse": "" if (rmse := found[name][-1][1]) is None else f"{rmse:.4f}"}
        for name, took in seconds.items()
    ]
    lines = _table(rows, ["system", "seconds", "rmse"])
    ratios = []
    if "Surprise SVD++" in seconds:
        for name in ("irkit biased-mf", "irkit svdpp"):
            ratios.append((f"{name} / Surprise SVD++, seconds", seconds[name] / seconds["Surprise SVD++"], "<= 0.33"))
    if IMPLICIT in seconds:
        for name in ("irkit ease", "irkit als, 64 factors, 15 iterations"):
            ratios.append((f"{name} / implicit ALS, seconds", seconds[name] / seconds[IMPLICIT], "<= 1.5"))
    columns = ["ratio", "measured", "wanted"]
    return [*lines, "", *_table([dict(zip(columns, row, strict=True)) for row in ratios], columns)] if ratios else lines


def _ours(model: Recommender, split: RatingSplit) -> Callable[[], Timed]:
    def fit() -> Timed:
        start = time.perf_counter()
        fitted = model.fit(split.train)
        seconds = time.perf_counter() - start
        if not model.predicts_ratings:
            return seconds, None
        predicted = fitted.predict(split.test.frame())["prediction"].to_numpy()
        return seconds, float(np.sqrt(np.mean((predicted - split.test.rating) ** 2)))

    return fit


@contextmanager
def _peers(split: RatingSplit, python: Path | None) -> Iterator[dict[str, Callable[[], Timed]]]:
    """Run `peers.py` in its own environment; yield what it has."""
    if python is None:
        yield {}
        return
    train, test = split.train, split.test
    user, item = train.users.rows(test.users.names)[test.user], train.items.rows(test.items.names)[test.item]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "split.npz"
        np.savez(
            path,
            train_user=train.user,
            train_item=train.item,
            train_rating=train.rating,
            # Unknown users and items get numbers that nobody else has.
            test_user=np.where(user < 0, len(train.users) + test.user, user),
            test_item=np.where(item < 0, len(train.items) + test.item, item),
            test_rating=test.rating,
            scale=np.array(train.scale),
        )
        process = subprocess.Popen(
            [python, Path(__file__).with_name("peers.py"), path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

        def ask(name: str) -> Timed:
            process.stdin.write(f"{name}\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            return answer["seconds"], answer["rmse"]

        try:
            names = json.loads(process.stdout.readline())
            yield {name: lambda name=name: ask(name) for name in names}
        finally:
            process.stdin.close()
            process.wait()


def _ranking(ratings: RatingTable) -> list[str]:
    """Time the whole evaluation over all items, after the fit."""
    split = random_split(ratings, 0.2, seed=1)
    model, task = EASE(threshold=4).fit(split.train), top_n_task(split.train, split.test)
    took = []
    for _ in range(5):
        start = time.perf_counter()
        task.evaluate(model, "nDCG@10 P@5 AP")
        took.append(time.perf_counter() - start)
    about = f"{len(task.users)} users, {len(task.items):,} items"
    return [f"EASE's scores and their nDCG@10, P@5 and AP, {about}: {statistics.median(took):.2f} s (wanted < 0.5)"]


def _growth() -> list[str]:
    rows = []
    for users in (2_500, 5_000, 10_000):
        ratings = planted_factors(users, 3_000, rank=8, per_user=100, noise=0.5).ratings
        start = time.perf_counter()
        BiasedMF().fit(ratings)
        rows.append({"ratings": f"{len(ratings):,}", "seconds": time.perf_counter() - start})
    return _table(rows, ["ratings", "seconds"])


if __name__ == "__main__":
    main()

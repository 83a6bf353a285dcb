"""Recommenders beside those of other toolkits: fit time and quality on one split, taking turns; then growing data.

The peers run in an environment that has some of scikit-surprise, lenskit, cornac, implicit and irspack.
Medians of seconds by the clock and of processor seconds are reported.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.tables import table
from irkit.evaluate.toplists import top_n_task
from irkit.io import read_ratings
from irkit.recommend import ALS, EASE, PMF, Bias, BiasedMF, ItemKNN, RatingTable, SVDpp, TimeSVDpp
from irkit.recommend.base import Recommender
from irkit.recommend.simulate import planted_factors
from irkit.recommend.splits import RatingSplit, random_split

RATERS: dict[str, Callable[[int], Recommender]] = {
    "irkit bias": lambda seed: Bias(),
    "irkit biased-mf": lambda seed: BiasedMF(seed=seed),
    "irkit svdpp": lambda seed: SVDpp(seed=seed),
    "irkit timesvdpp": lambda seed: TimeSVDpp(seed=seed),
    "irkit pmf": lambda seed: PMF(seed=seed),
}
RANKERS: dict[str, Callable[[int], Recommender]] = {
    "irkit ease": lambda seed: EASE(),
    "irkit als": lambda seed: ALS(embedding_size=64, epochs=15, reg=30.0, seed=seed),
    "irkit als, solved exactly": lambda seed: ALS(embedding_size=64, epochs=15, reg=30.0, cg_steps=0, seed=seed),
}
Timed = dict[str, float]
"wall, cpu and a figure of quality."
System = Callable[[int], Timed]
"Fits with a seed."


def report(folder: Path, python: Path | None, repeats: int) -> list[str]:
    """Time everything on MovieLens 100K from a folder of collections and on generated ratings."""
    ratings = RatingTable.from_frame(read_ratings(folder / "ml-100k"), scale=(1, 5))
    split = random_split(ratings, 0.1, seed=1)
    liked = random_split(_liked(10_000), 0.1, seed=1)
    return [
        "Each fit has a seed of its own; the spread is that between the best figure and the worst.",
        "",
        f"### Fit on {len(split.train):,} ratings of MovieLens 100K, RMSE on the other {len(split.test):,}",
        "",
        *_raters(split, python, repeats),
        "",
        "### Rankers on the same ratings",
        "",
        "ALS has 64 factors, 15 alternations and one objective in all toolkits: what was seen weighs 2,",
        "what was not 1, the penalty is 30. EASE's penalty is 500.",
        "",
        *_rankers(split, python, repeats),
        "",
        f"### Rankers on {len(liked.train):,} generated likes of 10,000 users and 3,000 items",
        "",
        *_rankers(liked, python, repeats),
        "",
        "### Ranking all items",
        "",
        *_ranking(ratings),
        "",
        "### Biased matrix factorisation on generated ratings, 60 epochs",
        "",
        *_growth(),
        "",
        "### Memory",
        "",
        *_memory(),
    ]


def _raters(split: RatingSplit, python: Path | None, repeats: int) -> list[str]:
    train, test = split.train, split.test
    user, item = train.users.rows(test.users.names)[test.user], train.items.rows(test.items.names)[test.item]
    arrays = {
        "train_rating": train.rating,
        # Unknown users and items get numbers that nobody else has.
        "test_user": np.where(user < 0, len(train.users) + test.user, user),
        "test_item": np.where(item < 0, len(train.items) + test.item, item),
        "test_rating": test.rating,
        "scale": np.array(train.scale),
    }

    def rmse(model: Recommender) -> float:
        predicted = model.predict(test.frame())["prediction"].to_numpy()
        return float(np.sqrt(np.mean((predicted - test.rating) ** 2)))

    with _peers(train, arrays, python) as peers:
        ours = {name: _ours(make, train, "rmse", rmse) for name, make in RATERS.items()}
        found = _take_turns(ours | peers, repeats)
    limits = [(name, "Surprise SVD++", "cpu", "<= 0.33") for name in ("irkit biased-mf", "irkit svdpp")]
    return _compared(found, "rmse", limits)


def _rankers(split: RatingSplit, python: Path | None, repeats: int) -> list[str]:
    train, task = split.train, top_n_task(split.train, split.test)
    users, items = train.users.rows(task.users.names), train.items.rows(task.items.names)
    arrays = {"shape": np.array([len(train.users), len(train.items)])}

    def ndcg(scores: Recommender | Path) -> float:
        if isinstance(scores, Path):
            # Items that a model does not know come last, as in ours.
            scores = np.where(items >= 0, (known := np.load(scores)[users])[:, items], known.min() - 1.0)
        return task.evaluate(scores, "nDCG@10").means["nDCG@10"]

    with _peers(train, arrays, python) as peers:
        ours = {name: _ours(make, train, "nDCG@10", ndcg) for name, make in RANKERS.items()}
        measured = {name: _with_quality(system, ndcg) for name, system in peers.items()}
        found = _take_turns(ours | measured, repeats)
    limits = [("irkit als", peer, "cpu", "<= 1.5") for peer in ("implicit ALS", "irspack IALS")]
    limits += [("irkit ease", peer, "cpu", "<= 1.0") for peer in ("implicit ALS", "irspack DenseSLIM (EASE)")]
    return _compared(found, "nDCG@10", limits)


def _ours(make: Callable[[int], Recommender], train: RatingTable, name: str, quality: Callable) -> System:
    def fit(seed: int) -> Timed:
        wall, cpu = time.perf_counter(), time.process_time()
        fitted = make(seed).fit(train)
        took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        return took | {name: quality(fitted)}

    return fit


def _with_quality(system: System, ndcg: Callable[[Path], float]) -> System:
    def fit(seed: int) -> Timed:
        took = system(seed)
        return took | {"nDCG@10": ndcg(Path(took.pop("scores")))}

    return fit


def _take_turns(systems: dict[str, System], repeats: int) -> dict[str, Timed]:
    """Fit each system in turn with the seeds 1, 2, ..., and once before that counts; return the medians."""
    found: dict[str, list[Timed]] = {name: [] for name in systems}
    for repeat in range(repeats + 1):
        for name, fit in systems.items():
            took = fit(repeat)
            if repeat:
                found[name].append(took)
    return {name: _median(runs) for name, runs in found.items()}


def _median(runs: list[Timed]) -> Timed:
    """Return the medians, and how far the figure of quality spreads over the seeds."""
    wall, cpu, quality = runs[0]
    spread = max(one[quality] for one in runs) - min(one[quality] for one in runs)
    return {key: statistics.median(one[key] for one in runs) for key in (wall, cpu, quality)} | {"spread": spread}


def _compared(found: dict[str, Timed], quality: str, limits: list[tuple[str, str, str, str]]) -> list[str]:
    rows = [
        {"system": name, **took, quality: f"{took[quality]:.4f}", "spread": f"{took['spread']:.4f}"}
        for name, took in found.items()
    ]
    lines = table(rows, ["system", "wall", "cpu", quality, "spread"])
    ratios = [
        {"ratio": f"{ours} / {peer}, {key}", "measured": found[ours][key] / found[peer][key], "wanted": wanted}
        for ours, peer, key, wanted in limits
        if peer in found
    ]
    return [*lines, "", *table(ratios, ["ratio", "measured", "wanted"])] if ratios else lines


@contextmanager
def _peers(train: RatingTable, arrays: dict[str, np.ndarray], python: Path | None) -> Iterator[dict[str, System]]:
    """Run `peers.py` in its own environment; yield what it has."""
    if python is None:
        yield {}
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "split.npz"
        np.savez(path, train_user=train.user, train_item=train.item, **arrays)
        environment = os.environ | {"OPENBLAS_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "")}
        process = subprocess.Popen(
            [python, Path(__file__).with_name("peers.py"), path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={name: value for name, value in environment.items() if value},
        )

        def ask(name: str, seed: int) -> Timed:
            process.stdin.write(f"{seed} {name}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        try:
            names = json.loads(process.stdout.readline())
            yield {name: lambda seed, name=name: ask(name, seed) for name in names}
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


def _generated(users: int) -> RatingTable:
    return planted_factors(users, 3_000, rank=8, per_user=100, noise=0.5).ratings


def _liked(users: int) -> RatingTable:
    """Draw 100 items for each user, the likelier the better they go with the user and the more popular they are."""
    rng, items, size = np.random.default_rng(3), 3_000, 8
    taste, kind = rng.normal(size=(users, size)), rng.normal(size=(items, size))
    likely = 1.5 * taste @ kind.T / np.sqrt(size) - 0.7 * np.log(np.arange(1, items + 1))
    likely += rng.gumbel(size=likely.shape)  # the greatest of these are draws without putting back
    item = np.argpartition(-likely, 100, axis=1)[:, :100].ravel()
    columns = {"user_id": np.repeat(np.arange(users), 100).astype(str), "item_id": item.astype(str)}
    return RatingTable.from_frame(pd.DataFrame(columns).assign(rating=5.0), scale=(1, 5))


def _growth() -> list[str]:
    rows = []
    for users in (2_500, 10_000, 100_000):
        ratings = _generated(users)
        wall, cpu = time.perf_counter(), time.process_time()
        BiasedMF().fit(ratings)
        took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        wanted = {10_000: "<= 15 s by the clock", 100_000: "<= 10 times the row before"}.get(users, "")
        rows.append({"ratings": f"{len(ratings):,}", **took, "wanted": wanted})
    return table(rows, ["ratings", "wall", "cpu", "wanted"])


def _memory() -> list[str]:
    """Measure what a fit adds to a process of its own, at its highest."""
    rows = []
    ratings = _many_items()
    for model in (EASE, ItemKNN):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            rows.append({"model": model.name, "mb": apart.submit(_added, model, ratings).result()})
    users, items = len(ratings.users), len(ratings.items)
    about = f"{len(ratings):,} ratings of {users:,} users and {items:,} items; a matrix of float64 takes"
    return [f"{about} {8 * items**2 / 1e6:,.0f} MB.", "", *table(rows, ["model", "mb"])]


def _many_items() -> RatingTable:
    """Few users of many items, some far more popular than others: a matrix of item pairs that is not sparse."""
    rng = np.random.default_rng(5)
    chance = 1 / np.arange(1, 9_701) ** 0.8
    counts = np.clip(rng.lognormal(4.5, 1.2, 610), 20, 3_000).astype(int)
    items = [rng.choice(len(chance), count, replace=False, p=chance / chance.sum()) for count in counts]
    user, item = np.repeat(np.arange(len(counts)), counts), np.concatenate(items)
    columns = {"user_id": user.astype(str), "item_id": item.astype(str)}
    return RatingTable.from_frame(pd.DataFrame(columns).assign(rating=rng.integers(1, 6, len(user)).astype(float)))


def _added(model: type[Recommender], ratings: RatingTable) -> float:
    """Fit in this process; return what resident memory rose by at its highest, in MB."""
    import scipy.sparse  # noqa: F401  (what a first fit would load)

    def resident(name: str) -> float:
        return int(Path("/proc/self/status").read_text().partition(f"{name}:")[2].split()[0]) / 1e3

    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    before = resident("VmRSS")
    model().fit(ratings)
    return resident("VmHWM") - before

"""Rating models beside Surprise: fit time and RMSE on one split in one run; then a million generated ratings.

    IRKIT_DATA=... python -m benchmarks.ratings [--repeats N]

Surprise is measured if it is installed (`pip install scikit-surprise`). Systems take turns; medians of
wall-clock seconds are reported.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from irkit.io import read_ratings
from irkit.recommend import BiasedMF, RatingTable, SVDpp, TimeSVDpp
from irkit.recommend.simulate import planted_factors
from irkit.recommend.splits import RatingSplit, random_split

Fit = Callable[[], Callable[[], np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratings", description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    split = _split()
    systems = {kind.name: _ours(kind(), split) for kind in (BiasedMF, SVDpp, TimeSVDpp)} | _surprise(split)
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    errors = {}
    for _ in range(repeats):
        for name, fit in systems.items():
            started = time.perf_counter()
            predict = fit()
            seconds[name].append(time.perf_counter() - started)
            errors[name] = float(np.sqrt(np.mean((predict() - split.test.rating) ** 2)))
    print(f"{len(split.train)} training ratings, {split.hash}")
    for name, times in seconds.items():
        print(f"{name:<24} {statistics.median(times):7.2f} s   RMSE {errors[name]:.4f}")
    for users in (2_500, 5_000, 10_000):
        ratings = planted_factors(users, 3_000, rank=8, per_user=100, noise=0.5).ratings
        started = time.perf_counter()
        BiasedMF().fit(ratings)
        print(f"biased-mf on {len(ratings):>9,} ratings {time.perf_counter() - started:7.2f} s")


def _split() -> RatingSplit:
    folder = os.environ.get("IRKIT_DATA")
    if not folder:
        raise SystemExit("set IRKIT_DATA to the folder that holds ml-100k")
    return random_split(RatingTable.from_frame(read_ratings(Path(folder) / "ml-100k"), scale=(1, 5)), 0.1, seed=1)


def _ours(model: BiasedMF | SVDpp | TimeSVDpp, split: RatingSplit) -> Fit:
    def fit() -> Callable[[], np.ndarray]:
        fitted = model.fit(split.train)
        return lambda: fitted.predict(split.test.frame())["prediction"].to_numpy()

    return fit


def _surprise(split: RatingSplit) -> dict[str, Fit]:
    try:
        import surprise
    except ImportError:
        return {}
    columns = ["user_id", "item_id", "rating"]
    reader = surprise.Reader(rating_scale=split.train.scale)
    train = surprise.Dataset.load_from_df(split.train.frame()[columns].astype(object), reader).build_full_trainset()
    test = list(split.test.frame()[columns].itertuples(index=False, name=None))

    def fit_of(make: Callable[[], object]) -> Fit:
        def fit() -> Callable[[], np.ndarray]:
            model = make()
            model.fit(train)
            return lambda: np.array([prediction.est for prediction in model.test(test)])

        return fit

    tuned = {"n_factors": 50, "n_epochs": 60, "reg_all": 0.08}
    return {
        "Surprise SVD": fit_of(lambda: surprise.SVD(random_state=1)),
        "Surprise SVD, tuned": fit_of(lambda: surprise.SVD(random_state=1, **tuned)),
        "Surprise SVD++": fit_of(lambda: surprise.SVDpp(random_state=1)),
    }


if __name__ == "__main__":
    main()

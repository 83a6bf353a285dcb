"""Where the processor time of training steps goes, by torch's profiler.

Each model trains in a process of its own on one thread, once unwatched, which gives the milliseconds of a step, and
once under torch's profiler, which gives the shares of its operations and charges small calls more than they take.
"""

from __future__ import annotations

import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.turns import apart

RECIPES = ("nade-500-mnist", "docnade-20news", "topicrnn-ptb")
RECOMMENDERS = ("CFNADE", "RRN")
STEPS = 30
SHOWN = 5.0
"Percent of the processor time from which an operation is listed."


def measure(repeats: int) -> list[dict[str, Any]]:
    """Train each model for some steps, so many times; one row a model."""
    return [apart(recipe_steps, name, repeats) for name in RECIPES] + [
        apart(recommender_steps, name, repeats) for name in RECOMMENDERS
    ]


def recipe_steps(name: str, repeats: int) -> dict[str, Any]:
    """Train a recipe for some steps."""
    from irkit.recipe import load_training

    recipe = load_training(name)
    data, model = recipe.load_data(), recipe.build()
    rule = recipe.rule().changed(epochs=None, seconds=None, steps=STEPS, every=STEPS, patience=None, threads=1)
    spent, found = _timed(lambda: model.fit(data, validate=False, trainer=rule), repeats)
    return {"model": name, "data": str(recipe.data), "ms": 1e3 * spent / STEPS, "of": "a step", **found}


def recommender_steps(name: str, repeats: int) -> dict[str, Any]:
    """Train a recommender for one epoch of MovieLens 100K, of which a tenth is held out."""
    import irkit.recommend
    from irkit.io import read_ratings
    from irkit.recommend import RatingTable
    from irkit.recommend.splits import random_split

    ratings = RatingTable.from_frame(read_ratings(Path(os.environ["IRKIT_DATA"]) / "ml-100k"), scale=(1, 5))
    train = random_split(ratings, 0.1, seed=1).train
    model = getattr(irkit.recommend, name)(epochs=1)
    spent, found = _timed(lambda: model.fit(train), repeats)
    return {"model": model.name, "data": "ml-100k", "ms": 1e3 * spent, "of": "a fit of one epoch", **found}


def _timed(run: Callable[[], object], repeats: int) -> tuple[float, dict[str, str]]:
    """Return the median of the processor seconds, and the operations from `SHOWN` percent on, the costliest first."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    torch.set_num_threads(1)
    run()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with profile(activities=[ProfilerActivity.CPU]) as watched:
            run()
        rows = watched.key_averages()
    total = sum(row.self_cpu_time_total for row in rows)
    shares = sorted(((100 * row.self_cpu_time_total / total, row.key) for row in rows), reverse=True)
    listed = [f"{key.removeprefix('aten::')} {share:.1f} %" for share, key in shares if share >= SHOWN]
    return statistics.median(spent), {"operations": ", ".join(listed)}

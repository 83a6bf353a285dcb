"""Training by one process with two threads beside two processes with one thread each, taking turns.

A pass trains anew. What is timed is the training steps; what two processes take to start is the rest of the pass.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.turns import take_turns

RECIPE, STEPS = "docnade-20news", 30
RECOMMENDERS, EPOCHS = ("AutoRec", "CFNADE"), {"AutoRec": 30, "CFNADE": 2}
SETTINGS = ((1, 2), (2, 1))
"Processes, and threads of each."


def measure(repeats: int) -> list[dict[str, Any]]:
    """Train each model both ways, so many times; one row for a model and a way."""
    models: dict[str, Callable[..., Any]] = {RECIPE: partial(recipe, RECIPE)}
    models |= {name: partial(recommender, name) for name in RECOMMENDERS}
    rows = []
    for name, prepare in models.items():
        systems = {f"{processes} x {threads}": (prepare, (processes, threads)) for processes, threads in SETTINGS}
        for way, took in take_turns(systems, repeats).items():
            assert isinstance(took, dict)
            rows.append({"model": name, "processes x threads": way, **took})
    return rows


def recipe(name: str, processes: int, threads: int) -> Callable[[], dict[str, Any]]:
    """Train a recipe for some steps."""
    from irkit.recipe import load_training

    found = load_training(name)
    data, model = found.load_data(), found.build()
    budget = {"epochs": None, "seconds": None, "steps": STEPS, "every": STEPS, "patience": None}
    rule = found.rule().changed(**budget, threads=threads, processes=processes)
    return lambda: _timed(lambda: model.fit(data, validate=False, trainer=rule))


def recommender(name: str, processes: int, threads: int) -> Callable[[], dict[str, Any]]:
    """Fit a recommender to nine tenths of MovieLens 100K."""
    import irkit.recommend
    from irkit.io import read_ratings
    from irkit.recommend import RatingTable
    from irkit.recommend.splits import random_split

    ratings = RatingTable.from_frame(read_ratings(Path(os.environ["IRKIT_DATA"]) / "ml-100k"), scale=(1, 5))
    train = random_split(ratings, 0.1, seed=1).train
    model = getattr(irkit.recommend, name)(epochs=EPOCHS[name], threads=threads, processes=processes)
    return lambda: _timed(lambda: model.fit(train))


def _timed(fit: Callable[[], Any]) -> dict[str, Any]:
    """Return milliseconds of a step by the clock and of all processors, and the seconds outside of steps."""
    start = time.perf_counter()
    training = fit().training
    outside = time.perf_counter() - start - training.wall
    step = 1e3 / training.steps
    return {"ms a step": training.wall * step, "cpu ms": training.cpu * step, "s around": outside}

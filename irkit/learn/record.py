"""What is known of a model after training, as JSON-able values: its measures, what they are worth and what it cost."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import torch

from irkit import __version__
from irkit.io.kinds import PARTS, Examples, Spec
from irkit.learn.data import Data
from irkit.learn.estimate import Measure
from irkit.learn.judges.judge import Judge
from irkit.learn.model import Model
from irkit.learn.neighbours import LABELS, label_values, labelled
from irkit.machine import machine

DECIMALS = 6
"Of a measure."


def record(
    model: Model,
    data: Data,
    *,
    test_rows: int | None = None,
    evaluate: Mapping[str, Any] | None = None,
    judge: Judge | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """Measure a fitted model on the test part.

    Parameters
    ----------
    model : Model
    data : Data
    test_rows : int, optional
        How many of the test examples, from the first; default all.
    evaluate : mapping, optional
        Arguments of the model's `measures`.
    judge : Judge, optional
        Whose measures come first.
    seed : int
        Of what is drawn for the judge.

    Returns
    -------
    dict
        `measures`: by name `value`, `kind`, `unit` and `stderr` (None where not known), with `ess`, `interval`
        (of an estimated log p, 3 standard errors) and `baselines` where there are such, and what a judge's are means
        `of`; the data's identity and how many examples each part has; what training used; where it ran. Of documents
        with labels the measures include those of `irkit.learn.neighbours.label_values`. `judged_by` names the judge, if
        there is one, and states its facts.
    """
    test = data.part("test").cut(test_rows)
    own = model.measures(test, **(evaluate or {})) | _by_labels(model, data.part("train"), test) if len(test) else {}
    judged = {} if judge is None else judge.measures(model, seed=seed)
    baselines = model.baselines(data.part("train"), test) if len(test) else {}
    out: dict[str, Any] = {
        "model": model.name,
        "config": model.config.model_dump(mode="json"),
        "data": data.name,
        **data.details,
        "data_hash": data.fingerprint,
        "spec": _spec(data.spec),
        "examples": {**{name: len(data.part(name)) for name in PARTS}, "test": len(test)},
        "measures": {
            **{
                name: {**_measure(one), "of": f"{judge.size:,} {judge.many}"}
                for name, one in judged.items()
                if judge is not None
            },
            **{
                name: _measure(one, baselines.get(name), log=name == "log p")
                for name, one in own.items()
                if name not in judged
            },
        },
        "evaluated_by": dict(evaluate or {}),
        "date": str(date.today()),
        "device": device(model),
        "machine": machine(),
        "versions": versions(),
    }
    if judge is not None:
        out["judged_by"] = {"judge": judge.name, "facts": list(judge.facts)}
    if model.training is not None:
        used = model.training
        out |= {
            "epochs": used.epochs,
            "steps": used.steps,
            "best_step": used.best_step,
            "valid": used.best,
            "stopped": used.stopped,
            "wall_seconds": round(used.wall, 1),
            "cpu_seconds": round(used.cpu, 1),
        }
    return out


def _by_labels(model: Model, train: Examples, test: Examples) -> dict[str, Measure]:
    """Return how well vectors of documents find those of the same label, where documents have labels."""
    documents = test.spec.word == "document" and labelled(train) is not None and labelled(test) is not None
    found = label_values(model, train, test) if documents and model.can("encode") else {}
    return {name: Measure(one.mean(), LABELS[name].unit) for name, one in found.items()}


def device(model: Model) -> str:
    """Name what a model computes on: `cpu`, or an accelerator with its product's name."""
    found = model.place.device
    return f"{found.type}, {torch.cuda.get_device_name(found)}" if found.type == "cuda" else found.type


def versions() -> dict[str, str]:
    """Return the versions that numbers depend on."""
    return {
        "irkit": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def _spec(spec: Spec) -> dict[str, Any]:
    """Return what is known of an example's look, as JSON has it."""
    known = {
        name: value for name, value in asdict(spec).items() if value is not None and name not in ("words", "classes")
    }
    return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}


def _measure(measure: Measure, baselines: Mapping[str, float] | None = None, *, log: bool = False) -> dict[str, Any]:
    """Return a measure as it is written; of the log of a mean, `log`, an estimate has an interval."""
    found, unit = measure
    out: dict[str, Any] = {
        "value": found.value if isinstance(found.value, int) else _finite(float(found.value)),
        "kind": found.kind,
        "unit": unit,
        "stderr": _finite(float(found.error)),
    }
    if found.ess is not None:
        out["ess"] = found.ess
    if log and found.kind == "estimate" and np.isfinite(float(found.error)):
        out["interval"] = [_finite(end) for end in found.interval()]
    if baselines:
        out["baselines"] = {name: _finite(value) for name, value in baselines.items()}
    return out


def _finite(value: float) -> float | None:
    """Return None in place of a number that is not known: JSON has no infinity."""
    return round(value, DECIMALS) if np.isfinite(value) else None

"""What is known of a model after training, as JSON-able values: the number, what it is worth and what it cost."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import torch

from irkit import __version__
from irkit.arrays import Floats
from irkit.generative.base import Density
from irkit.io.density import DensityData

METRIC = "log p(x)"
"In nats, the mean over test rows."


def result(
    model: Density, data: DensityData, *, test_rows: int | None = None, evaluate: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Evaluate a fitted model on the test rows.

    Parameters
    ----------
    model : Density
    data : DensityData
    test_rows : int, optional
        How many of them, from the first; default all.
    evaluate : mapping, optional
        Arguments of `log_prob`.

    Returns
    -------
    dict
        `value` in nats with its `kind`, `stderr`, `ess` and, of an estimate, the interval of 3 standard errors;
        the data's identity; the baseline of independent bits; what training used; the model's own report as `extra`.
    """
    test = data.test[:test_rows]
    found = model.log_prob(test, **(evaluate or {})).mean()
    report = getattr(model, "report", None)
    out: dict[str, Any] = {
        "model": model.name,
        "config": model.config.model_dump(mode="json"),
        "data": data.name,
        "binarisation": data.binarisation,
        "data_hash": data.fingerprint,
        "shape": list(data.shape),
        "rows": {"train": len(data.train), "valid": len(data.valid), "test": len(test)},
        "metric": METRIC,
        "value": round(float(found.value), 4),
        "kind": found.kind,
        "stderr": _finite(float(found.error)),
        "ess": found.ess,
        "interval": [_finite(end) for end in found.interval()] if found.kind == "estimate" else None,
        "evaluated_by": dict(evaluate or {}),
        "independent_bits": round(float(independent_log_prob(data.train, test).mean()), 4),
        "extra": {} if report is None else report(test, data.test_labels[:test_rows]),
        "date": str(date.today()),
        "versions": versions(),
    }
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


def independent_log_prob(train: Floats, rows: Floats) -> Floats:
    """Return log p of rows of bits under independent bits with add-one frequencies: (m,) float64, nats.

    p_d = (1 + sum over training rows of x_d) / (2 + N)

    Parameters
    ----------
    train : (N, D)
        Bits, or probabilities of bits.
    rows : (m, D)
        Bits.
    """
    p = (train.sum(axis=0, dtype=np.float64) + 1) / (len(train) + 2)
    return rows @ np.log(p) + (1 - rows) @ np.log1p(-p)


def versions() -> dict[str, str]:
    """Return the versions that numbers depend on."""
    return {
        "irkit": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def _finite(value: float) -> float | None:
    """Return None in place of an end that is not known: JSON has no infinity."""
    return round(value, 4) if np.isfinite(value) else None

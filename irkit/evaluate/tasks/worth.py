"""What the mean of a system over trials is worth: spread over folds, kind and Monte Carlo error of estimates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from irkit.evaluate.tasks.task import Measured


def deviation(trials: Sequence[Measured], measure: str) -> dict[str, float]:
    """Return the standard deviation over folds, where there are several."""
    by_fold = [one.facts["by_fold"][measure] for one in trials if "by_fold" in one.facts]
    return {"deviation": float(np.mean(by_fold, axis=0).std(ddof=1))} if by_fold else {}


def worth(trials: Sequence[Measured], measure: str) -> dict[str, Any]:
    """Return what the means of trained models are worth: kind, Monte Carlo error, effective sample size."""
    facts = [one.facts["worth"][measure] for one in trials if "worth" in one.facts]
    if not facts:
        return {}
    error = math.hypot(*(one["error"] for one in facts)) / len(facts)
    shares = [one["ess"] for one in facts if one["ess"] is not None]
    return {
        "kind": facts[0]["kind"],
        "stderr": error if 0 < error < math.inf else None,
        "ess": min(shares, default=None),
    }

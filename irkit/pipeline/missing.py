"""What a list counts for a document that it lacks, when lists are added or put side by side.

A list is what one pipeline ranks for one query. CombSUM counts 0 for a missing document, which is the
lowest score of weighting models such as BM25; among log-likelihoods it would be the highest. So a list
that holds a negative score counts its lowest instead.

Symbols: n queries, m hits, F features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.config import Config

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage

Missing: TypeAlias = Literal["auto", "lowest"] | float
"`auto`, `lowest`, or a number; see `FusionConfig`."


class FusionConfig(Config):
    """Settings of the operators in which a list counts something for a document that it lacks."""

    missing: Literal["auto", "lowest"] | float = "auto"
    """What a list counts for a document that it lacks: `auto` its lowest score if it holds a negative one and else 0,
    `lowest` its lowest score, or a number. It is meant before a weight: `w * a` counts w times what a counts."""


def missing_values(ptr: Ints, values: Floats, missing: Missing, weight: float = 1.0) -> Floats:
    """Compute what each query's list counts for a document that it lacks; an empty list counts 0.

    Parameters
    ----------
    ptr : (n + 1,) int
        Query i has the values `ptr[i]:ptr[i + 1]`.
    values : (m, F) float64
        Scores, F = 1, or features, of which each column is a list of its own.
    missing : "auto", "lowest" or float
    weight : float
        The factor that is in `values` already. Below 0 it turns a list round, and its lowest score with it.

    Returns
    -------
    (n, F) float64

    Examples
    --------
    >>> missing_values(np.array([0, 2, 4, 4]), np.array([[-1.0], [-3.0], [5.0], [2.0]]), "auto").ravel().tolist()
    [-3.0, 0.0, 0.0]
    >>> missing_values(np.array([0, 2]), np.array([[-1.0], [-3.0]]), "auto", weight=-0.5).ravel().tolist()
    [0.0]
    """
    out = np.zeros((len(ptr) - 1, values.shape[1]))
    if not isinstance(missing, str):
        out[:] = weight * missing
        return out
    filled = np.diff(ptr) > 0
    sign = -1.0 if weight < 0 else 1.0
    if filled.any():
        out[filled] = np.minimum.reduceat(sign * values, ptr[:-1][filled], axis=0)
    return sign * (np.minimum(out, 0.0) if missing == "auto" else out) + 0.0  # no -0.0


def weight_of(pipeline: Stage) -> float:
    """Return the factor that a pipeline puts on its scores at its end: the product of its last weights.

    Stages that drop hits or bring texts leave scores as they are, and so the factor.

    Examples
    --------
    >>> from irkit.pipeline.operators import Scale
    >>> weight_of(Scale(weight=0.5) % 10 >> Scale(weight=-3))
    -1.5
    """
    from irkit.pipeline.chain import Cut
    from irkit.pipeline.filters import Drop, DropSelf
    from irkit.pipeline.operators import Scale
    from irkit.pipeline.texts import LoadText
    from irkit.pipeline.unfold import in_row

    weight = 1.0
    for stage in reversed(in_row(pipeline)):
        if isinstance(stage, Scale):
            weight *= stage.config.weight
        elif not isinstance(stage, (Cut, Drop, DropSelf, LoadText)):
            return weight * (weight_of(stage.parts[0]) if stage.transparent else 1.0)
    return weight


def reason(values: Floats, counted: Floats, missing: Missing, weight: float) -> str:
    """Say in a few words what one query's list counts for a document that it lacks, and why.

    Parameters
    ----------
    values : (m, F) float64
    counted : (F,) float64
        What `missing_values` says.
    """
    said = "counts " + ", ".join(f"{value:.6g}" for value in counted)
    if not isinstance(missing, str):
        return f"{said} as missing={missing:g} says" + (f", times the weight {weight:g}" if weight != 1 else "")
    if not len(values):
        return f"{said}, its list is empty"
    if missing == "auto" and not counted.any():
        return f"{said}, its list has no negative score" + (" before the weight" if weight < 0 else "")
    return f"{said}, the lowest of its list" + (" before the weight" if weight < 0 else "")

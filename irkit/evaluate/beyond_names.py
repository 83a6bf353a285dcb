"""The measures beyond accuracy as ir-measures has measures, so that they are read and printed as all others are."""

from __future__ import annotations

import ir_measures
from ir_measures.measures import Measure

from irkit.evaluate.beyond import BEYOND


class BeyondAccuracy(Measure):
    """What `irkit.evaluate.beyond` computes; no provider of ir-measures does."""


_PARAMETERS = {"cutoff": ir_measures.P.SUPPORTED_PARAMS["cutoff"]}

BY_NAME: dict[str, Measure] = {
    name: type(name, (BeyondAccuracy,), {"NAME": name, "__name__": name, "SUPPORTED_PARAMS": _PARAMETERS})()
    for name in BEYOND
}
"Name -> the measure without its cut-off."

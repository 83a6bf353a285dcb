"""Why a document got its score: the trail through a pipeline, term by term where a stage knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from irkit.hits import Hits

if TYPE_CHECKING:
    from irkit.pipeline.stage import Flow, Stage

Terms: TypeAlias = list[tuple[str, float, float]]
"Rows of (term, weight in the query, contribution to the score)."

"""A pipeline that runs each query under the settings that were chosen without it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from irkit.config import digest
from irkit.evaluate.splits import Folds
from irkit.frames import Queries
from irkit.hits import Hits, stacked
from irkit.pipeline.stage import Stage


class ByFold(Stage):
    """Run each query with the pipeline of the fold that holds it out; other queries find nothing."""

    name = "by-fold"
    takes = "queries"
    gives = "results"
    alike = True

    def __init__(self, parts: Sequence[Stage], split: Folds, *, guarded: bool = False) -> None:
        super().__init__()
        self.pipelines = tuple(parts)
        # Each learned from the queries of the others, which guards that look at all of them as one would refuse.
        self.parts = () if guarded else self.pipelines
        self.fold_of = {qid: fold for fold in range(len(split)) for qid in split.test(fold)}

    @property
    def fingerprint(self) -> str:
        """Hash of the pipelines and of which query goes to which."""
        return digest("by-fold", [part.fingerprint for part in self.pipelines], self.fold_of)

    def run(self, flow: Queries) -> Hits:
        """Run fold by fold and put the results in the order of the queries."""
        fold = flow["qid"].map(self.fold_of).fillna(-1).to_numpy(dtype=np.int64)
        parts = [flow[fold == number].reset_index(drop=True) for number in range(len(self.pipelines))]
        found = [part.run(own) for part, own in zip(self.pipelines, parts, strict=True)]
        queries = pd.concat(parts, ignore_index=True)
        return stacked(found, queries).for_queries(flow)  # type: ignore[arg-type]

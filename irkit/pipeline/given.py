"""A run that is there already, as the beginning of a pipeline: what a file, a frame or hits hold, query by query."""

from __future__ import annotations

from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

from irkit.config import digest
from irkit.errors import FrameError
from irkit.frames import Queries, Results, results_frame
from irkit.hits import Hits
from irkit.pipeline.stage import Stage, resource_fingerprint
from irkit.pipeline.unfold import every

if TYPE_CHECKING:
    from typing import Any


class Run(Stage):
    """Give each query what a run holds for it; a query that the run lacks finds nothing.

    Parameters
    ----------
    results : path, frame or Hits
        A TREC run file; a results frame, those of PyTerrier and ir_datasets among them (`irkit.frames.results_frame`);
        or hits. Stages behind it that look at texts of queries see those of the queries it is run on.

    Examples
    --------
    >>> import pandas as pd
    >>> run = Run(pd.DataFrame({"qid": ["1", "1"], "docno": ["a", "b"], "score": [1.0, 2.0]}))
    >>> (run % 1)({"1": "wing flutter", "2": "heat"})["docno"].tolist()
    ['b']
    """

    name = "run"
    takes = "queries"
    gives = "results"

    def __init__(self, results: Hits | Results | str | PathLike[str]) -> None:
        super().__init__()
        self.origin = ""
        if isinstance(results, (str, PathLike)):
            from irkit.io.documents.runs import read_run

            self.origin = fspath(results)
            results = read_run(results)
        self.hits = results if isinstance(results, Hits) else Hits.from_frame(results_frame(results), who="run")

    def run(self, flow: Queries) -> Hits:
        """Look the queries up."""
        return self.hits.of(flow["qid"].tolist()).for_queries(flow)

    def read(self, frame: Any) -> Queries:
        """Check what a user hands in: queries of which the run has some."""
        queries: Queries = super().read(frame)  # type: ignore[assignment]
        self.check(queries)
        return queries

    def check(self, queries: Queries) -> None:
        """Raise `FrameError` if the run holds other queries only."""
        own = self.hits.queries["qid"]
        if len(own) and len(queries) and not queries["qid"].isin(own).any():
            ids = f"qids such as {own.iloc[0]!r} in the run and {queries['qid'].iloc[0]!r} asked for"
            raise FrameError(f"{self.label()}: holds none of the queries, got {ids}; ids are compared as strings")

    @property
    def word(self) -> str:
        """The name of the file, without its endings."""
        return Path(self.origin).name.partition(".")[0] or self.name

    def label(self) -> str:
        """Return the file it came from, or how much it holds."""
        held = f"{len(self.hits.queries):,} queries, {len(self.hits):,} documents"
        return f"run({self.origin!r})" if self.origin else f"run({held})"

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what the run holds, wherever it came from."""
        frame = self.hits.frame()[["qid", "docno", "score"]]
        return digest("run", self.hits.ties, resource_fingerprint(frame))


def holds_run(pipeline: Stage) -> bool:
    """Say whether a pipeline, or any part of it, is a run that was there already: it tells no times."""
    return any(isinstance(stage, Run) for stage in every(pipeline))

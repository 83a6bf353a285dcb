"""`irkit fuse`: join run files into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from irkit.cli.printing import counted, say

if TYPE_CHECKING:
    from irkit.hits import Hits


def fuse(
    run: list[Path],
    /,
    *,
    output: Annotated[Path, Parameter(name=["-o", "--output"])],
    method: Literal["rrf", "combsum", "combmnz"] = "rrf",
    normalise: Literal["minmax", "zscore", "sum", "none"] = "minmax",
    weights: str | None = None,
    tag: str = "fused",
) -> None:
    """Join run files into one by their ranks or scores.

    A query that only some of the files have is joined of these.

    For example:

        irkit fuse bm25.run ql.run -o fused.run
        irkit fuse bm25.run ql.run --weights "2 1" -o fused.run
        irkit fuse bm25.run ql.run --method combsum --weights "0.7 0.3" -o fused.run

    Parameters
    ----------
    run
        Two run files or more.
    output
        The run file to write, packed if it ends in .gz, .bz2, .xz or .zst; - is standard output.
    method
        What is added: rrf the reciprocals of 60 + rank, combsum scores, combmnz scores times the number of lists
        that hold the document.
    normalise
        How scores of each query and file are brought to a common scale before combsum and combmnz.
    weights
        A factor for each file on what it adds, such as "0.7 0.3"; default 1 for all.
    tag
        The last column of the run file.
    """
    from irkit.cli.inputs import check_tag
    from irkit.errors import ConfigError
    from irkit.hits import Hits
    from irkit.io import read_run, write_run
    from irkit.io.outputs import check_output

    if len(run) < 2:
        raise ConfigError(f"fuse: needs two run files or more, got {len(run)}")
    check_tag(tag, who="fuse")
    factors = _numbers(weights, len(run))
    check_output(output, who="fuse", option="-o", inputs=tuple(run))
    fused = fused_runs([Hits.from_frame(read_run(path)) for path in run], method, normalise, factors)
    write_run(fused, output, tag)
    say(f"{output}: {counted(len(fused.queries), 'query')}, {counted(len(fused), 'line')}", beside=output)


def fused_runs(runs: list[Hits], method: str, normalise: str, weights: list[float] | None) -> Hits:
    """Join result sets of the same or other queries."""
    import pandas as pd

    from irkit.pipeline import combmnz, combsum, rrf
    from irkit.pipeline.fusion import NORMALISERS

    joins: Any = {"rrf": rrf, "combsum": combsum, "combmnz": combmnz}
    queries = pd.concat([hits.queries[["qid"]] for hits in runs]).drop_duplicates(ignore_index=True)
    if method != "rrf" and normalise != "none":
        runs = [hits.rescored(NORMALISERS[normalise](hits.ptr, hits.score)) for hits in runs]
    fused: Hits = joins[method](runs, weights=weights).run(queries)
    return fused


def _numbers(text: str | None, count: int) -> list[float] | None:
    from irkit.errors import ConfigError

    if text is None:
        return None
    try:
        found = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        found = []
    if len(found) != count or not all(0 <= one < float("inf") for one in found):
        raise ConfigError(f"fuse: --weights must be {count} numbers of 0 or more, one for each file, got {text!r}")
    return found

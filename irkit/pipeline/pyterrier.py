"""PyTerrier transformers as stages, and stages as PyTerrier transformers.

    from_pyterrier(transformer)     a transformer as a stage
    to_pyterrier(stage)             a stage as a real `pt.Transformer`
    enable_operators()              lets `transformer >> stage` work as it stands

`stage >> transformer` works without further ado: the stage's operator wraps the transformer.
In `transformer >> stage` Python asks PyTerrier first, which refuses what it does not know; write
`from_pyterrier(transformer) >> stage`, or `transformer >> to_pyterrier(stage)`, or call
`enable_operators()` once. Nothing here starts Terrier or a JVM.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pandas as pd

from irkit.errors import CompositionError, ConfigError, MissingExtraError
from irkit.frames import check_queries
from irkit.hits import Hits
from irkit.pipeline.stage import Flow, Role, Stage

if TYPE_CHECKING:
    from types import ModuleType

_COLUMNS: dict[Role, list[str]] = {
    "queries": ["qid", "query"],
    "results": ["qid", "query", "docno", "score", "rank"],
}

_OPERATORS = ("__rshift__", "__add__", "__or__", "__and__", "__xor__", "__pow__")


class FromPyTerrier(Stage):
    """A PyTerrier transformer as a stage; made by `from_pyterrier`.

    What the transformer gives is put in irkit's order: score descending, then the tie rule. Its
    further columns, `docid` for one, travel along. A cache cannot look into it.
    """

    name = "pyterrier"

    def __init__(self, transformer: Any, takes: Role, gives: Role) -> None:
        super().__init__()
        self.transformer = transformer
        self.takes, self.gives = takes, gives

    def run(self, flow: Flow) -> Flow:
        """Hand the transformer a frame and check what comes back."""
        queries = flow.queries if isinstance(flow, Hits) else flow
        if not len(flow):
            return Hits.none(queries) if self.gives == "results" else queries
        out: pd.DataFrame = self.transformer.transform(flow.frame() if isinstance(flow, Hits) else flow.copy())
        who = f"pyterrier: {self.label()}"
        if self.gives == "results":
            return Hits.from_frame(out, queries, ties=flow.ties if isinstance(flow, Hits) else "trec", who=who)
        check_queries(out, who=who)
        if "docno" in out:
            raise CompositionError(f"{who} gave results, not queries; pass gives='results' to from_pyterrier")
        return out.reset_index(drop=True)

    @property
    def word(self) -> str:
        """The transformer as PyTerrier prints it, or its kind where that would be an address."""
        return self.label().removeprefix("from_pyterrier(").removesuffix(")")

    def label(self) -> str:
        """Return the transformer as PyTerrier prints it, in brackets."""
        text = " ".join(repr(self.transformer).split())
        return f"from_pyterrier({type(self.transformer).__name__ if ' object at 0x' in text else text})"

    def spec(self) -> dict[str, Any]:
        """Refuse: a recipe holds names and numbers, not objects."""
        raise ConfigError(f"pyterrier: a recipe cannot hold {self.label()}; build the pipeline in Python")

    @property
    def fingerprint(self) -> str:
        """A hash that no other object has."""
        return self._own

    @property
    def cacheable(self) -> bool:
        """False: nothing is known about the transformer's parameters and resources."""
        return False


def from_pyterrier(
    transformer: Any,
    *,
    takes: Role | None = None,
    gives: Role | None = None,
    before: Stage | None = None,
    after: Stage | None = None,
    beside: Stage | None = None,
) -> Stage:
    """Make a stage of a PyTerrier transformer.

    Parameters
    ----------
    transformer : pt.Transformer
    takes, gives : {"queries", "results"}, optional
        What it is; by default asked of PyTerrier's inspection, and where that does not know, of the neighbours.
    before, after, beside : Stage, optional
        The neighbour it stands before, after, or next to in a fusion.

    Returns
    -------
    Stage

    Raises
    ------
    CompositionError
        If it is no transformer, or what it takes or gives cannot be told.
    MissingExtraError
        If PyTerrier is not installed.
    """
    pt = _pyterrier()
    if isinstance(transformer, _bridge()):
        stage: Stage = transformer.stage
        return stage
    if not isinstance(transformer, pt.Transformer):
        raise CompositionError(f"from_pyterrier: needs a pyterrier Transformer, got {type(transformer).__name__}")
    if takes is None:
        takes = after.gives if after else beside.takes if beside else _takes(pt, transformer)
    if gives is None:
        # What reads results and cannot be inspected is a reranker, not one of the rare feedback models.
        likely: Role | None = "results" if takes == "results" or beside else None
        known = _gives(pt, transformer, takes) if takes else None
        gives = known or (before.takes if before else likely)
    for value, word in ((takes, "takes"), (gives, "gives")):
        if value is None:
            raise CompositionError(
                f"from_pyterrier: cannot tell what {transformer!r} {word}; pass {word}='queries' or {word}='results'"
            )
    return FromPyTerrier(transformer, takes, gives)  # type: ignore[arg-type]


def to_pyterrier(stage: Stage) -> Any:
    """Make a PyTerrier transformer of a stage, for PyTerrier's operators and `pt.Experiment`.

    Returns
    -------
    pt.Transformer

    Raises
    ------
    MissingExtraError
        If PyTerrier is not installed.
    """
    return stage.transformer if isinstance(stage, FromPyTerrier) else _bridge()(stage)


def enable_operators() -> None:
    """Let PyTerrier's operators leave an irkit stage on their right to irkit: `transformer >> stage`.

    This changes `pt.Transformer` for the whole process, for stages only: it returns NotImplemented
    for them, where it raised an error before. Calling it again does no harm.
    """
    kind = _pyterrier().Transformer
    for name in _OPERATORS:
        original = getattr(kind, name)
        if not getattr(original, "leaves_stages", False):
            setattr(kind, name, _leaving_stages(original))


def _leaving_stages(original: Any) -> Any:
    @functools.wraps(original)
    def operator(self: Any, other: Any) -> Any:
        return NotImplemented if isinstance(other, Stage) else original(self, other)

    operator.leaves_stages = True  # type: ignore[attr-defined]
    return operator


def _pyterrier() -> ModuleType:
    try:
        import pyterrier
    except ImportError:
        raise MissingExtraError("pyterrier: is not installed; pip install python-terrier") from None
    return pyterrier


@functools.cache
def _bridge() -> Any:
    """Return the transformer class; made on demand, since its base is PyTerrier's."""
    pt = _pyterrier()

    class IrkitStage(pt.Transformer):  # type: ignore[name-defined, misc]  # known when it is imported
        """An irkit stage as a PyTerrier transformer."""

        def __init__(self, stage: Stage) -> None:
            self.stage = stage

        def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
            """Apply the stage to a frame of queries or results."""
            return self.stage(_plain(inp) if self.stage.takes == "queries" else inp)

        def transform_inputs(self) -> list[list[str]]:
            """Return the columns the stage needs."""
            return [["qid", "query"] if self.stage.takes == "queries" else ["qid", "docno", "score"]]

        def transform_outputs(self, input_columns: list[str]) -> list[str]:
            """Return the columns the stage gives, as far as they are the same for every input."""
            extra = [name for name in input_columns if name not in _COLUMNS["results"]]
            if self.stage.gives == "queries" and self.stage.takes == "results":
                extra = [name for name in extra if name in ("query_0", "query_toks")]
            return _COLUMNS[self.stage.gives] + extra

        def fuse_rank_cutoff(self, k: int) -> Any:
            """Let PyTerrier hand a following cut to the stage."""
            return IrkitStage(self.stage % k) if self.stage.gives == "results" else None

        def __repr__(self) -> str:
            return repr(self.stage)

    return IrkitStage


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the queries of a frame: PyTerrier's retrievers take results as well, and look only at their queries."""
    if "docno" not in frame:
        return frame
    names = [name for name in ("qid", "query", "query_0", "query_toks") if name in frame]
    return frame[names].drop_duplicates("qid").reset_index(drop=True)


def _takes(pt: ModuleType, transformer: Any) -> Role | None:
    """Ask PyTerrier what a transformer takes; of several answers the first is the preferred one."""
    asked = pt.inspect.transformer_inputs(transformer, strict=False)
    if not asked or not asked[0]:
        return None
    return "results" if "docno" in asked[0] else "queries"


def _gives(pt: ModuleType, transformer: Any, takes: Role) -> Role | None:
    """Ask PyTerrier what a transformer gives for what it takes."""
    columns = pt.inspect.transformer_outputs(transformer, _COLUMNS[takes], strict=False)
    if columns is None:
        return None
    return "results" if "docno" in columns else "queries"

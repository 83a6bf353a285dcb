"""Stages and how they chain: the pipeline algebra's ground floor.

A stage is a small immutable object: a validated config, what it takes and gives, and a call from
frame to frame. `a >> b` chains, `a % k` cuts; the other operators are in `irkit.pipeline.operators`.
Inside a pipeline results travel as `Hits` (arrays); a frame is made when the user asks for one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import pandas as pd
from pydantic import Field

from irkit.config import Config, digest
from irkit.errors import CompositionError, FrameError
from irkit.frames import Qrels, Queries, check_queries, queries_frame
from irkit.hits import Hits

if TYPE_CHECKING:
    from irkit.pipeline.explain import Explanation, Terms

Role: TypeAlias = Literal["queries", "results"]
"What a stage takes or gives."

Flow: TypeAlias = pd.DataFrame | Hits
"What travels between stages: a queries frame, or hits."


@dataclass(frozen=True)
class Topics:
    """Queries with their judgements: what a stage that learns is fitted on."""

    queries: Queries
    qrels: Qrels


class Stage:
    """One step of a pipeline.

    A subclass names itself, says what it takes and gives, and implements `run`. Its constructor
    takes the config first and then the resources named in `needs`, by keyword.
    """

    name: ClassVar[str]
    "Name in recipes and in print."
    takes: ClassVar[Role] = "results"
    gives: ClassVar[Role] = "results"
    needs: ClassVar[tuple[str, ...]] = ()
    "Resources a recipe must supply, such as `index` or `vectors`."
    config_type: ClassVar[type[Config]] = Config
    config: Config
    parts: tuple[Stage, ...] = ()
    "Pipelines inside an operator."

    def run(self, flow: Any) -> Flow:
        """Do the work on arrays or frames, without checking what came in."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement run")

    # ------------------------------------------------------------------ use

    def __call__(self, frame: Any) -> pd.DataFrame:
        """Apply the stage to a frame; queries may also be a text, a list of texts or a dict of qid to text."""
        flow = self.run(self._read(frame))
        return flow.frame() if isinstance(flow, Hits) else flow

    transform = __call__

    def search(self, text: str, n: int = 10) -> pd.DataFrame:
        """Run one query and return its best n results."""
        if self.gives != "results" or self.takes != "queries":
            raise CompositionError(f"{self.name}: search needs a pipeline from queries to results; use the call instead")
        return (self % n)(text)

    def fit(self, train: Topics, valid: Topics | None = None) -> Stage:
        """Return a fitted copy; a stage that learns nothing returns itself."""
        return self

    def explain(self, query: Any, docno: str) -> Explanation:
        """Say how one document got its score: what each stage made of it, term by term where it can."""
        from irkit.pipeline.explain import explain

        return explain(self, query, docno)

    def explain_terms(self, flow: Any, docno: str) -> Terms | None:
        """Return per-term contributions to the score of one document of a one-query flow, if the stage has any."""
        return None

    def parallel(self, n: int) -> Stage:
        """Return a stage that runs this pipeline in n worker processes, queries split among them."""
        from irkit.pipeline.parallel import Parallel, ParallelConfig

        return Parallel((self,), ParallelConfig(n=n))

    # ------------------------------------------------------------------ identity

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Construct the stage from plain values, as a recipe does."""
        return cls(cls.config_type(**config), **{need: resources[need] for need in cls.needs})  # type: ignore[call-arg]

    def spec(self) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the stage as plain values, as a recipe file holds it."""
        own = {"use": self.name, **self.config.given()}
        return {**own, "of": [_listed(part.spec()) for part in self.parts]} if self.parts else own

    def resources(self) -> dict[str, Any]:
        """Return the resources of this stage and its parts by name."""
        held = {need: getattr(self, need) for need in self.needs}
        for part in self.parts:
            held |= part.resources()
        return held

    @property
    def fingerprint(self) -> str:
        """Hash of everything the output depends on besides the input: names, parameters and resources."""
        prints = {name: str(getattr(held, "fingerprint", "")) for name, held in sorted(self.resources().items())}
        return digest(self.spec(), prints)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stage) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        from irkit.pipeline.draw import expression

        return expression(self)

    def __str__(self) -> str:
        from irkit.pipeline.draw import schematic

        return schematic(self)

    def _repr_svg_(self) -> str:
        from irkit.pipeline.draw import svg

        return svg(self)

    # ------------------------------------------------------------------ operators

    def __rshift__(self, other: Any) -> Stage:
        return Then.of(self, as_stage(other, after=self))

    def __rrshift__(self, other: Any) -> Stage:
        return Then.of(as_stage(other, before=self), self)

    def __mod__(self, k: int) -> Stage:
        if isinstance(k, bool) or not isinstance(k, int):
            raise CompositionError(f"%: cuts to a whole number of documents, got {k!r}; write pipeline % 10")
        return Then.of(self, Cut(CutConfig(k=k)))

    def __add__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Sum

        return Sum.of("+", self, other)

    def __mul__(self, weight: float) -> Stage:
        from irkit.pipeline.operators import Scale, ScaleConfig

        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            raise CompositionError(f"*: scales scores by a number, got {type(weight).__name__}; write 0.5 * pipeline")
        return Then.of(self, Scale(ScaleConfig(weight=weight)))

    __rmul__ = __mul__

    def __or__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Union

        return Union.of("|", self, other)

    def __and__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Intersection

        return Intersection.of("&", self, other)

    def __xor__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Append

        return Append.of("^", self, other)

    def __pow__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Features

        return Features.of("**", self, other)

    # ------------------------------------------------------------------ inside

    def _read(self, frame: Any) -> Flow:
        if self.takes == "results":
            if not isinstance(frame, (pd.DataFrame, Hits)):
                raise FrameError(f"{self.name}: takes results, got {type(frame).__name__}; run a retriever first")
            return frame if isinstance(frame, Hits) else Hits.from_frame(frame)
        if isinstance(frame, Hits):
            return frame.queries
        queries = queries_frame(frame)
        check_queries(queries, who=self.name)
        return queries


class CutConfig(Config):
    """Settings of `Cut`."""

    k: int = Field(ge=1)
    "Documents kept per query."


class Cut(Stage):
    """Keep the best k documents of each query: `pipeline % k`."""

    name = "cut"
    config_type = CutConfig
    config: CutConfig

    def __init__(self, config: CutConfig) -> None:
        self.config = config

    def run(self, flow: Hits) -> Hits:
        """Cut each query's hits."""
        return flow.cut(self.config.k)


class Then(Stage):
    """Stages in a row: `a >> b`. Built flat, so chaining is associative."""

    name = "then"

    def __init__(self, parts: tuple[Stage, ...]) -> None:
        self.parts = parts
        self.config = Config()
        self.takes = parts[0].takes  # type: ignore[misc]
        self.gives = parts[-1].gives  # type: ignore[misc]

    @classmethod
    def of(cls, *stages: Stage) -> Stage:
        """Chain stages after checking that each takes what the one before gives."""
        flat = [part for stage in stages for part in (stage.parts if isinstance(stage, Then) else (stage,))]
        for left, right in zip(flat, flat[1:], strict=False):
            if left.gives != right.takes:
                between = "a retriever" if left.gives == "queries" else "a feedback stage"
                raise CompositionError(
                    f">>: {left.name} gives {left.gives} but {right.name} takes {right.takes}; "
                    f"put {between} between them: {left.name} >> ... >> {right.name}"
                )
        return flat[0] if len(flat) == 1 else cls(tuple(flat))

    def run(self, flow: Flow) -> Flow:
        """Run the stages in order; a cut right after a stage that can stop early is handed to it."""
        for stage in self.steps():
            flow = stage.run(flow)
        return flow

    def steps(self) -> Iterator[Stage]:
        """Yield the stages as they are run: `retrieve % k` is one retrieval of k documents."""
        waiting: Stage | None = None
        for stage in self.parts:
            if isinstance(stage, Cut) and waiting is not None and hasattr(waiting, "limited"):
                waiting = waiting.limited(stage.config.k)
                continue
            if waiting is not None:
                yield waiting
            waiting = stage
        if waiting is not None:
            yield waiting

    def fit(self, train: Topics, valid: Topics | None = None) -> Stage:
        """Fit the stages in order, each on what the fitted ones before it give."""
        fitted: list[Stage] = []
        for stage in self.parts:
            fitted.append(stage.fit(train, valid))
            train, valid = _advance(fitted[-1], train), valid and _advance(fitted[-1], valid)
        return Then(tuple(fitted))

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Chain the parts."""
        return cls.of(*parts)

    def spec(self) -> list[dict[str, Any]]:
        """Return the stages in order."""
        return [part.spec() for part in self.parts]  # type: ignore[misc]


def as_stage(thing: Any, *, before: Stage | None = None, after: Stage | None = None) -> Stage:
    """Accept what may stand beside a stage in an operator: a stage, or a PyTerrier transformer.

    Raises
    ------
    CompositionError
        For anything else; for a function the message shows how to wrap it.
    """
    if isinstance(thing, Stage):
        return thing
    if any(kind.__module__.split(".")[0] == "pyterrier" for kind in type(thing).__mro__):
        from irkit.pipeline.pyterrier import from_pyterrier

        return from_pyterrier(thing, before=before, after=after)
    if inspect.isroutine(thing):
        raise CompositionError(
            f">>: {thing.__name__} is a plain function; say what it does: irkit.pipeline.apply.rerank({thing.__name__})"
        )
    raise CompositionError(f">>: needs a stage, got {type(thing).__name__}; build one or load a recipe")


def _advance(stage: Stage, topics: Topics) -> Topics:
    """Run the topics' flow through a fitted stage; results stand in for queries further down."""
    return Topics(stage.run(topics.queries), topics.qrels)  # type: ignore[arg-type]


def _listed(spec: dict[str, Any] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return spec if isinstance(spec, list) else [spec]

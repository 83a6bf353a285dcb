"""Stages and how they chain: the pipeline algebra's ground floor.

A stage is a small immutable object: a validated config, what it takes and gives, and a call from
frame to frame. `a >> b` chains, `a % k` cuts; the other operators are in `irkit.pipeline.operators`.
Inside a pipeline results travel as `Hits` (arrays); a frame is made when the user asks for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias
from uuid import uuid4

import pandas as pd

from irkit.config import Config, digest, nowhere
from irkit.errors import CompositionError, ConfigError, FrameError
from irkit.frames import queries_frame
from irkit.hits import Hits
from irkit.pipeline.arguments import StageType

if TYPE_CHECKING:
    from irkit.pipeline.explain import Explanation, Origin, Terms

Role: TypeAlias = Literal["queries", "results"]
"What a stage takes or gives."

Flow: TypeAlias = pd.DataFrame | Hits
"What travels between stages: a queries frame, or hits."


class Stage(metaclass=StageType):
    """One step of a pipeline.

    A subclass names itself, says what it takes and gives, and implements `run`. It is constructed with the
    resources that `needs` names, by place or by name, and with the fields of its config by name, or with a
    config (`config=`). Its own `__init__` gets all of them by name. What is shown of a subclass by `help`
    has each field in the place of `**settings`.
    """

    name: ClassVar[str]
    "Name in recipes and in print."
    takes: Role = "results"
    gives: Role = "results"
    needs: ClassVar[tuple[str, ...]] = ()
    "Resources a recipe must supply, such as `index` or `vectors`."
    config_type: ClassVar[type[Config]] = Config
    config: Config
    parts: tuple[Stage, ...] = ()
    "Pipelines inside an operator."
    joins: ClassVar[bool] = False
    "Whether it runs its parts on what it offers them and joins what they give, so that others may run these for it."
    shares_input: ClassVar[bool] = True
    "Whether it offers its parts its own input as it is."
    transparent: ClassVar[bool] = False
    "Whether it gives what its one part gives, wherever that is run."
    alike: ClassVar[bool] = False
    "Whether its parts are one pipeline with other settings, so that one of them is enough to name it."
    makes: ClassVar[tuple[str, ...]] = ()
    "What the columns are called that it adds to `features`."
    asked_of: ClassVar[tuple[str, str]] = ("document", "the query")
    "What it finds, and for what, in an explanation."
    learns_from: ClassVar[type | None] = None
    "Kind of training part that its `fit` takes, such as `Topics`; None for a stage that learns nothing itself."

    # numpy numbers leave `weight * stage` to the stage, pandas frames `results + stage`.
    __array_ufunc__ = None
    __pandas_priority__ = 5000

    def __init__(self, config: Config | None = None, **settings: Any) -> None:
        if config is not None and (settings or not isinstance(config, self.config_type)):
            kind = self.config_type.__name__
            got = "both" if settings else f"{type(config).__name__} {config!r}"
            raise ConfigError(f"{self.name}: takes a {kind} or its fields by name, got {got}")
        self.config = config if config is not None else self.configured(settings)

    def run(self, flow: Any) -> Flow:
        """Do the work on arrays or frames, without checking what came in."""
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement run")

    def offered(self, flow: Flow) -> Flow:
        """Return what the parts are run on."""
        return flow

    def join(self, results: Sequence[Any], queries: Any = None) -> Flow:
        """Join what the parts gave for some queries; a stage around one pipeline gives what that gives."""
        joined: Flow = results[0]
        return joined

    def findings(self) -> list[str]:
        """Return what fitting chose that readers of its numbers should know, a line each."""
        return [line for part in self.parts for line in part.findings()]

    # ------------------------------------------------------------------ use

    def __call__(self, frame: Any) -> pd.DataFrame:
        """Apply the stage to a frame; queries may also be a text, a list of texts or a dict of qid to text."""
        flow = self.run(self.read(frame))
        return flow.frame() if isinstance(flow, Hits) else flow

    transform = __call__

    def search(self, text: str, n: int = 10) -> pd.DataFrame:
        """Run one query and return its best n results."""
        if self.gives != "results" or self.takes != "queries":
            raise CompositionError(
                f"search: needs a pipeline from queries to results, got one from {self.takes} to {self.gives}; "
                "call the pipeline on a frame instead"
            )
        return (self % n)(text)

    def read(self, frame: Any) -> Flow:
        """Check what a user hands in and turn it into what `run` takes.

        Raises
        ------
        FrameError
            If it is not what the stage takes.
        """
        if self.takes == "results":
            if isinstance(frame, Hits):
                return frame
            if isinstance(frame, pd.DataFrame):
                return Hits.from_frame(frame)
            raise FrameError(f"{self.name}: takes results, got {type(frame).__name__}; run a retriever first")
        if self.parts:
            return self.parts[0].read(frame)  # a fusion of recommenders takes users as they do
        if isinstance(frame, Hits):
            return frame.queries
        if isinstance(frame, pd.DataFrame) and "docno" in frame:
            raise FrameError(f"{self.name}: takes queries, got a frame with a docno column; pass qid and query only")
        return queries_frame(frame)

    def explain(self, query: Any, docno: str) -> Explanation:
        """Say how one document got its score: what each stage made of it, term by term where it can."""
        from irkit.pipeline.explain import explain

        return explain(self, query, docno)

    def explain_terms(self, flow: Any, docno: str) -> Terms | None:
        """Return per-term contributions to the score of one document of a one-query flow, if the stage has any."""
        return None

    def explain_rewrite(self, flow: Any) -> list[Origin] | None:
        """Return where the terms of the query rewritten from a one-query flow came from, if the stage knows."""
        return None

    def limited(self, k: int) -> Stage | None:
        """Return a stage that gives the best k of what this one gives, at less cost; None if there is none."""
        return None

    def parallel(self, n: int) -> Stage:
        """Return a stage that runs this pipeline in n worker processes, queries split among them."""
        from irkit.pipeline.parallel import Parallel, ParallelConfig

        return Parallel((self,), ParallelConfig(n=n))

    # ------------------------------------------------------------------ learning

    @property
    def learns(self) -> bool:
        """Whether `fit` changes anything."""
        return self.learns_from is not None or any(part.learns for part in self.parts)

    def fit(self, train: Any, valid: Any = None) -> Stage:
        """Return a fitted copy: every stage in it that learns from such a training part has learned.

        Parameters
        ----------
        train, valid : Topics or RatingTable
            What is learned from, and held out for models that stop early by it.

        Raises
        ------
        FrameError
            If a stage learns, but none from what was given.
        """
        from irkit.pipeline.fit import fitted

        return fitted(self, train, valid)

    # ------------------------------------------------------------------ identity

    @classmethod
    def configured(cls, settings: dict[str, Any]) -> Config:
        """Make the config from its fields."""
        if not hasattr(cls, "name"):
            raise ConfigError(f"{cls.__name__}: is what others have in common, and none itself; make one of them")
        if settings and not cls.config_type.model_fields:
            raise ConfigError(f"{cls.name}: has no settings, got {', '.join(settings)}")
        return cls.config_type.checked(settings, nowhere, who=cls.name)

    @classmethod
    def make(cls, config: dict[str, Any], parts: tuple[Stage, ...], resources: dict[str, Any]) -> Stage:
        """Construct the stage from plain values, as a recipe does.

        Raises
        ------
        ConfigError
            If a value is not valid or a resource is missing.
        """
        if parts:
            raise ConfigError(f"{cls.name}: holds no pipelines, got {len(parts)}; remove 'of'")
        missing = [need for need in cls.needs if need not in resources]
        if missing:
            raise ConfigError(f"{cls.name}: needs the resource {missing[0]!r}; pass {missing[0]}=...")
        return cls(cls.configured(config), **{need: resources[need] for need in cls.needs})

    def with_settings(self, settings: Mapping[str, Any]) -> Stage:
        """Return the pipeline with some settings changed.

        Parameters
        ----------
        settings : mapping of name to value
            `k1` where one stage has or takes it, else by the stage, `rm3.mu`, or its place, `0.k1`, `1.of.0.k`
            (`irkit.pipeline.settings`). A stage that stands in the pipeline twice is changed in both places.

        Raises
        ------
        ConfigError
            If there is no such setting, a name fits several, or a value is not valid.
        """
        from irkit.pipeline.settings import changed

        return changed(self, settings, who="settings")

    def spec(self) -> dict[str, Any] | list[dict[str, Any]]:
        """Return the stage as plain values, as a recipe file holds it."""
        own = {"use": self.name, **self.config.given()}
        return {**own, "of": [_listed(part.spec()) for part in self.parts]} if self.parts else own

    def label(self) -> str:
        """Return the stage alone as Python text: its name, and the parameters that differ from their defaults."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.config.given().items())
        return f"{self.name.replace('-', '_')}({given})"

    @property
    def word(self) -> str:
        """The stage alone in a word, in the names that systems get."""
        return self.name

    def resources(self) -> dict[str, Any]:
        """Return the resources of this stage and its parts by name."""
        from irkit.pipeline.unfold import every

        return {need: getattr(one, need) for one in every(self) for need in one.needs}

    @property
    def fingerprint(self) -> str:
        """Hash of everything the output depends on besides the input: kind, parameters, resources, parts.

        Where that is not known (a resource without a fingerprint, a function of the user's), the
        hash is one that no other object has; `cacheable` is then False.
        """
        kind = f"{type(self).__module__}:{type(self).__qualname__}"
        held = {need: resource_fingerprint(getattr(self, need)) or self._own for need in self.needs}
        return digest(kind, self.config.essence(), held, [part.fingerprint for part in self.parts])

    @property
    def cacheable(self) -> bool:
        """Whether equal fingerprints mean equal output in any process, so that a cache may keep the output."""
        known = all(resource_fingerprint(getattr(self, need)) for need in self.needs)
        return known and all(part.cacheable for part in self.parts)

    @cached_property
    def _own(self) -> str:
        return uuid4().hex

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
        from irkit.pipeline.svg import svg

        return svg(self)

    # ------------------------------------------------------------------ operators

    def __rshift__(self, other: Any) -> Stage:
        from irkit.pipeline.chain import Then, as_stage

        return Then.of(self, as_stage(other, after=self))

    def __rrshift__(self, other: Any) -> Stage:
        from irkit.pipeline.chain import Then, as_stage

        return Then.of(as_stage(other, before=self), self)

    def __mod__(self, k: int) -> Stage:
        from irkit.pipeline.chain import Cut, Then

        if isinstance(k, bool) or not isinstance(k, Integral):
            raise CompositionError(f"%: cuts to a whole number of documents, got {k!r}; write pipeline % 10")
        if self.gives != "results":
            raise CompositionError(f"%: cuts results, but {self.name} gives queries; cut after a retriever")
        return Then.of(self, Cut(k=int(k)))

    def __mul__(self, weight: float) -> Stage:
        from irkit.pipeline.chain import Then
        from irkit.pipeline.operators import Scale

        if isinstance(weight, bool) or not isinstance(weight, Real):
            raise CompositionError(f"*: scales scores by a number, got {type(weight).__name__}; write 0.5 * pipeline")
        if self.gives != "results":
            raise CompositionError(f"*: scales scores, but {self.name} gives queries; scale after a retriever")
        return Then.of(self, Scale(weight=float(weight)))

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Sum

        return Sum.of(self, other)

    def __radd__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Sum

        return Sum.of(other, self)

    def __or__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Union

        return Union.of(self, other)

    def __ror__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Union

        return Union.of(other, self)

    def __and__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Intersection

        return Intersection.of(self, other)

    def __rand__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Intersection

        return Intersection.of(other, self)

    def __xor__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Append

        return Append.of(self, other)

    def __rxor__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Append

        return Append.of(other, self)

    def __pow__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Features

        return Features.of(self, other)

    def __rpow__(self, other: Any) -> Stage:
        from irkit.pipeline.operators import Features

        return Features.of(other, self)


def resource_fingerprint(held: Any) -> str | None:
    """Return the content identity of a resource, None where it has none.

    An object says it itself (`fingerprint`); of a frame the values are hashed.
    """
    if isinstance(held, pd.DataFrame):
        try:
            values = pd.util.hash_pandas_object(held, index=False).to_numpy()
        except TypeError:  # a column of dicts or lists
            return None
        return digest(list(map(str, held.columns)), values.tobytes().hex())
    own = getattr(held, "fingerprint", None)
    return own if isinstance(own, str) and own else None


def _listed(spec: dict[str, Any] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return spec if isinstance(spec, list) else [spec]

"""Names of stages in recipes: one literal table, and what installed plug-ins add.

A package adds a stage through the entry-point group `irkit.stages`, in its own pyproject.toml:

    [project.entry-points."irkit.stages"]
    my-stage = "my_package.stages:MyStage"

Nothing is imported until a name is used. A list of stages is a chain, so `Then` has no name here; nor
have stages made of functions, which a file cannot hold.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from irkit.errors import ConfigError, NotFoundError, near_misses

if TYPE_CHECKING:
    from irkit.pipeline.stage import Stage

STAGES: dict[str, str] = {
    # retrieval
    "lucene": "irkit.pipeline.retrieve:Retrieve",
    # what follows it
    "cut": "irkit.pipeline.chain:Cut",
    "drop": "irkit.pipeline.filters:Drop",
    "drop-self": "irkit.pipeline.filters:DropSelf",
    "learned": "irkit.pipeline.learned:Learned",
    "normalise": "irkit.pipeline.operators:Normalise",
    "rescore": "irkit.pipeline.rescore:Rescore",
    "reset": "irkit.pipeline.filters:Reset",
    "scale": "irkit.pipeline.operators:Scale",
    # texts
    "aggregate": "irkit.pipeline.texts:Aggregate",
    "passages": "irkit.pipeline.texts:Passages",
    "text": "irkit.pipeline.texts:LoadText",
    # joins
    "append": "irkit.pipeline.operators:Append",
    "combmnz": "irkit.pipeline.operators:CombMNZ",
    "features": "irkit.pipeline.operators:Features",
    "intersection": "irkit.pipeline.operators:Intersection",
    "parallel": "irkit.pipeline.parallel:Parallel",
    "rrf": "irkit.pipeline.operators:RRF",
    "sum": "irkit.pipeline.operators:Sum",
    "union": "irkit.pipeline.operators:Union",
    # expansion
    "bo1": "irkit.expand.divergence:Bo1",
    "eqe1": "irkit.expand.eqe:EQE1",
    "eqe2": "irkit.expand.eqe:EQE2",
    "erm": "irkit.expand.erm:ERM",
    "kl": "irkit.expand.divergence:KL",
    "rfmf": "irkit.expand.rfmf:RFMF",
    "rm3": "irkit.expand.relevance:RM3",
    "rocchio": "irkit.expand.rocchio:Rocchio",
    # recommendation
    "als": "irkit.recommend.als:ALS",
    "autorec": "irkit.recommend.autorec:AutoRec",
    "bayesian-mf": "irkit.recommend.bayesian:BayesianMF",
    "bias": "irkit.recommend.bias:Bias",
    "biased-mf": "irkit.recommend.biased_mf:BiasedMF",
    "bpr": "irkit.recommend.bpr:BPR",
    "cfnade": "irkit.recommend.cfnade:CFNADE",
    "dns": "irkit.recommend.dns:DNS",
    "drop-seen": "irkit.recommend.seen:DropSeen",
    "ease": "irkit.recommend.ease:EASE",
    "item-knn": "irkit.recommend.knn:ItemKNN",
    "pmf": "irkit.recommend.pmf:PMF",
    "popularity": "irkit.recommend.popularity:Popularity",
    "rate": "irkit.recommend.rate:Rate",
    "rfmf-users": "irkit.recommend.rfmf:RFMFUsers",
    "rrn": "irkit.recommend.rrn:RRN",
    "svdpp": "irkit.recommend.svdpp:SVDpp",
    "timesvdpp": "irkit.recommend.timesvdpp:TimeSVDpp",
}
"Where each shipped stage lives, `module:Class`."

GROUP = "irkit.stages"
"Entry-point group of plug-ins."


def stage_names() -> list[str]:
    """Return every name a recipe may use, shipped and from plug-ins, sorted."""
    return sorted({*STAGES, *_plugins()})


def stage_class(name: str) -> type[Stage]:
    """Import the stage of that name.

    Raises
    ------
    NotFoundError
        If there is no such stage; lists near misses.
    ConfigError
        If plug-ins claim a name twice or that of a shipped stage, or a plug-in cannot be loaded.
    """
    plugins = _plugins().get(name, ())
    if name in STAGES and not plugins:
        module, _, kind = STAGES[name].partition(":")
        return getattr(importlib.import_module(module), kind)
    if not plugins:
        raise NotFoundError(f"there is no stage {name!r}; {near_misses(name, stage_names())}")
    claims = [*([f"irkit ({STAGES[name]})"] if name in STAGES else []), *map(_origin, plugins)]
    if len(claims) > 1:
        raise ConfigError(f"stage {name!r}: claimed by {' and '.join(claims)}; uninstall all but one of them")
    return _load(plugins[0])


@cache
def _plugins() -> dict[str, tuple[EntryPoint, ...]]:
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        # One package found twice on the path is one claim.
        if all((entry.value, _origin(entry)) != (other.value, _origin(other)) for other in found.get(entry.name, ())):
            found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def _origin(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist is not None else "an unnamed package"
    return f"{package} ({entry.value})"


def _load(entry: EntryPoint) -> type[Stage]:
    from irkit.pipeline.stage import Stage

    who = f"stage {entry.name!r}: the plug-in {_origin(entry)}"
    try:
        kind = entry.load()
    except Exception as error:  # whatever goes wrong inside somebody else's package
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"{who} cannot be loaded, {type(error).__name__}: {reason}; repair or uninstall it"
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, Stage)):
        raise ConfigError(f"{who} is not a stage; it must be a subclass of irkit.Stage")
    if getattr(kind, "name", None) != entry.name:
        raise ConfigError(f"{who} names itself {getattr(kind, 'name', None)!r}; use one name in both places")
    return kind

"""Fitted rankers as files: an irkit checkpoint of the settings and of what was learned, and never code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from irkit.errors import DataError
from irkit.registry import STAGES

if TYPE_CHECKING:
    from irkit.rank.feature_ranker import FeatureRanker

_Kind = TypeVar("_Kind", bound="FeatureRanker")


def save(ranker: FeatureRanker, path: str | os.PathLike[str]) -> None:
    """Write a fitted ranker; see `FeatureRanker.save`."""
    from irkit.learn import checkpoint
    from irkit.pipeline.fit import not_fitted

    if not ranker.fitted:
        raise not_fitted(ranker)
    tree = {
        "use": ranker.name,
        "config": ranker.config.given(),
        "features": ranker.features,
        "fitted_on": sorted(ranker.fitted_on or ()),
        "learned": ranker.state(),
    }
    checkpoint.save(path, "ranker", tree)


def load(path: str | os.PathLike[str], kind: type[_Kind]) -> _Kind:
    """Read a ranker that is a `kind`; see `FeatureRanker.load`."""
    from irkit.learn import checkpoint

    tree = checkpoint.load(path, "ranker")
    found = kind if getattr(kind, "name", None) == tree.get("use") else _class(tree.get("use"), path)
    if not issubclass(found, kind):
        raise DataError(f"{path}: holds a {found.name!r}, a {kind.name!r} is needed; load it with {found.__name__}")
    try:
        ranker = found(found.configured(tree["config"]))
        ranker.features, ranker.fitted_on = int(tree["features"]), frozenset(tree["fitted_on"])
        ranker.restore(tree["learned"])
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:  # of torch and of configs too
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: does not fit this version's {found.name} ({reason}); fit it again") from None
    return ranker


def _class(name: Any, path: str | os.PathLike[str]) -> Any:
    from irkit.rank.feature_ranker import FeatureRanker

    kind = STAGES.load(name) if name in STAGES else object
    if not issubclass(kind, FeatureRanker):
        raise DataError(f"{path}: holds a ranker {name!r} that this irkit does not have; use the irkit it came from")
    return kind

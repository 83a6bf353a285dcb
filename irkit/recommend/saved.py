"""Fitted recommenders as files: an irkit checkpoint of the learned arrays and the training table, and never code.

What a model learned is every attribute whose name ends in an underscore: numbers, and arrays of them.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.docnos import Docnos
from irkit.errors import ConfigError, DataError
from irkit.recommend.table import RatingTable

if TYPE_CHECKING:
    from irkit.recommend.base import Recommender

MODELS = {
    "als": "als:ALS",
    "autorec": "autorec:AutoRec",
    "bayesian-mf": "bayesian:BayesianMF",
    "bias": "bias:Bias",
    "biased-mf": "biased_mf:BiasedMF",
    "bpr": "bpr:BPR",
    "cfnade": "cfnade:CFNADE",
    "dns": "dns:DNS",
    "ease": "ease:EASE",
    "item-knn": "knn:ItemKNN",
    "pmf": "pmf:PMF",
    "popularity": "popularity:Popularity",
    "rfmf-users": "rfmf:RFMFUsers",
    "rrn": "rrn:RRN",
    "svdpp": "svdpp:SVDpp",
    "timesvdpp": "timesvdpp:TimeSVDpp",
}
"Recommenders by stage name, as the registry of stages has them: what a file may say it holds."

_Kind = TypeVar("_Kind", bound="Recommender")


def save(model: Recommender, path: str | os.PathLike[str]) -> None:
    """Write a fitted model; see `Recommender.save`."""
    from irkit.learn import checkpoint

    tree = {
        "use": model.name,
        "config": model.config.given(),
        "train": _table_tree(model.fitted),
        "valid": model.valid_fingerprint,
        "learned": {name: _tensor(value) for name, value in vars(model).items() if name.endswith("_")},
    }
    checkpoint.save(path, "recommender", tree)


def load(path: str | os.PathLike[str], kind: type[_Kind]) -> _Kind:
    """Read a model that is a `kind`; see `Recommender.load`."""
    from irkit.learn import checkpoint

    tree = checkpoint.load(path, "recommender")
    found = kind if getattr(kind, "name", None) == tree.get("use") else _class(tree.get("use"), path)
    if not issubclass(found, kind):
        raise DataError(f"{path}: holds a {found.name!r}, a {kind.name!r} is needed; load it with {found.__name__}")
    try:
        model = found(found.configured(tree["config"]))
        model.train = _table(tree["train"])
        model.valid_fingerprint = tree["valid"]
        vars(model).update({name: _value(value) for name, value in tree["learned"].items()})
    except (KeyError, TypeError, AttributeError, ConfigError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: does not fit this version's {found.name} ({reason}); fit it again") from None
    return model


def _class(name: Any, path: str | os.PathLike[str]) -> Any:
    if name not in MODELS:
        raise DataError(
            f"{path}: holds a recommender {name!r} that this irkit does not have; use the irkit it came from"
        )
    module, _, kind = MODELS[name].partition(":")
    return getattr(importlib.import_module(f"irkit.recommend.{module}"), kind)


def _table_tree(table: RatingTable) -> dict[str, Any]:
    return {
        "users": table.users.names.to_pylist(),
        "items": table.items.names.to_pylist(),
        "user": _tensor(table.user),
        "item": _tensor(table.item),
        "rating": _tensor(table.rating),
        "time": None if table.time is None else _tensor(table.time),
        "scale": list(table.scale),
    }


def _table(tree: dict[str, Any]) -> RatingTable:
    time = None if tree["time"] is None else _value(tree["time"])
    user: Ints = _value(tree["user"])
    item: Ints = _value(tree["item"])
    rating: Floats = _value(tree["rating"])
    low, high = tree["scale"]
    return RatingTable(Docnos(tree["users"]), Docnos(tree["items"]), user, item, rating, time, (low, high))


def _tensor(value: Any) -> Any:
    """Return an array as a tensor; a number stays as it is."""
    import torch

    return torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value


def _value(value: Any) -> Any:
    import torch

    return value.numpy() if isinstance(value, torch.Tensor) else value

"""Fitted recommenders as files: an irkit checkpoint of the learned arrays and the training table, and never code.

What a model learned is every attribute whose name ends in an underscore: numbers, and arrays of them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.arrays import Floats, Ints
from irkit.docnos import Docnos
from irkit.errors import DataError
from irkit.recommend.table import RatingTable
from irkit.registry import STAGES

if TYPE_CHECKING:
    from irkit.recommend.base import Recommender

_Kind = TypeVar("_Kind", bound="Recommender")


def save(model: Recommender, path: str | os.PathLike[str]) -> None:
    """Write a fitted model; see `Recommender.save`."""
    from irkit.learn import checkpoint

    tree = {
        "use": model.name,
        "config": model.config.given(),
        "train": _table_tree(model.fitted),
        "valid": model.valid_fingerprint,
        "held_out": None if model.held_out is None else _ratings_tree(model.held_out),
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
        held_out = tree.get("held_out")  # absent before 0.2
        model.held_out = None if held_out is None else _ratings(held_out, model.train)
        vars(model).update({name: _value(value) for name, value in tree["learned"].items()})
    except (KeyError, TypeError, AttributeError, ValueError) as error:  # of Arrow and of configs too
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: does not fit this version's {found.name} ({reason}); fit it again") from None
    return model


def _class(name: Any, path: str | os.PathLike[str]) -> Any:
    from irkit.recommend.base import Recommender

    kind = STAGES.load(name) if name in STAGES else object
    if not issubclass(kind, Recommender):
        raise DataError(
            f"{path}: holds a recommender {name!r} that this irkit does not have; use the irkit it came from"
        )
    return kind


def _table_tree(table: RatingTable) -> dict[str, Any]:
    return {
        "users": _ids_tree(table.users),
        "items": _ids_tree(table.items),
        **_ratings_tree(table),
        "scale": list(table.scale),
        **({"counts": True} if table.counts else {}),
    }


def _ratings_tree(table: RatingTable) -> dict[str, Any]:
    return {
        "user": _tensor(table.user),
        "item": _tensor(table.item),
        "rating": _tensor(table.rating),
        "time": None if table.time is None else _tensor(table.time),
    }


def _table(tree: dict[str, Any]) -> RatingTable:
    low, high = tree["scale"]
    users, items = _ids(tree["users"]), _ids(tree["items"])
    none, counts = np.zeros(0, np.int64), bool(tree.get("counts"))
    return _ratings(tree, RatingTable(users, items, none, none, np.zeros(0), None, (low, high), counts=counts))


def _ratings(tree: dict[str, Any], of: RatingTable) -> RatingTable:
    """Return ratings on the users, items and scale of a table."""
    time = None if tree["time"] is None else _value(tree["time"])
    user: Ints = _value(tree["user"])
    item: Ints = _value(tree["item"])
    rating: Floats = _value(tree["rating"])
    for rows, ids in ((user, of.users), (item, of.items)):
        if len(rows) != len(rating) or (len(rows) and not (rows.min() >= 0 and rows.max() < len(ids))):
            raise ValueError("a rating is of a user or an item that is not listed")
    return replace(of, user=user, item=item, rating=rating, time=time)


def _ids_tree(ids: Docnos) -> dict[str, Any]:
    """Lay ids end to end as tensors: in the header of a file, which holds at most 100 MB, millions do not fit."""
    names = pa.concat_arrays([ids.names])
    ends = pc.cast(pc.binary_length(names), pa.int64()).to_numpy(zero_copy_only=False).cumsum()
    text = b"".join(names.cast(pa.large_binary()).to_pylist())
    return {"ends": _tensor(ends), "text": _tensor(np.frombuffer(text, dtype=np.uint8))}


def _ids(tree: Any) -> Docnos:
    if isinstance(tree, list):  # files before 0.2
        return Docnos(tree)
    text, ends = np.ascontiguousarray(_value(tree["text"])), _value(tree["ends"])
    ptr = np.concatenate([[0], ends]).astype(np.int64)
    if text.dtype != np.uint8 or (np.diff(ptr) < 0).any() or ptr[-1] != len(text):
        raise ValueError("its ids are not laid out as ids are")
    names = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(ptr), pa.py_buffer(text))
    names.validate(full=True)
    return Docnos(names)


def _tensor(value: Any) -> Any:
    """Return an array as a tensor; a number stays as it is."""
    import torch

    return torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value


def _value(value: Any) -> Any:
    import torch

    return value.numpy() if isinstance(value, torch.Tensor) else value

"""Density models in files, whichever of `irkit.registry.MODELS` it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from irkit.errors import DataError
from irkit.registry import MODELS

if TYPE_CHECKING:
    from irkit.learn.model import Model


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read back whichever model a file holds, onto the CPU.

    Raises
    ------
    NotFoundError, DataError
        If there is no such file, or it is damaged or holds no density model.
    """
    from irkit.learn import checkpoint

    name = checkpoint.kind_of(path)
    if name not in MODELS:
        raise DataError(
            f"{path}: holds a {name!r}, a density model is needed; give a file that such a model's save wrote"
        )
    kind: Any = MODELS.load(name)
    model: Model = kind.load(path)
    return model

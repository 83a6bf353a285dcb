"""Density models by name: what a recipe may ask for and what a file may say it holds."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from irkit.errors import DataError, NotFoundError, near_misses

if TYPE_CHECKING:
    from irkit.learn.model import Model

MODELS = {
    "darn": "irkit.generative.darn:DARN",
    "dbm": "irkit.generative.dbm:DBM",
    "eonade": "irkit.generative.eonade:EoNADE",
    "made": "irkit.generative.made:MADE",
    "nade": "irkit.generative.nade:NADE",
    "rbm": "irkit.generative.rbm:RBM",
    "vae": "irkit.generative.vae:VAE",
}
"Where each model lives, `module:Class`."


def model_class(name: str) -> type[Model]:
    """Import the model of that name.

    Raises
    ------
    NotFoundError
        If there is no such model; lists near misses.
    """
    if name not in MODELS:
        raise NotFoundError(f"there is no model {name!r}; {near_misses(name, MODELS)}")
    module, _, kind = MODELS[name].partition(":")
    found: Any = getattr(importlib.import_module(module), kind)
    return found


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
    return model_class(name).load(path)

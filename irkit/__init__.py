"""irkit: information retrieval and recommendation research on one pipeline algebra."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irkit.evaluate.experiment import experiment as experiment
    from irkit.io import load_collection as load_collection
    from irkit.lucene import Index as Index
    from irkit.lucene import build_index as build_index
    from irkit.pipeline import Retrieve as Retrieve
    from irkit.pipeline import Stage as Stage
    from irkit.pipeline import rrf as rrf
    from irkit.recipe import load_recipe as load_recipe

__version__ = "0.1.0"

# The public door: names are imported when first used, so that `import irkit` costs nothing.
_DOOR = {
    "Index": "irkit.lucene",
    "Retrieve": "irkit.pipeline",
    "Stage": "irkit.pipeline",
    "build_index": "irkit.lucene",
    "experiment": "irkit.evaluate",
    "load_collection": "irkit.io",
    "load_recipe": "irkit.recipe",
    "rrf": "irkit.pipeline",
}

__all__ = ["__version__", *sorted(_DOOR)]


def __getattr__(name: str) -> object:
    if name in _DOOR:
        return getattr(importlib.import_module(_DOOR[name]), name)
    raise AttributeError(f"module 'irkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

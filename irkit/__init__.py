"""irkit: information retrieval and recommendation research on one pipeline algebra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

__version__ = "0.1.0"

if TYPE_CHECKING:
    from irkit.evaluate.experiment import experiment as experiment
    from irkit.io import load_collection as load_collection
    from irkit.lucene import Index as Index
    from irkit.lucene import build_index as build_index
    from irkit.pipeline import Retrieve as Retrieve
    from irkit.pipeline import Stage as Stage
    from irkit.pipeline import rrf as rrf
    from irkit.recipe import load_recipe as load_recipe
else:
    __getattr__, __dir__, __all__ = door(__name__, "__version__")

"""Recipes: pipelines and trainings as YAML, what they need, and the cache of results.

load_recipe("bm25").build(index=index)      a pipeline from a file
load_training("nade-digits").fit()          a density model, trained as a file says
to_recipe(pipeline, "mine").yaml()          a file from a pipeline
Cache().run(pipeline, queries)              what was computed before is read back
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.recipe.cache import Cache as Cache
    from irkit.recipe.code import code_digest as code_digest
    from irkit.recipe.code import environment_digest as environment_digest
    from irkit.recipe.encoders import open_cross_encoder as open_cross_encoder
    from irkit.recipe.encoders import open_encoder as open_encoder
    from irkit.recipe.indexes import collection_index as collection_index
    from irkit.recipe.indexes import index_path as index_path
    from irkit.recipe.recipe import Recipe as Recipe
    from irkit.recipe.recipe import load_recipe as load_recipe
    from irkit.recipe.recipe import to_recipe as to_recipe
    from irkit.recipe.resources import open_resources as open_resources
    from irkit.recipe.settings import parse_settings as parse_settings
    from irkit.recipe.settings import setting_names as setting_names
    from irkit.recipe.shelf import ShelfRow as ShelfRow
    from irkit.recipe.shelf import copy_recipe as copy_recipe
    from irkit.recipe.shelf import list_recipes as list_recipes
    from irkit.recipe.shelf import list_spaces as list_spaces
    from irkit.recipe.training import TrainingRecipe as TrainingRecipe
    from irkit.recipe.training import load_training as load_training
    from irkit.recipe.vectors import open_vectors as open_vectors
else:
    __getattr__, __dir__, __all__ = door(__name__)

"""`irkit pipelines`: the recipes at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from irkit.cli.printing import say
from irkit.cli.standard import taking_standard
from irkit.table import text_table

HELP = """List, show and copy recipes.

For example:

    irkit pipelines list
"""


def family() -> App:
    """Return the commands list, show and copy."""
    app = App(name="pipelines", help=HELP, help_format="plaintext", version_flags=())
    app.command(list_, name="list")
    app.command(taking_standard(show))
    app.command(taking_standard(copy))
    return app


def list_() -> None:
    """List the recipes by name, with what each one does.

    For example:

        irkit pipelines list
    """
    from irkit.recipe import list_recipes

    rows = [[row.name, row.kind, ", ".join(row.needs), row.about] for row in list_recipes()]
    say(text_table(["recipe", "kind", "needs", "about"], rows))


def show(recipe: str, /) -> None:
    """Print where a recipe's file is and what stands in it.

    For example:

        irkit pipelines show bm25

    Parameters
    ----------
    recipe
        A recipe's name or the path of a recipe file.
    """
    from irkit.recipe.training import load_any

    loaded = load_any(recipe)  # a broken file is an error here, not when it is run
    say(f"# {loaded.path}")
    say(loaded.yaml().rstrip())


def copy(recipe: str, folder: Annotated[Path, Parameter(show_default=False)] = Path("."), /) -> None:
    """Copy a recipe's file, to change it and run the copy.

    A file that is there already is never replaced.

    For example:

        irkit pipelines copy bm25
        irkit run bm25.yaml lee -o mine.run

    Parameters
    ----------
    recipe
        A recipe's name or the path of a recipe file.
    folder
        Where the copy goes; default this folder.
    """
    from irkit.recipe import copy_recipe

    say(copy_recipe(recipe, folder))

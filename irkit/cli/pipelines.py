"""`irkit pipelines`: the recipes and tuning spaces at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from irkit.cli.printing import counted, say
from irkit.cli.standard import taking_standard
from irkit.table import text_table

HELP = """List, show and copy recipes and tuning spaces.

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
    """List the recipes by name, with what each one does, and below them the tuning spaces of irkit tune.

    For example:

        irkit pipelines list
    """
    from irkit.recipe import list_recipes, list_spaces

    rows = [[row.name, row.kind, ", ".join(row.needs), row.about] for row in list_recipes()]
    say(text_table(["recipe", "kind", "needs", "about"], rows))
    spaces = [[row.name, row.recipe, ", ".join(row.varies), row.about] for row in list_spaces()]
    say("\n" + text_table(["space", "recipe", "varies", "about"], spaces))


def show(recipe: str, /) -> None:
    """Print where the file of a recipe or a tuning space is and what stands in it.

    For example:

        irkit pipelines show bm25
        irkit pipelines show bm25-search

    Parameters
    ----------
    recipe
        A recipe's or a tuning space's name, or the path of its file.
    """
    from irkit.locate import find
    from irkit.recipe.training import load_any
    from irkit.yamlfile import dump_yaml, read_yaml

    path = find("pipelines", recipe)
    value = read_yaml(path).value
    if "parameters" in value and not {"stages", "model"} & value.keys():
        from irkit.evaluate import load_space

        space = load_space(path)  # a broken file is an error here, not when it is run
        grid = all(parameter.values for parameter in space.parameters.values())
        many = f": {counted(len(space.candidates()), 'combination')} for irkit tune" if grid else ", to be drawn from"
        say(f"# {path}\n# a tuning space{many}")
        say(dump_yaml(value).rstrip())
        return
    loaded = load_any(recipe)
    say(f"# {loaded.path}")
    say(loaded.yaml().rstrip())


def copy(recipe: str, folder: Annotated[Path, Parameter(show_default=False)] = Path("."), /) -> None:
    """Copy the file of a recipe or a tuning space, to change it and run the copy.

    A file that is there already is never replaced.

    For example:

        irkit pipelines copy bm25
        irkit run bm25.yaml lee -o mine.run

    Parameters
    ----------
    recipe
        A recipe's or a tuning space's name, or the path of its file.
    folder
        Where the copy goes; default this folder.
    """
    from irkit.recipe import copy_recipe

    say(copy_recipe(recipe, folder))

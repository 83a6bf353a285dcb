"""`irkit schema`: what editors need to complete and check the files that people write."""

from __future__ import annotations

from pathlib import Path

from irkit.cli.printing import say, say_json

SUFFIX = ".schema.json"


def schema(kind: str | None = None, /, *, to: Path | None = None) -> None:
    """Write JSON Schemas of recipes, tuning spaces, suites and cards, for editors.

    An editor that knows them completes and checks names and settings, with their texts; the names of
    plug-ins are in them. In VS Code (with its YAML extension), begin a file with a line such as
    "# yaml-language-server: $schema=recipe.schema.json".

    For example:

        irkit schema recipe
        irkit schema --to .
        irkit schema suite --to schemas

    Parameters
    ----------
    kind
        What the files are: recipe (pipelines and trainings), space, suite or card; default all four, with --to.
    to
        Write KIND.schema.json into this folder, in place of printing.
    """
    from irkit.atomic import write_bytes
    from irkit.errors import ConfigError
    from irkit.evaluate.schemas import SCHEMAS, schema_of
    from irkit.io.outputs import check_folder
    from irkit.screen import json_line

    if kind is None and to is None:
        raise ConfigError(f"schema: name one of {', '.join(SCHEMAS)}, or a folder for all with --to")
    kinds = list(SCHEMAS) if kind is None else [kind]
    made = {one: schema_of(one) for one in kinds}
    if to is None:
        say_json(made[kinds[0]])
        return
    check_folder(to, who="schema", option="--to")
    for one, content in made.items():
        write_bytes(to / f"{one}{SUFFIX}", (json_line(content) + "\n").encode())
        say(to / f"{one}{SUFFIX}")

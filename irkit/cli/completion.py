"""`irkit completion`: a script that completes irkit's command lines, for bash, zsh or fish.

The script holds all commands, options and shipped names, and looks for the user's own in `IRKIT_HOME` itself:
completing starts no Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from irkit.cli.printing import say

if TYPE_CHECKING:
    from cyclopts import App

Shell = Literal["bash", "zsh", "fish"]

FOLDERS = {
    "recipes": "pipelines/expansion pipelines/rank pipelines/rerank pipelines/retrieval",
    "models": "pipelines/generate pipelines/represent",
    "recommenders": "pipelines/recommend",
    "spaces": "pipelines/tuning",
    "suites": "eval/suites",
    "collections": "data",
}
"Kind of name -> the shipped folders whose files have such names."

KINDS = {
    "RECIPE": "recipes",
    "SPACE": "spaces",
    "SUITE": "suites",
    "SOURCE": "collections",
    "INDEX": "collections",
    "COLLECTION": "collections",
    "QRELS": "collections",
    "DATA": "collections",
    "--data": "collections",
    "--encoder": "models",
    "--recipe": "recommenders",
    "train RECIPE": "models",
    "pipelines show RECIPE": "any",
    "pipelines copy RECIPE": "any",
    "RUN": "files",
    "BASELINE": "files",
    "FOLDER": "files",
    "MODEL": "files",
    "schema KIND": "=recipe,space,suite,card",
    "search --model": "=bm25,ql-dirichlet,ql-jelinek-mercer,lucene-qld,lucene-qljm,tf-idf",
}
"Argument or option, of one command where that stands before it -> what completes it, or = and the choices."

COMMON = ("--help", "--quiet", "--verbose", "--debug")


@dataclass
class Words:
    """What may stand after the words of a command."""

    commands: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    "Kind of each argument."
    options: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    "Option with a value -> its kind, or = and the choices."


def completion_for(app: App) -> Callable[[Shell], None]:
    """Return the command that prints the scripts of an application."""

    def completion(shell: Shell, /) -> None:
        """Print a script that completes commands, options and names, for bash, zsh or fish.

        Names are those of recipes, suites, tuning spaces and collections, your own too. Make the script anew
        after an upgrade.

        For example:

            irkit completion bash > ~/.local/share/bash-completion/completions/irkit
            irkit completion zsh > ~/.zfunc/_irkit
            irkit completion fish > ~/.config/fish/completions/irkit.fish

        Parameters
        ----------
        shell
            The shell: bash, zsh or fish.
        """
        say(script(app, shell).removesuffix("\n"))

    return completion


def script(app: App, shell: Shell) -> str:
    """Return the script of a shell; bash and zsh have `posix.sh` in common."""
    table, names = dict(_commands(app)), _shipped()
    folder = Path(__file__).parent / "shells"
    text, posix = (folder.joinpath(name).read_text("utf-8") for name in (f"irkit.{shell}", "posix.sh"))
    text = text.replace("@POSIX@\n", posix)
    return text.replace("@TABLE@\n", _fish(table, names) if shell == "fish" else _posix(table, names))


def _commands(app: App, above: str = "") -> Iterator[tuple[str, Words]]:
    inner = [name for name in app if not name.startswith("-")]
    if not above or inner:
        options = [*COMMON, "--version"] if not above else list(COMMON)
        yield above, Words(commands=inner, options=options)
        for name in inner:
            yield from _commands(app[name], f"{above} {name}".strip())
        return
    words = Words(options=list(COMMON))
    for argument in app.assemble_argument_collection():
        name, kind = argument.names[0], _kind(above, argument)
        if not name.startswith("-"):
            words.places.append(kind)
            continue
        shown = [one for one in argument.names if not one.startswith(("--no-", "--empty-"))]
        words.options += [one for one in shown if one.startswith("--")] or shown
        words.values |= {one: kind for one in shown if kind}
    yield above, words


def _kind(command: str, argument: Any) -> str:
    """Return what completes an argument; empty for an option without a value."""
    for key in (f"{command} {argument.names[0]}", *argument.names):
        if key in KINDS:
            return KINDS[key]
    if argument.hint is bool:
        return ""
    if choices := argument.get_choices():
        return "=" + ",".join(choices)
    return "files" if "Path" in str(argument.hint) else "text"


def _shipped() -> dict[str, list[str]]:
    from irkit.locate import shipped

    found: dict[str, list[str]] = {}
    for kind, folders in FOLDERS.items():
        files: list[Path] = []
        for folder in folders.split():
            top, _, below = folder.partition("/")
            files += (shipped(top) / below).rglob("*.yaml")
        found[kind] = sorted({path.stem for path in files})
    found["any"] = sorted({*found["recipes"], *found["models"], *found["recommenders"]})
    return found


def _top(kind: str) -> str:
    """Return the folder of the user's own files of a kind."""
    return FOLDERS.get(kind, "pipelines").split("/")[0]


def _by_kind(table: dict[str, Words]) -> dict[str, list[str]]:
    """Return which options have values of each kind, after their commands."""
    found: dict[str, list[str]] = {}
    for command, words in table.items():
        for option, kind in words.values.items():
            found.setdefault(kind, []).append(f"{command} {option}")
    return found


def _quoted(words: list[str], between: str) -> str:
    return between.join(f"'{word}'" for word in words)


def _posix(table: dict[str, Words], names: dict[str, list[str]]) -> str:
    """Write the tables as functions of the Bourne shell, which zsh reads too."""
    about = [
        f"    '{command}') subs='{' '.join(words.commands)}' places='{' '.join(words.places)}' "
        f"options='{' '.join(words.options)}' ;;"
        for command, words in table.items()
    ]
    values = [f"    {_quoted(these, '|')}) kind='{kind}' ;;" for kind, these in _by_kind(table).items()]
    known = [f"    {kind}) top={_top(kind)} shipped='{' '.join(these)}' ;;" for kind, these in names.items()]
    return "\n".join(
        [
            *("_irkit_about() {", "  subs= places= options=", '  case "$1" in', *about, "  esac", "}", ""),
            *("_irkit_value() {", "  kind=", '  case "$1" in', *values, "  esac", "}", ""),
            *("_irkit_shipped() {", "  top= shipped=", '  case "$1" in', *known, "  esac", "}", ""),
        ]
    )


def _fish(table: dict[str, Words], names: dict[str, list[str]]) -> str:
    """Write the tables as functions of fish."""
    about = [
        f"        case '{command}'\n            set -g __irkit_subs {' '.join(words.commands)}\n"
        f"            set -g __irkit_places {' '.join(words.places)}\n"
        f"            set -g __irkit_options {' '.join(words.options)}"
        for command, words in table.items()
    ]
    values = [
        f"        case {_quoted(these, ' ')}\n            echo '{kind}'" for kind, these in _by_kind(table).items()
    ]
    known = [
        f"        case {kind}\n            set -g __irkit_top {_top(kind)}\n"
        f"            printf '%s\\n' {' '.join(these)}"
        for kind, these in names.items()
    ]
    return "\n".join(
        [
            "function __irkit_about",
            "    set -g __irkit_subs",
            "    set -g __irkit_places",
            "    set -g __irkit_options",
            *('    switch "$argv[1]"', *about, "    end", "end", ""),
            *("function __irkit_value", '    switch "$argv[1]"', *values, "    end", "end", ""),
            *("function __irkit_shipped", '    switch "$argv[1]"', *known, "    end", "end", ""),
        ]
    )

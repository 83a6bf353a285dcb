"""Every command has help with an example, and stands in the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from irkit.cli import application

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide" / "commands.md"


def commands() -> list[str]:
    """Return every command by its words, such as `data list`."""
    found = []
    app = application()
    for name in app:
        if name.startswith("-"):
            continue
        below = [inner for inner in app[name] if not inner.startswith("-")]
        found += [f"{name} {inner}" for inner in below] or [name]
    return found


COMMANDS = commands()


def test_the_commands_are_those_promised():
    promised = [
        *[
            "index",
            "search",
            "recommend",
            "run",
            "features",
            "fuse",
            "evaluate",
            "compare",
            "leaderboard",
            "reproduce",
            "tune",
        ],
        *["explain", "train", "sample", "encode", "serve", "mcp"],
        *["data list", "data show", "data get", "data verify", "data clean"],
        *["pipelines list", "pipelines show", "pipelines copy", "schema", "doctor", "help", "completion"],
    ]
    assert promised == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_it_does_and_shows_an_example(irkit, command):
    text = irkit(*command.split(), "--help").out
    usage, _, rest = text.partition("\n\n")
    assert usage.startswith(f"Usage: irkit {command}")
    summary = rest.splitlines()[0]
    assert summary.endswith(".")
    assert f"\n    irkit {command}" in text.partition("For example:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_describes_every_argument(irkit, command):
    text = irkit(*command.split(), "--help").out
    for panel in re.split(r"\n(?=Arguments:|Parameters:)", text)[1:]:
        for entry in re.split(r"\n  (?=\S)", panel)[1:]:
            assert re.search(r"(  |\n) *[A-Z].*\.\s*$", entry, re.DOTALL), f"{entry!r} says nothing"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_guide_shows_the_help_and_an_example(command):
    text = GUIDE.read_text()
    assert f"\n## {command}\n" in text
    assert f"$ irkit {command} --help\n" in text
    assert re.search(rf"^\$ irkit {command}(?! --help)(\s|$)", text, re.MULTILINE), "no example is run"


@pytest.mark.parametrize("name", sorted({command.split()[0] for command in COMMANDS}))
def test_the_list_of_commands_says_what_each_does(irkit, name):
    assert re.search(rf"^  {name}  +\S.*\.$", irkit("--help").out, re.MULTILINE)


@pytest.mark.parametrize("command", ["search", "data show", "help"])
def test_help_of_a_command_is_its_option_help(irkit, command):
    assert irkit("help", *command.split()).out == irkit(*command.split(), "--help").out


def test_help_of_nothing_lists_the_commands(irkit):
    assert irkit("help").out == irkit("--help").out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["serach"], "irkit: there is no command 'serach'; did you mean search?\n"),
        (["data", "shw"], "irkit: data: there is no command 'shw'; did you mean show?\n"),
    ],
)
def test_help_of_what_there_is_not_says_what_is_near(irkit, words, line):
    assert irkit("help", *words, status=2).err == line

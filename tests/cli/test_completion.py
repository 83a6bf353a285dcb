"""The completion scripts, run by the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from irkit.cli import application

BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_irkit
printf '%s\\n' "${COMPREPLY[@]}"
"""

ZSH = """
compdef() { : }
compadd() { shift; local word; for word in "$@"; do [[ $word = ${words[CURRENT]}* ]] && print -r -- $word; done }
_files() { print -l -- ${words[CURRENT]}*(N) }
typeset -A compstate; compstate[nmatches]=1
source "$1"; shift
words=("$@"); CURRENT=$#
_irkit
"""

FISH = """
source $argv[1]
complete -C "$argv[2]"
"""


@pytest.fixture
def complete(irkit, folder, tmp_path):
    """Complete the last of some words by a shell."""
    home = tmp_path / "home"
    for name in ("pipelines/my-own.yaml", "pipelines/more/my-other.yaml", "eval/suites/my-suite.yaml"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    (folder / "my file.run").touch()

    def run(shell: str, *words: str) -> list[str]:
        if shutil.which(shell) is None:
            pytest.skip(f"no {shell} here")
        (tmp_path / "script").write_text(irkit("completion", shell).out)
        program = {
            "bash": ["bash", "--norc", "-c", BASH, "bash", str(tmp_path / "script"), *words],
            "zsh": ["zsh", "-f", "-c", ZSH, "zsh", str(tmp_path / "script"), *words],
            "fish": ["fish", "--no-config", "-c", FISH, str(tmp_path / "script"), " ".join(words)],
        }
        done = subprocess.run(
            program[shell], capture_output=True, text=True, cwd=folder, env={**os.environ, "IRKIT_HOME": str(home)}
        )
        assert done.stderr == ""
        found = [line.split("\t")[0].replace("\\ ", " ") for line in done.stdout.splitlines()]
        return sorted(one for one in found if one.startswith(words[-1]))  # fish offers what is like it too

    return run


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["irkit", "lead"], {"leaderboard"}),
        (["irkit", "data", "v"], {"verify"}),
        (["irkit", "help", "data", "cl"], {"clean"}),
        (["irkit", "--quiet", "leaderboard", "quickstart-ra"], {"quickstart-ranking"}),
        (["irkit", "leaderboard", "my"], {"my-suite"}),
        (["irkit", "run", "bm25-rm"], {"bm25-rm3", "bm25-rm3-anserini"}),
        (["irkit", "run", "my-o"], {"my-own", "my-other"}),
        (["irkit", "run", "bm25", "nfc"], {"nfcorpus", "nfcorpus-beir"}),
        (["irkit", "run", "-n", "10", "bm25", "nfc"], {"nfcorpus", "nfcorpus-beir"}),
        (["irkit", "run", "--spl"], {"--split"}),
        (["irkit", "tune", "bm25-search", "lee", "--method", "r"], {"random"}),
        (["irkit", "tune", "bm25-rm"], {"bm25-rm3-search"}),
        (["irkit", "train", "nade-dig"], {"nade-digits"}),
        (["irkit", "recommend", "ml-100k", "--recipe", "ease-"], {"ease-popularity", "ease-rrn"}),
        (["irkit", "evaluate", "lee", "my"], {"my file.run"}),
        (["irkit", "search", "lee", "my"], set()),
    ],
)
def test_a_shell_completes(complete, shell, words, found):
    assert set(complete(shell, *words)) == found


def test_completing_starts_no_program(complete, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bash").symlink_to(shutil.which("bash") or "/bin/bash")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # nothing else is there
    assert complete("bash", "irkit", "run", "my-o") == ["my-other", "my-own"]


def test_every_command_and_option_stands_in_the_script(irkit):
    text = irkit("completion", "bash").out
    app = application()
    for command in (name for name in app if not name.startswith("-")):
        assert f"    '{command}') subs=" in text
        for option in (one for one in app[command] if one.startswith("--") and one != "--version"):
            assert option in text
    assert "'pipelines show')" in text
    assert "'run --cross-encoder'" in text


def test_another_shell_is_refused(irkit):
    assert irkit("completion", "csh", status=2).err.startswith(
        "irkit: completion: SHELL is not valid, got 'csh'; did you mean zsh?"
    )


def test_choices_that_are_written_down_are_those_there_are():
    from irkit.cli.completion import KINDS
    from irkit.evaluate.schemas import SCHEMAS
    from irkit.lucene.similarity import MODELS

    assert KINDS["schema KIND"] == "=" + ",".join(SCHEMAS)
    assert set(KINDS["search --model"][1:].split(",")) == set(MODELS)

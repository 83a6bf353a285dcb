"""`irkit` in this process, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from irkit.cli import main


class Done(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder the test works in."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


SMALL = '{"id": "d1", "text": "storm damage"}\n{"id": "d2", "text": "rain"}\n'
"Documents of `small_index`."


@pytest.fixture
def irkit(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Run `irkit` with some arguments; fails unless the status is the expected one."""

    def run(*arguments: object, status: int = 0) -> Done:
        capsys.readouterr()
        got = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert got == status, printed.err or printed.out
        return Done(got, printed.out, printed.err)

    return run


@pytest.fixture
def small_index(folder: Path, irkit) -> str:
    """The name of an index of two documents in the folder, made of my.jsonl."""
    (folder / "my.jsonl").write_text(SMALL)
    irkit("index", "my.jsonl")
    return "my-index"

"""The worked examples run, print what they show, and are named by the guide."""

from __future__ import annotations

import pytest

from tests.docs.examples import cells, examples, outputs, rewritten
from tests.docs.pages import ROOT, places, same

IDS = [path.stem for path in examples()]
EXAMPLE = (
    "# %% [markdown]\n# # Title\n\n# %%\nx = 1\nprint(x)\n# > 1\n\n# %%\nprint('a')\nprint('  b')\n# > a\n# >   b\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("path", examples(), ids=IDS)
def test_example_prints_what_it_shows(path, tmp_path, tmp_path_factory, monkeypatch):
    home = tmp_path_factory.mktemp("home") / ".irkit"
    monkeypatch.setenv("IRKIT_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    hidden = places(tmp_path, home)
    came = outputs(path, tmp_path)
    for cell, printed in zip(cells(path.read_text(encoding="utf-8")), came, strict=True):
        difference = same(cell.shown, printed, hidden)
        assert not difference, f"{path.name}:{cell.first}:\n{difference}"


@pytest.mark.parametrize("path", examples(), ids=IDS)
def test_example_begins_with_prose_and_is_named_by_the_guide(path):
    assert path.read_text(encoding="utf-8").startswith("# %% [markdown]\n# # ")
    assert f"](../examples/{path.name})" in (ROOT / "docs" / "guide" / "index.md").read_text(encoding="utf-8")


def test_cells_have_their_code_and_what_they_print():
    one, other = cells(EXAMPLE)
    assert (one.first, one.code, one.shown) == (5, ["x = 1", "print(x)", ""], ["1"])
    assert other.shown == ["a", "  b"]


def test_outputs_are_rewritten_where_they_differ_and_only_there():
    assert rewritten(EXAMPLE, [["1"], ["a", "  b"]], {}) == EXAMPLE
    assert rewritten(EXAMPLE, [["2"], ["a", "  b"]], {}) == EXAMPLE.replace("# > 1", "# > 2")

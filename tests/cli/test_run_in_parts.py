"""`irkit run` takes some queries at a time, to say how far it is: what it writes does not depend on that."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit.cli.run import _in_parts
from irkit.locate import names
from irkit.recipe import Recipe
from irkit.recipe.training import load_any

OF_AN_INDEX = [
    name
    for name in names("pipelines")
    if Path(names("pipelines")[name]).parent.name != "tuning"
    and isinstance(found := load_any(name), Recipe)
    and found.needs == ("index",)
    and name != "qa-bm25"  # ranks given candidates
]


def test_there_are_recipes_that_need_an_index_alone():
    assert {"bm25", "bm25-rm3", "rfmf", "rrf-bm25-ql"} <= set(OF_AN_INDEX)


@pytest.mark.parametrize("name", OF_AN_INDEX)
def test_parts_give_what_all_queries_together_give(irkit, folder, monkeypatch, name):
    irkit("run", name, "lee", "-o", "whole.run")
    monkeypatch.setitem(_in_parts.__globals__, "PART", 7)
    irkit("run", name, "lee", "-o", "parts.run")
    assert (folder / "parts.run").read_bytes() == (folder / "whole.run").read_bytes()

"""Tests of irkit.evaluate.schemas: they take every shipped file, and refuse what its reader refuses."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from irkit import locate
from irkit.cli import main
from irkit.errors import NotFoundError
from irkit.evaluate.schemas import SCHEMAS, schema_of
from irkit.yamlfile import read_yaml

FILES = [
    *(("card", path) for path in sorted(locate.shipped("data").rglob("*.yaml"))),
    *(("suite", path) for path in sorted(locate.shipped("eval").rglob("*.yaml"))),
    *(
        ("space" if path.parent.name == "tuning" else "recipe", path)
        for path in sorted(locate.shipped("pipelines").rglob("*.yaml"))
    ),
]


@cache
def validator(kind: str) -> jsonschema.Draft7Validator:
    schema = schema_of(kind)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def wrong(kind: str, value: object) -> str:
    """Return what a schema finds wrong, empty if nothing."""
    found = jsonschema.exceptions.best_match(validator(kind).iter_errors(json.loads(json.dumps(value))))
    return "" if found is None else f"{found.json_path}: {found.message}"


@pytest.mark.parametrize(("kind", "path"), FILES, ids=lambda one: one.stem if isinstance(one, Path) else one)
def test_every_shipped_file_is_valid(kind, path):
    assert wrong(kind, read_yaml(path).value) == ""


def test_all_kinds_have_shipped_files():
    assert {kind for kind, _ in FILES} == set(SCHEMAS)


LEE = {"kind": "texts", "name": "a", "about": "b", "documents": {"files": ["a"]}}
SUITE = {"name": "a", "collections": ["lee"], "systems": ["bm25"], "measures": "AP"}


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("recipe", {"stages": [{"use": "lucen"}]}, "$.stages[0].use: 'lucen' is not one of"),
        ("recipe", {"stages": [{"use": "rm3", "fb_term": 5}]}, "'fb_term' was unexpected"),
        ("recipe", {"stages": [{"use": "rm3", "fb_terms": "many"}]}, "$.stages[0].fb_terms"),
        ("recipe", {"stages": [{"use": "rrf", "of": [[{"use": "cut", "k": 0}]]}]}, "$.stages[0].of[0][0].k: 0 is less"),
        ("recipe", {"model": "lda", "data": "lee", "config": {"topic": 5}}, "'topic' was unexpected"),
        ("recipe", {"model": "lda", "data": "lee", "trainer": {"epoch": 5}}, "'epoch' was unexpected"),
        ("recipe", {"model": "lda", "data": "lee", "judge": "nobody"}, "'nobody' is not one of"),
        ("space", {"recipe": "bm25"}, "'parameters' is a required property"),
        ("space", {"recipe": "bm25", "parameters": {"k1": 5}}, "$.parameters.k1"),
        ("suite", {**SUITE, "sytems": []}, "'sytems' was unexpected"),
        ("suite", {**SUITE, "systems": [{"name": "a"}]}, "$.systems[0]"),
        ("suite", {**SUITE, "collections": [{"name": "lee", "fold": 3}]}, "$.collections[0]"),
        ("card", {**LEE, "kind": "text"}, "'text' is not one of"),
        ("card", {**LEE, "document": 1}, "'document' was unexpected"),
        ("card", {**LEE, "kind": "ratings"}, "'documents' was unexpected"),
    ],
)
def test_what_a_reader_refuses_is_found(kind, value, message):
    assert message in wrong(kind, value)


def test_what_may_be_written_shortly_is_valid():
    assert wrong("suite", SUITE) == wrong("card", LEE) == ""
    assert wrong("recipe", {"stages": [{"use": "lucene", "model": "bm25"}]}) == ""
    assert wrong("space", {"recipe": "bm25", "parameters": {"k1": {"low": 0.5, "high": 2}, "b": [0.4, 0.75]}}) == ""


def test_fields_have_their_texts_and_names_of_what_is_registered():
    recipe = schema_of("recipe")
    assert recipe["$defs"]["stage-rm3"]["properties"]["fb_terms"]["description"]
    assert "bm25-like" not in recipe["$defs"]["stage"]["properties"]["use"]["enum"]
    assert {"lucene", "rm3", "ease"} <= set(recipe["$defs"]["stage"]["properties"]["use"]["enum"])


def test_the_command_prints_one_or_writes_all(tmp_path, capsys):
    assert main(["schema", "space"]) == 0
    assert json.loads(capsys.readouterr().out) == schema_of("space")
    assert main(["schema", "--to", str(tmp_path / "schemas")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(SCHEMAS)
    assert json.loads((tmp_path / "schemas" / "card.schema.json").read_text()) == schema_of("card")
    assert main(["schema"]) == 2
    assert "name one of recipe, space, suite, card" in capsys.readouterr().err
    with pytest.raises(NotFoundError, match=r"there is no kind 'recipes'; did you mean recipe\?"):
        schema_of("recipes")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"systems": ["bm25", {"name": "theirs", "run": "theirs.run"}]}, ""),
        ({"systems": [{"name": "neither"}]}, "$.systems[0]"),
        ({"systems": []}, "$.systems"),
        ({"collections": []}, "$.collections"),
        ({"ratings": ["x"]}, "$"),
        ({"seed": -1}, "$.seed: -1 is less"),
    ],
)
def test_what_the_reader_of_suites_takes_and_refuses(change, message):
    found = wrong("suite", {**SUITE, **change})
    assert found.startswith(message)
    assert bool(found) == bool(message)


def test_needs_and_formats_are_named():
    assert "'indexx' is not one of" in wrong("recipe", {"needs": ["indexx"], "stages": [{"use": "lucene"}]})
    ratings = {"kind": "ratings", "name": "a", "about": "b", "ratings": {"file": "u", "format": "tabb"}}
    assert "'tabb' is not one of" in wrong("card", ratings)

"""Tests of irkit.evaluate.suite, indexes and machine."""

from __future__ import annotations

import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from irkit.documents import Document
from irkit.errors import ConfigError, DataError, IrkitError, NotFoundError
from irkit.evaluate import (
    evaluate,
    load_space,
    load_suite,
    read_results,
    run_suite,
    tune,
    write_results,
)
from irkit.evaluate.experiment import SINGLE_RUN
from irkit.evaluate.suite import parse_suite
from irkit.locate import names
from irkit.machine import machine
from irkit.recipe import collection_index, index_path, load_recipe
from irkit.recipe.vectors import open_vectors
from irkit.yamlfile import parse_yaml

WORDS = ["wing", "flutter", "heat", "shock", "wave", "plate", "drag", "jet"]
TEXT = """\
name: tiny
collections: [toys, {name: toys, split: half}]
measures: AP P(rel=1, judged_only=False)@5
baseline: bm25
systems:
  - bm25
  - {name: textbook, recipe: bm25, settings: {k1: 1.2, b: 0.75}}
  - rrf-bm25-ql
repeats: 2
"""


class Toys:
    """A collection: each document repeats one word more than others; the word is the query."""

    name = "toys"
    about = "Toys."
    exclude_self = False
    splits = ("all", "half")
    card = SimpleNamespace(default_split="all")
    fingerprint = "toys-1"

    def __init__(self) -> None:
        self.read = 0

    def documents(self):
        self.read += 1
        rng = np.random.default_rng(0)
        for i in range(24):
            words = [*rng.choice(WORDS, 6), *[WORDS[i % 8]] * (1 + i % 3)]
            yield Document(f"d{i}", " ".join(words), f"row {i}")

    def queries(self, split=None):
        words = WORDS[:4] if split == "half" else WORDS
        return pd.DataFrame({"qid": [f"q{i}" for i in range(len(words))], "query": words}, dtype="str")

    def qrels(self, split=None):
        rows = [(f"q{i % 8}", f"d{i}", 1) for i in range(24)]
        return pd.DataFrame(rows, columns=["qid", "docno", "label"]).astype({"qid": "str", "docno": "str"})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def toys(monkeypatch, home):
    import irkit.io

    collection = Toys()

    def load(name):
        if name != "toys":
            raise NotFoundError(f"collection: there is no {name!r}; choose from toys")
        return collection

    monkeypatch.setenv("IRKIT_HOME", str(home))
    monkeypatch.setattr(irkit.io, "load_collection", load, raising=False)
    return collection


def suite(**fields):
    text = TEXT + "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())
    return parse_suite(parse_yaml(text, "tiny.yaml"))


def parsed(fields):
    """The suite with some fields replaced."""
    return parse_suite(parse_yaml(json.dumps({**parse_yaml(TEXT, "x").value, **fields}), "tiny.yaml"))


# ---------------------------------------------------------------------- running


@pytest.fixture(scope="module")
def result(home):
    with pytest.MonkeyPatch.context() as patch:
        import irkit.io

        patch.setenv("IRKIT_HOME", str(home))
        patch.setattr(irkit.io, "load_collection", lambda name: Toys(), raising=False)
        told: list[str] = []
        return run_suite(suite(), progress=told.append), told


def test_a_suite_gives_a_valid_result_with_a_board_per_collection(result, tmp_path):
    result, _ = result
    assert [(board.data, board.conditions["split"], board.unit.number) for board in result.boards] == [
        ("toys", "all", 8),
        ("toys", "half", 4),
    ]
    board = result.boards[0]
    assert (board.sizes[0].number, board.data_hash, board.about) == (24, "toys-1", "Toys.")
    assert [m.name for m in board.measures] == ["AP", "P@5"]
    assert [row.name for row in board.rows] == ["bm25", "textbook", "rrf-bm25-ql"]
    assert all(row.milliseconds > 0 for row in board.rows)
    assert read_results(write_results(result, tmp_path / "tiny.json")).seed == 42


def test_rows_say_how_to_make_them_again(result):
    result, _ = result
    rows = result.boards[1].rows
    assert rows[0].command == "irkit leaderboard tiny --only toys:half --system bm25"
    assert rows[1].command == "irkit leaderboard tiny --only toys:half --system textbook"
    assert result.boards[0].rows[2].command == "irkit leaderboard tiny --only toys:all --system rrf-bm25-ql"
    assert rows[0].recipe_hash == load_recipe("bm25").hash
    assert rows[1].recipe_hash == load_recipe("bm25").with_settings({"k1": 1.2, "b": 0.75}).hash != rows[0].recipe_hash
    assert "name: textbook" in rows[1].recipe_yaml
    assert "k1: 1.2" in rows[1].recipe_yaml
    assert result.command == "irkit leaderboard tiny"


def test_the_numbers_are_those_of_the_recipes_run_by_hand(result, toys):
    result, _ = result
    index = collection_index(toys)
    found = load_recipe("rrf-bm25-ql").build(index=index)(toys.queries())
    want = evaluate(found, toys.qrels(), "AP")
    row = result.boards[0].rows[2]
    assert row.values["AP"] == want.per_query["AP"].to_dict()
    assert row.cells["AP"].mean == want.means["AP"]


def test_a_second_run_gives_the_same_numbers_and_no_new_index(result, toys):
    result, _ = result
    again = run_suite(suite(), only=["toys"], repeats=1)
    assert toys.read == 0
    for board, other in zip(result.boards, again.boards, strict=True):
        for row, twin in zip(board.rows, other.rows, strict=True):
            assert row.cells == twin.cells
    assert again.command == "irkit leaderboard tiny --only toys --repeats 1"
    assert SINGLE_RUN in again.boards[0].notes


def test_progress_is_told(result):
    _, told = result
    assert told[:2] == ["toys: 3 systems", "toys: index"]


def test_shipped_suites_name_recipes_that_exist():
    assert {"quickstart", "classic", "ratings-ml-100k", "topn-ml-100k", "density-mnist"} <= set(names("eval"))
    for name in names("eval"):
        shipped = load_suite(name)
        assert shipped.name == name
        for part in shipped.suites:
            assert part.boards
            for choice in part.systems:
                assert type(part.tasks[0]).recipe(choice).about


# ---------------------------------------------------------------------- tuning and vectors


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "steep.yaml"
    path.write_text("recipe: eqe2\nparameters:\n  keep: [0.2, 0.6, 1]\n  fb_terms: [2, 4]\n")
    return path


def tuned_suite(space, **fields):
    systems = [
        {"name": "plain", "recipe": "ql-dirichlet"},
        {"name": "tuned", "recipe": "eqe2", "tune": str(space)},
    ]
    given = {"systems": systems, "baseline": "plain", "collections": ["toys"], "repeats": 1, "tuning": {"folds": 4}}
    return parsed({"vectors": "trained:ppmi-svd", **given, **fields})


def test_a_tuned_system_says_what_was_chosen_and_the_board_which_vectors(toys, space):
    told: list[str] = []
    board = run_suite(tuned_suite(space), progress=told.append).boards[0]
    plain, tuned = board.rows
    assert plain.notes == []
    assert tuned.notes[0] == "tuned: 6 candidates of steep by AP, 4 folds"
    form = r"chosen in (\d) folds?: keep=[\d.]+, fb_terms=[24], at the edge of its space: (keep, )?fb_terms"
    chosen = [re.fullmatch(form, note) for note in tuned.notes[1:]]
    assert all(chosen)
    assert sum(int(found.group(1)) for found in chosen) == 4
    learned = "learned from the documents that are searched, from no query and no judgement"
    assert f"word vectors: trained:ppmi-svd, {learned}" in board.notes
    assert "0 of 8 query terms have no vector" in board.notes
    assert {"toys: vectors trained:ppmi-svd", "toys: tuning tuned"} <= set(told)


def test_vectors_that_cover_part_of_the_queries_are_counted(toys, space, tmp_path):
    (tmp_path / "few.txt").write_text("wing 1 0\nflutter 1 0.1\nheat 0 1\nshock 1 1\nwave 0 1\nplates 1 2\ndrag 3 1\n")
    board = run_suite(tuned_suite(space, vectors=str(tmp_path / "few.txt"))).boards[0]
    assert "1 of 8 query terms has no vector" in board.notes


def test_a_tuned_system_scores_each_query_by_settings_chosen_without_it(toys, space):
    board = run_suite(tuned_suite(space)).boards[0]
    index = collection_index(toys)
    held = {"index": index, "vectors": open_vectors("trained:ppmi-svd", toys, index)}
    tuned = tune(
        load_recipe("eqe2"), load_space(space), toys.queries(), toys.qrels(), "AP", resources=held, folds=4, seed=42
    )
    assert board.rows[1].values["AP"] == tuned.evaluation.per_query["AP"].to_dict()


def test_systems_are_given_models_of_folders_and_the_board_says_which(toys, tmp_path, monkeypatch):
    class Transformer:
        def __init__(self, path, **how):
            pass

        def encode(self, texts, **how):
            return np.array([[1.0 + text.count(word) for word in WORDS] for text in texts])

        def predict(self, pairs, **how):
            return np.array([text.count(query) - len(text) / 1e4 for query, text in pairs])

    made = SimpleNamespace(SentenceTransformer=Transformer, CrossEncoder=Transformer)
    monkeypatch.setitem(sys.modules, "sentence_transformers", made)
    (tmp_path / "mini").mkdir()
    (tmp_path / "mini" / "model.safetensors").write_text("none")
    encoder, cross = f"sentence-transformers:{tmp_path / 'mini'}", f"cross-encoder:{tmp_path / 'mini'}"
    systems = [{"name": "dense", "recipe": "dense", "encoder": encoder}, "bm25-cross-encoder"]
    fields = {"systems": systems, "baseline": "dense", "collections": ["toys"], "repeats": 1}
    with monkeypatch.context() as patch:  # the second time as after a cut: its trials are there
        patch.setattr("irkit.evaluate.journal.shutil.rmtree", lambda *_, **__: None)
        board, again = (run_suite(parsed({**fields, "cross_encoder": cross})).boards[0] for _ in range(2))
    assert {f"encoder: {encoder}", f"cross-encoder: {cross}"} <= set(board.notes) == set(again.notes)
    assert all(np.mean([*row.values["AP"].values()]) > 0.3 for row in board.rows)
    with pytest.raises(
        ConfigError, match=r"bm25-cross-encoder needs a cross-encoder; name one with cross_encoder: cross"
    ):
        run_suite(parsed(fields))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"pipelines: there is no"),
        ("recipe: eqe2\nparameters:\n  kep: [0.5]\n", r"there is no setting 'kep'"),
        (
            "recipe: eqe2\nparameters:\n  keep: {low: 0, high: 1}\n",
            r"space steep: a grid needs values, but keep has a range",
        ),
        ("recipe: eqe2\nparameters:\n  keep: [7]\n", r"keep is not valid, got 7"),
    ],
)
def test_a_space_that_does_not_fit_is_refused_before_any_work(toys, space, content, message):
    space.unlink() if content is None else space.write_text(content)
    with pytest.raises(IrkitError, match=message) as caught:
        run_suite(tuned_suite(space))
    assert "\n" not in str(caught.value)
    assert toys.read == 0


# ---------------------------------------------------------------------- refused before any work


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"basline": "bm25"}, r"tiny\.yaml:10: suite: unknown field 'basline'; did you mean baseline\?"),
        ({"seed": -1}, r"tiny\.yaml:10: suite: seed is not valid, got -1"),
        ({"test": "sign"}, r"tiny\.yaml:10: suite: test is not valid, got 'sign'"),
        ({"index": {"analyser": "x"}}, r"tiny\.yaml:10: collections: index.* did you mean analyzer\?"),
    ],
)
def test_wrong_fields_are_explained_with_file_and_line(fields, message):
    with pytest.raises(ConfigError, match=message):
        suite(**fields)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("baseline: bm25", "baseline: bm52", r"tiny\.yaml:4: baseline: the baseline 'bm52' is not among the systems"),
        ("measures: AP", "measures: ap", r"tiny\.yaml:3: measures: there is no measure 'ap'; did you mean AP\?"),
        ("name: textbook", "name: bm25", r"tiny\.yaml:5: systems: two are called 'bm25'"),
        ("recipe: bm25", "recip: bm25", r"tiny\.yaml:7: systems: unknown field 'recip'; did you mean recipe\?"),
        ("  - rrf-bm25-ql", "  - 7", r"tiny\.yaml:8: systems: needs names or mappings, got 7"),
        ("split: half", "splt: half", r"tiny\.yaml:2: collections: unknown field 'splt'; did you mean split\?"),
        ("{name: toys, split: half}", "toys", r"tiny\.yaml:2: collections: 'toys' occurs twice"),
        ("name: tiny", "name: ../tiny", r"tiny\.yaml:1: name: must be letters, digits, dots and hyphens"),
        ("name: textbook, recipe: bm25", "name: x", r"tiny\.yaml:7: systems: field 'recipe' is missing"),
        ("name: tiny\n", "", r"tiny\.yaml:1: suite: field 'name' is missing"),
        ("repeats: 2", "repeats: many", r"tiny\.yaml:9: collections: repeats is not valid, got 'many'"),
        ("[toys, {name: toys, split: half}]", "toys", r"tiny\.yaml:2: collections: needs a list, got 'toys'"),
        ("[toys, {name: toys, split: half}]", "[]", r"tiny\.yaml:2: collections: a suite has one or more, got none"),
        (
            "baseline: bm25",
            "baseline: bm25\nratings: [x]",
            r"tiny\.yaml:5: suite: is measured on one kind of data, got coll",
        ),
        ("name: textbook", 'name: "t\\u200b"', r"tiny\.yaml:5: systems: the name 't\\u200b' holds the control or inv"),
        ("repeats: 2", "index: {analyzer: klingon}", r"tiny\.yaml:9: index: analyzer: there is no analyser 'klingon'"),
    ],
)
def test_wrong_values_are_explained_with_file_and_line(old, new, message):
    assert old in TEXT
    with pytest.raises(IrkitError, match=message) as caught:
        parse_suite(parse_yaml(TEXT.replace(old, new), "tiny.yaml"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- rrf-bm25-ql", "- rrf-bm25-qll", r"pipelines: there is no 'rrf-bm25-qll'; did you mean rrf-bm25-ql"),
        ("k1: 1.2", "k9: 1.2", r"there is no setting 'k9'"),
        ("k1: 1.2", "k1: -1", r"k1 is not valid, got -1"),
        ("[toys,", "[tois,", r"collection: there is no 'tois'"),
        ("split: half", "split: hafl", r"suite tiny: toys has no split 'hafl'; did you mean half\?"),
    ],
)
def test_what_does_not_exist_is_refused_before_any_work(toys, old, new, message):
    broken = parse_suite(parse_yaml(TEXT.replace(old, new), "tiny.yaml"))
    with pytest.raises(IrkitError, match=message) as caught:
        run_suite(broken)
    assert "\n" not in str(caught.value)
    assert toys.read == 0


def test_a_choice_of_collections_must_be_in_the_suite(toys):
    with pytest.raises(ConfigError, match=r"suite tiny: there is no collection 'toy' in it; did you mean toys\?"):
        run_suite(suite(), only=["toy"])


def test_a_recipe_with_needs_a_suite_cannot_meet_is_refused(toys, monkeypatch):
    import irkit.recipe

    monkeypatch.setattr(irkit.recipe, "load_recipe", lambda name: SimpleNamespace(needs=("index", "pairs")))
    with pytest.raises(ConfigError, match="suite tiny: bm25 needs pairs, but a suite supplies index, vectors"):
        run_suite(parsed({"systems": ["bm25"]}))


def test_a_recipe_that_needs_vectors_is_refused_where_the_suite_names_none(toys):
    with pytest.raises(ConfigError, match=r"suite tiny: eqe1 needs vectors; name some with vectors: trained:ppmi-svd"):
        run_suite(parsed({"systems": ["eqe1"], "baseline": "eqe1"}))


def test_a_suite_that_is_not_there_or_not_yaml(tmp_path):
    with pytest.raises(NotFoundError, match="suites: there is no 'quickstrat'; did you mean quickstart"):
        load_suite("quickstrat")
    path = tmp_path / "x.yaml"
    path.write_text("name: [")
    with pytest.raises(DataError, match=r"x\.yaml:"):
        load_suite(path)


# ---------------------------------------------------------------------- indexes and machine


def test_the_place_of_an_index_depends_on_data_analyser_and_code(toys, home, monkeypatch):
    place = index_path(toys)
    assert place.parent == home / "indexes"
    assert place.name.startswith("toys-")
    assert index_path(toys, "whitespace") != place
    monkeypatch.setattr("irkit.recipe.indexes._code", lambda: "other code")
    assert index_path(toys) != place
    monkeypatch.undo()
    toys.fingerprint = "toys-2"
    assert index_path(toys).name != place.name


def test_odd_collection_names_stay_inside_the_folder(toys, home):
    for name in ("irds:beir/nfcorpus/test", "../../etc", "/", "a b\n"):
        toys.name = name
        assert index_path(toys).parent == home / "indexes"


def test_the_machine_is_described_in_plain_values():
    described = machine()
    assert described["cores"] >= 1
    assert described["cpu"]
    assert json.loads(json.dumps(described)) == described


def test_settings_and_parts_that_do_not_fit_are_explained_with_file_and_line(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text(
        "name: odd\ncollections: [lee]\nmeasures: AP\nsystems:\n  - {name: a, recipe: bm25, settings: {k1: -1}}\n"
    )
    with pytest.raises(ConfigError, match=r"odd\.yaml:5: recipe 'bm25': 0.k1: lucene: k1 is not valid, got -1"):
        load_suite(path)
    path.write_text("name: odd\nparts:\n  - quickstart-retrieval\n  - nosuch\n")
    with pytest.raises(NotFoundError, match=r"odd\.yaml:4: suites: there is no 'nosuch'"):
        load_suite(path)
    path.write_text("name: odd\nmeasures: AP\nsystems: [bm25]\n")
    with pytest.raises(ConfigError, match=r"odd\.yaml:1: a suite is measured on something; name collections, .* parts"):
        load_suite(path)


def test_a_row_may_be_called_anything_whether_its_settings_are_changed_or_not(tmp_path):
    path = tmp_path / "named.yaml"
    path.write_text(
        "name: named\ncollections: [lee]\nmeasures: AP\nsystems:\n"
        "  - {name: no length, recipe: bm25, settings: {b: 0.0}}\n  - {name: as it comes, recipe: bm25}\n"
    )
    (board,) = run_suite(load_suite(path)).boards
    assert sorted(row.name for row in board.rows) == ["as it comes", "no length"]


def test_what_was_measured_is_kept_where_the_result_cannot_be_written(home, toys):
    from irkit.evaluate.journal import any_kept

    def refuse(result):
        raise DataError("disk: no space")

    one = parsed({"name": "kept"})
    with pytest.raises(DataError, match="no space"):
        run_suite(one, finish=refuse)
    assert any_kept(one)
    got = []
    run_suite(one, finish=got.append)
    assert [board.title for board in got[0].boards] == ["toys:all", "toys:half"]
    assert not any_kept(one)

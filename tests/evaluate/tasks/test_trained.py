"""Boards of `data`: what cannot be measured on, or by a model, is said in one line before anything is trained."""

from __future__ import annotations

import numpy as np
import pytest

from irkit.errors import ConfigError, NotFoundError, ShapeError
from irkit.evaluate import run_suite
from irkit.evaluate.suite import parse_suite
from irkit.io.kinds import Bags, DataSet, Ragged, Rows, Sequences
from irkit.testing import toy_rows
from irkit.yamlfile import parse_yaml
from tests.plugins import installed

SETS = ("bits", "documents", "steps", "untested")
RECIPE = "model: {model}\nconfig: {{hidden_sizes: [4]}}\ndata: {data}\ntrainer: {{epochs: 1, threads: 1}}\n"


def bits() -> DataSet:
    rows = toy_rows()
    return DataSet("toy-bits", rows.train, rows.valid, rows.test)


def steps() -> DataSet:
    return DataSet("toy-steps", *(Sequences(Ragged.of([[[0.0, 1.0]] * n, [[1.0, 1.0]]])) for n in (4, 3, 2)))


def untested() -> DataSet:
    rows = toy_rows()
    return DataSet("toy-untested", rows.train, rows.valid, Rows(rows.test.x[:0]))


def documents() -> DataSet:
    """Two kinds of documents, that have no term in common; the third test document is of none."""
    rng = np.random.default_rng(0)
    each = [rng.integers(5, size=6) + 5 * (at % 2) for at in range(60)]
    kinds = np.arange(60) % 2
    kinds[52] = -1
    parts = (slice(0, 40), slice(40, 50), slice(50, 60))
    return DataSet("toy-documents", *(Bags(Ragged.of(each[one]), 10, labels=kinds[one]) for one in parts))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, and sets of a plug-in."""
    lines = "\n".join(f'toy-{name} = "{__name__}:{name}"' for name in SETS)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "pyproject.toml").write_text(
        f'[project]\nname = "toys"\nversion = "1.0"\n[project.entry-points."irkit.sets"]\n{lines}\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    with installed(tmp_path / "site"):
        yield tmp_path


def board_of(folder, data: str, measures: str = "[]", model: str = "made"):
    """Run a suite of one model on one set."""
    (folder / "one.yaml").write_text(RECIPE.format(model=model, data=data))
    text = f"name: toys\ndata: [{data}]\nmeasures: {measures}\nsystems: [{{name: one, recipe: ./one.yaml}}]\n"
    (board,) = run_suite(parse_suite(parse_yaml(text, "toys.yaml"))).boards
    return board


def test_a_board_has_the_measures_of_its_first_model_or_those_the_suite_names(folder):
    by_model, by_suite = board_of(folder, "toy-bits"), board_of(folder, "toy-bits", "[log p]")
    assert [measure.name for measure in by_model.measures] == ["log p"]
    assert by_model.rows[0].cells == by_suite.rows[0].cells
    assert [str(size) for size in by_model.sizes] == ["40 training rows", "10 test rows"]


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ("toy-bit", NotFoundError, "rows: there is no file or set 'toy-bit'; did you mean toy-bits or toy-steps?"),
        ("lee", ConfigError, "lee: holds texts and no rows; use 'irkit run <recipe> lee', in Python load_collection"),
        ("toy-untested", ConfigError, "toy-untested: has no test part to measure models on; give it one"),
    ],
)
def test_a_set_that_is_not_there_or_of_another_kind_is_one_line(folder, data, kind, message):
    with pytest.raises(kind) as told:
        board_of(folder, data)
    assert str(told.value) == message


def test_a_set_whose_files_are_elsewhere_says_how_to_get_them(folder):
    with pytest.raises(
        NotFoundError, match=r"^mnist: the collection is not on this machine; run 'irkit data get mnist'"
    ):
        board_of(folder, "mnist")


@pytest.mark.parametrize(("measure", "hint"), [("logp", "did you mean log p?"), ("accuracy", "choose from log p")])
def test_a_measure_that_a_model_does_not_give_is_one_line_that_names_suite_and_model(folder, measure, hint):
    with pytest.raises(ConfigError) as told:
        board_of(folder, "toy-bits", f"[{measure}]")
    assert str(told.value) == f"suite toys: one gives no '{measure}' of test examples; {hint}"


def test_a_model_of_rows_on_a_board_of_sequences_alone_is_one_line(folder):
    with pytest.raises(ShapeError) as told:
        board_of(folder, "toy-steps")
    assert str(told.value) == "made: learns from rows, got sequences of shape (2,); give it rows"


def test_a_model_that_there_is_none_of_is_one_line(folder):
    with pytest.raises(NotFoundError, match=r"one\.yaml:1: there is no model 'mad'; did you mean made\?"):
        board_of(folder, "toy-bits", model="mad")


def test_a_model_of_another_set_has_no_board(folder):
    (folder / "one.yaml").write_text(RECIPE.format(model="made", data="digits"))
    text = "name: toys\ndata: [toy-bits]\nsystems: [{name: one, recipe: ./one.yaml}]\n"
    with pytest.raises(ConfigError, match=r"one is trained on digits, of which there is no board; add digits to data"):
        run_suite(parse_suite(parse_yaml(text, "toys.yaml")))


LABELS = ["label precision .02", "label precision 50", "label knn 5"]
DOCUMENTS = {
    "lsa": "model: lsa\nconfig: {dimensions: 2}\ndata: toy-documents\n",
    "docnade": "model: docnade\nconfig: {hidden_size: 3}\ndata: toy-documents\ntrainer: {epochs: 1, threads: 1}\n",
}


def documents_board(folder, names, measures="[]"):
    """Run a suite of models of documents."""
    for name in names:
        (folder / f"{name}.yaml").write_text(DOCUMENTS[name])
    systems = ", ".join(f"{{name: {name}, recipe: ./{name}.yaml}}" for name in names)
    text = f"name: toys\ndata: [toy-documents]\nmeasures: {measures}\nsystems: [{systems}]\n"
    (board,) = run_suite(parse_suite(parse_yaml(text, "toys.yaml"))).boards
    return board


def test_models_that_encode_are_measured_by_labels_and_beside_by_what_they_say_themselves(folder):
    board = documents_board(folder, ["docnade"], f"[nats a word, {LABELS[0]}]")
    assert [one.name for one in board.measures] == ["nats a word", LABELS[0]]
    assert 0 <= board.rows[0].cells[LABELS[0]].mean <= 1
    assert [*board.rows[0].values[LABELS[0]]] == ["0", "1", "3", "4", "5", "6", "7", "8", "9"]
    assert len(board.rows[0].values["nats a word"]) == 10
    assert f"{LABELS[0]}: of the 9 test documents that have a label" in board.notes


def test_models_without_a_likelihood_stand_beside_others_by_labels_alone(folder):
    both = documents_board(folder, ["lsa", "docnade"])
    assert [one.name for one in both.measures] == LABELS
    lsa = both.rows[0] if both.rows[0].name == "lsa" else both.rows[1]
    assert lsa.cells[LABELS[0]].mean == 1, "documents of one kind share terms, others have none in common"
    assert lsa.parameters == 10 + 10 * 2
    assert [one.name for one in documents_board(folder, ["docnade"]).measures][:2] == ["nats a word", "nats a token"]
    with pytest.raises(ConfigError, match="suite toys: lsa gives no 'nats a word' of test examples; choose from label"):
        documents_board(folder, ["lsa"], "[nats a word]")


def test_data_without_labels_have_no_figures_by_labels(folder):
    with pytest.raises(ConfigError, match="one gives no 'label precision 50' of test examples; choose from log p"):
        board_of(folder, "toy-bits", "[label precision 50]")

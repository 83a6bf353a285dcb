"""Tests of irkit.evaluate.tasks.likelihood, on a few bits and models that are made up."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from irkit.errors import ConfigError, IrkitError
from irkit.evaluate import run_suite
from irkit.evaluate.suite import parse_suite
from irkit.evaluate.tasks import trained as tasks
from irkit.evaluate.tasks.likelihood import INDEPENDENT, DataChoice
from irkit.evaluate.tasks.task import Options, System
from irkit.generative.independent import independent_log_prob
from irkit.io.rows.data import DensityData
from irkit.learn.estimate import Estimate
from irkit.learn.figures import Figure
from irkit.report import html, markdown, table
from irkit.yamlfile import parse_yaml

TEXT = """\
name: tiny
density:
  - {name: toy, binarise: threshold}
systems:
  - exact
  - {name: bound, recipe: below, settings: {lift: 1.0}}
seeds: [1, 2]
"""
TRAIN = np.array([[1, 0], [1, 1], [1, 0], [0, 0]], dtype=np.float32)
TEST = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)


def toy_data(test=TEST, binarisation="threshold"):
    labels = [np.full(len(rows), -1) for rows in (TRAIN, TRAIN[:1], test)]
    return DensityData("toy", binarisation, (1, 2), TRAIN, TRAIN[:1], test, *labels)


@dataclass(frozen=True)
class Trained:
    """Says of every row what it was told to, plus a tenth of the seed."""

    told: Any
    seed: int
    kind: str
    stderr: float
    ess: float | None
    fitted: Any

    def log_prob(self, rows, **arguments):
        value = np.resize(self.told, len(rows)) + self.seed / 10
        return Estimate(value, np.full(len(rows), self.stderr), self.kind, ess=self.ess)


@dataclass(frozen=True)
class Told:
    """A training recipe of `Trained`."""

    told: tuple[float, ...]
    name: str = "told"
    kind: str = "exact"
    stderr: float = 0.0
    ess: float | None = None
    data: str = "toy"
    binarise: str = "threshold"
    test_rows: int | None = None
    about: str = "Told."
    hash: str = "h"
    evaluate: dict = field(default_factory=dict)
    own: Any = None

    def yaml(self):
        return f"name: {self.name}\n"

    def changed(self, **values):
        return replace(self, **values)

    def with_settings(self, settings):
        return replace(self, told=tuple(value + settings["lift"] for value in self.told))

    def load_data(self):
        return self.own

    def fit(self, data=None, *, seed=None, folder=None, resume=False, started=None):
        return Trained(
            self.told, seed, self.kind, self.stderr, self.ess, SimpleNamespace(parameters=lambda: [Size(3), Size(4)])
        )


@dataclass(frozen=True)
class Size:
    """A tensor of so many numbers."""

    n: int

    def numel(self):
        return self.n


def drawn(model, data, *, seed, test_rows, look):
    """Two pictures, one of them too large for a board."""
    figure = Figure("samples", f"seed {seed}", "image/svg+xml", b"<svg />", b"")
    return [figure, replace(figure, content=b"<svg " + b" " * 100_000, note="said of the pictures")]


EXACT = Told((-1.0, -2.0, -1.5))
BELOW = Told((-2.0, -3.5, -2.9), kind="lower_bound", stderr=0.3, ess=0.25)


@pytest.fixture
def shelf(monkeypatch):
    """Recipes by name, and one data set."""
    recipes = {"exact": EXACT, "below": BELOW}
    monkeypatch.setattr("irkit.recipe.load_training", recipes.__getitem__, raising=False)
    monkeypatch.setattr(tasks, "load_data", lambda name, binarise: toy_data())
    monkeypatch.setattr("irkit.learn.figures.figures", drawn)
    return recipes


def suite(text=TEXT):
    return parse_suite(parse_yaml(text, "tiny.yaml"))


def board_of(text=TEXT):
    result = run_suite(suite(text))
    return result.boards[0], {row.name: row for row in result.boards[0].rows}, result


def test_every_board_has_independent_bits_and_numbers_are_means_over_rows_and_seeds(shelf):
    board, rows, _ = board_of()
    assert list(rows) == [INDEPENDENT, "exact", "bound"]
    own = independent_log_prob(TRAIN, TEST)
    cell = rows[INDEPENDENT].cells["log p"]
    assert (cell.mean, cell.kind, cell.p) == (pytest.approx(own.mean()), "exact", None)
    cell = rows["exact"].cells["log p"]
    assert cell.mean == pytest.approx(-1.5 + 0.15)
    assert cell.delta == pytest.approx(-1.35 - own.mean())
    values = np.array(EXACT.told) + 0.15
    assert rows["exact"].values["log p"] == pytest.approx(dict(zip("012", values, strict=True)))
    assert cell.p == pytest.approx(stats.ttest_rel(values, own).pvalue)
    assert (board.kind, board.sizes[0].number, board.unit.number, board.conditions) == (
        "likelihood",
        4,
        3,
        {"binarised by": "threshold"},
    )
    assert rows["exact"].notes == ["said of the pictures", "by seed (1, 2): log p -1.4000, -1.3000, sd 0.0707"]
    assert [(figure.caption, figure.content) for figure in rows["exact"].figures] == [("seed 1", "<svg />")]


def test_cells_say_what_the_number_is_and_rows_what_it_cost(shelf):
    _, rows, _ = board_of()
    cell = rows["bound"].cells["log p"]
    assert (cell.kind, cell.ess) == ("lower_bound", 0.25)
    # Three rows each with .3, then two seeds: .3 / sqrt 3 / sqrt 2.
    assert cell.stderr == pytest.approx(0.3 / math.sqrt(6))
    assert cell.mean == pytest.approx(np.mean(BELOW.told) + 1.0 + 0.15)
    assert rows["exact"].cells["log p"].stderr is None
    assert rows["bound"].parameters == 7
    assert rows[INDEPENDENT].parameters == 2
    assert rows["bound"].fit_seconds >= 0
    assert rows["bound"].command == "irkit leaderboard tiny --only toy:threshold --system bound"
    assert "effective sample size 25% of the samples" in rows["bound"].notes


def test_a_bound_is_printed_as_one(shelf):
    shelf["below"] = replace(BELOW, told=(-0.5, -0.5, -0.5))
    _, _, result = board_of(TEXT.replace(", settings: {lift: 1.0}", ""))
    assert "*>= -0.3500 +- 0.1225" in table(result)
    assert ">= lower bound, the truth may be higher" in table(result)
    assert "**≥ -0.3500 ± 0.1225**" in markdown(result)
    assert '<span class="mean best">≥ −0.3500 ± 0.1225</span>' in html(result)


def test_a_model_on_fewer_rows_is_compared_on_those(shelf):
    shelf["exact"] = replace(EXACT, test_rows=2)
    _, rows, _ = board_of()
    own = independent_log_prob(TRAIN, TEST[:2])
    cell = rows["exact"].cells["log p"]
    assert cell.mean == pytest.approx(np.mean(EXACT.told[:2]) + 0.15)
    assert cell.delta == pytest.approx(cell.mean - own.mean())
    assert "measured on the first 2 of the 3 test rows" in rows["exact"].notes
    assert len(rows["exact"].values["log p"]) == 2


def test_values_of_single_rows_are_kept_up_to_a_number(shelf, monkeypatch):
    monkeypatch.setattr(tasks, "KEPT", 2)
    board, rows, _ = board_of()
    assert set(rows["exact"].values["log p"]) == {"0", "1"}
    assert "values of single rows are kept of the first 2" in board.notes
    assert rows["exact"].cells["log p"].mean == pytest.approx(-1.35)


def test_a_model_may_be_trained_on_other_bits_of_the_same_test_rows_only(shelf):
    shelf["exact"] = replace(EXACT, binarise="dynamic", own=toy_data(binarisation="dynamic, seed 1"))
    _, rows, _ = board_of()
    assert "bits of the training part are sampled anew in each batch" in rows["exact"].notes
    shelf["exact"] = replace(EXACT, binarise="sample", own=toy_data(1 - TEST, "sample, seed 1"))
    message = "suite tiny: exact is binarised by sample, seed 1 and toy by threshold; figures of different bits"
    with pytest.raises(ConfigError, match=message):
        run_suite(suite())


def test_a_model_of_other_data_is_refused(shelf):
    shelf["exact"] = replace(EXACT, data="mnist")
    with pytest.raises(
        ConfigError, match="suite tiny: exact is trained on mnist, of which there is no board; add mnist"
    ):
        run_suite(suite())


def test_a_model_without_figures_of_examples_is_told_what_its_class_lacks(tmp_path, monkeypatch):
    from irkit.generative import MADE

    monkeypatch.setattr(MADE, "quantities", {})
    (tmp_path / "own.yaml").write_text("name: own\ndata: [digits]\nbaseline: made-digits\nsystems: [made-digits]\n")
    message = "suite own: made-digits gives no 'log p' of test examples; its class states no quantities and values"
    with pytest.raises(ConfigError, match=message):
        run_suite(tmp_path / "own.yaml")


def test_rows_of_ones_own_are_known_by_their_path_to_the_suite_and_in_run_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    np.save("mine/rows.npy", (np.random.default_rng(0).random((30, 4)) < 0.5).astype(np.float32))
    text = "name: own\ndata: [./mine/rows.npy]\nsystems:\n  - {name: nade, recipe: nade-debd, data: [./mine/rows.npy]"
    own = parse_suite(parse_yaml(text + ", settings: {trainer.epochs: 1, trainer.device: cpu}}\n", "own.yaml"))
    (board,) = run_suite(own, runs=tmp_path / "runs").boards
    assert [(board.title, row.name) for row in board.rows] == [("./mine/rows.npy", "nade")]
    assert board.rows[0].command == "irkit leaderboard own --only ./mine/rows.npy --system nade"
    assert run_suite(own, only=["./mine/rows.npy"], systems=["nade"]).boards[0].data == "./mine/rows.npy"
    assert "data: ./mine/rows.npy\n" in (tmp_path / "runs" / "nade" / "config.yaml").read_text()


CROSSED = """\
name: crossed
density: [digits, debd/nltcs, debd/dna]
systems:
  - {name: nade, recipe: nade-debd, data: [debd/nltcs, debd/dna], settings: {config.hidden_size: 5}}
  - {name: made, recipe: made-debd, data: digits}
  - {name: own, recipe: made-debd}
"""


def test_a_model_is_trained_on_each_of_the_data_sets_that_a_suite_names(monkeypatch):
    sets = {name: replace(toy_data(), name=name) for name in ("digits", "debd/nltcs", "debd/dna")}
    monkeypatch.setattr(tasks, "load_data", lambda name, binarise: sets[name])
    crossed = suite(CROSSED)
    systems = [System(choice, DataChoice.recipe(choice)) for choice in crossed.systems]
    boards = [choice.load(crossed, Options()) for choice in crossed.tasks]
    taken = [[own for system in systems if (own := task.taken(system))] for task in boards]
    assert [[(own.name, own.recipe.name, own.recipe.data) for own in board] for board in taken] == [
        [("made", "made", "digits")],
        [("nade", "nade-nltcs", "debd/nltcs"), ("own", "made-debd", "debd/nltcs")],
        [("nade", "nade-dna", "debd/dna")],
    ]
    one, other = taken[1][0].recipe, taken[2][0].recipe
    assert (one.config, one.hash) == ({"hidden_size": 5}, other.changed(data="debd/nltcs").hash)
    assert one.hash != other.hash


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("binarise: threshold", "binarise: round", r"tiny\.yaml:3: density: binarise is not valid, got 'round'"),
        ("- exact", "- independent", r"tiny\.yaml:4: systems: two are called 'independent'"),
        ("seeds: [1, 2]", "baseline: nade", r"tiny\.yaml:7: baseline: the baseline 'nade' is not among the systems"),
        ("seeds: [1, 2]", "seeds: []", r"tiny\.yaml:7: suite: seeds is not valid"),
        ("systems:", "system:", r"tiny\.yaml:4: suite: unknown field 'system'; did you mean systems\?"),
    ],
)
def test_wrong_values_are_explained_with_file_and_line(old, new, message):
    assert old in TEXT
    with pytest.raises(IrkitError, match=message) as caught:
        suite(TEXT.replace(old, new))
    assert "\n" not in str(caught.value)


DIGITS = """\
name: two
density: [digits]
systems:
  - {name: nade, recipe: nade-digits, settings: {trainer.epochs: 2, config.hidden_size: 5}}
  - {name: plane, recipe: vae-mlp-digits, settings: {trainer.epochs: 1, config.latent_size: 2, config.hidden_size: 5}}
"""


def digits_rows(runs=None, text=DIGITS):
    result = run_suite(suite(text), runs=runs)
    return {row.name: row for row in result.boards[0].rows}


def means(rows):
    return {name: row.cells["log p"].mean for name, row in rows.items()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Run folders of two small models, and their rows."""
    runs = tmp_path_factory.mktemp("runs")
    return runs, digits_rows(runs)


def test_what_was_trained_is_not_trained_again(trained, monkeypatch):
    runs, first = trained
    assert {path.name for path in runs.iterdir()} == {"nade", "plane"}
    assert means(first) == means(digits_rows())  # folders change no number
    with monkeypatch.context() as broken:
        broken.setattr("irkit.learn.net.ScoreNet.loss", lambda *given: 1 / 0)
        again = digits_rows(runs)
        failed = digits_rows(runs, DIGITS.replace("epochs: 2", "epochs: 3"))  # goes on from the second
    assert failed["nade"].failed == "ZeroDivisionError: division by zero"
    assert means({"plane": failed["plane"]}) == means({"plane": first["plane"]})
    assert means(again) == means(first)
    assert (first["nade"].peak_memory_mb > 0, again["nade"].peak_memory_mb) == (True, None)
    assert 0 < again["nade"].fit_seconds <= first["nade"].fit_seconds
    assert [tasks.RESUMED in rows["nade"].notes for rows in (first, again)] == [False, True]


def test_pictures_are_those_of_the_models(trained):
    rows = trained[1]
    assert [figure.name for figure in rows["nade"].figures] == ["samples", "learning curve"]
    assert [figure.name for figure in rows["plane"].figures] == ["samples", "latent plane", "learning curve"]
    assert any("nearest others in the latent plane tell the label of" in note for note in rows["plane"].notes)


def test_another_seed_has_a_folder_of_its_own(tmp_path):
    text = DIGITS[: DIGITS.index("  - {name: plane")] + "seeds: [1, 3]\n"
    rows = digits_rows(tmp_path, text)
    assert {path.name for path in tmp_path.iterdir()} == {"nade", "nade-seed-3"}
    assert means(rows) == means(digits_rows(None, text))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "hidden_size: 5",
            "hidden_size: 6",
            r"train: .*nade holds another run, of 'nade'; resume it with the settings",
        ),
        ("epochs: 2", "epochs: 1", r"train: .*nade holds 2 epochs .* sooner with epochs 1; allow as much as"),
    ],
)
def test_a_folder_with_another_training_is_refused(trained, old, new, message):
    runs, _ = trained
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    assert re.search(message, digits_rows(runs, DIGITS.replace(old, new, 1))["nade"].failed)
    assert {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()} == before


def test_two_trainings_do_not_share_a_folder(shelf, tmp_path):
    shelf["below"] = replace(BELOW, hash="other")
    text = TEXT.replace(", settings: {lift: 1.0}", "")  # which would give it a name of its own
    with pytest.raises(ConfigError, match="suite tiny: two different recipes are called 'told' and would share a run"):
        run_suite(suite(text), runs=tmp_path)


def test_models_of_a_file_stand_on_its_board_and_are_run_again_by_the_command_of_their_row(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    np.save("sub/bits.npy", np.random.default_rng(0).integers(0, 2, (50, 4), dtype=np.uint8))
    short = "recipe: made-digits, data: sub/bits.npy, settings: {trainer.epochs: 1, config.hidden_sizes: [4]}"
    (tmp_path / "own.yaml").write_text(f"name: own\ndensity: [sub/bits.npy]\nsystems: [{{name: made, {short}}}]\n")
    whole = run_suite("own.yaml", runs="runs").boards[0]
    assert whole.data == "sub/bits.npy"
    words = shlex.split(whole.rows[1].command)
    assert words[:3] == ["irkit", "leaderboard", "own.yaml"]
    (again,) = run_suite("own.yaml", only=[words[4]], systems=[words[6]]).boards[0].rows[-1:]
    assert again.cells["log p"].mean == whole.rows[1].cells["log p"].mean


def test_suites_of_other_kinds_have_no_runs(tmp_path):
    with pytest.raises(ConfigError, match="suite quickstart-retrieval: trains no models in run folders"):
        run_suite("quickstart", runs=tmp_path)


@pytest.mark.slow
def test_a_real_model_of_the_digits_is_better_than_independent_bits():
    text = "name: d\ndensity: [digits]\nsystems: [{name: nade, recipe: nade-digits, settings: {trainer.epochs: 1}}]\n"
    _, rows, _ = board_of(text)
    cell = rows["nade"].cells["log p"]
    assert cell.kind == "exact"
    assert cell.delta > 0
    assert cell.p_corrected < 0.001


def test_reals_have_no_board_of_bits(tmp_path):
    text = "name: own\ndensity: [{name: digits, binarise: none}]\nbaseline: made-digits\nsystems: [made-digits]\n"
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ConfigError, match="digits: binarise: none leaves reals, of which density has no board; use"):
        run_suite(tmp_path / "own.yaml")

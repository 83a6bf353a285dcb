"""Tests of `irkit tune`."""

from __future__ import annotations

import pytest


@pytest.fixture
def space(folder):
    """A space of four candidates."""
    path = folder / "steps.yaml"
    path.write_text("recipe: bm25\nparameters:\n  k1: [0.4, 1.2]\n  b: [0.2, 0.8]\n")
    return path


def test_tune_prints_choices_and_held_out_means_and_writes_the_candidates(irkit, space, folder):
    done = irkit("tune", space, "lee", "-m", "AP P@5", "--folds", "3", "-o", "candidates.tsv")
    head, *folds, held_out, data, blank, where = done.lines
    assert head == "steps: 4 candidates, 3 folds, chosen by AP"
    assert [line.partition(": ")[0] for line in folds] == ["fold 1", "fold 2", "fold 3"]
    assert data.startswith("lee: data ")
    assert all(line.partition(": ")[2].startswith("k1=") for line in folds)
    assert held_out.startswith("held-out queries: AP 0.")
    assert ", P@5 0." in held_out
    assert (blank, where) == ("", "candidates.tsv")
    header, *rows = (folder / "candidates.tsv").read_text().splitlines()
    assert header == "k1\tb\tAP\tchosen"
    assert sorted(tuple(row.split("\t")[:2]) for row in rows) == [
        ("0.4", "0.2"), ("0.4", "0.8"), ("1.2", "0.2"), ("1.2", "0.8"),
    ]  # fmt: skip
    assert sum(int(row.split("\t")[3]) for row in rows) == 3


def test_what_learns_from_judgements_is_tuned_on_inner_folds(irkit, space):
    space.write_text("recipe: learned-bm25-ql-tf-idf\nparameters:\n  reg: [1, 1000]\n")
    done = irkit("tune", space, "lee", "-m", "AP", "--folds", "2", "--inner", "2")
    head, *folds, held_out, _ = done.lines
    assert head == "steps: 2 candidates, 2 folds, 2 inner folds, chosen by AP"
    assert [line.partition("=")[0] for line in folds] == ["fold 1: reg", "fold 2: reg"]
    assert 0.1 < float(held_out.removeprefix("held-out queries: AP ")) < 0.3


def test_random_draws_follow_the_seed(irkit, space):
    first, again, other = (
        irkit("tune", space, "lee", "--method", "random", "--trials", "2", "--folds", "2", "--seed", seed).out
        for seed in (1, 1, 4)
    )
    assert first == again
    assert first.startswith("steps: 2 candidates, 2 folds")
    assert other != first


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        (["bm25-serach", "lee"], None, "did you mean bm25-search"),
        (["steps.yaml", "lee"], "recipe: bm25\nparameters:\n  k9: [1]\n", "there is no setting 'k9'"),
        (["steps.yaml", "lee"], "recipe: bm25\nparameters:\n  k1: [-1]\n", "k1 is not valid, got -1"),
        (["steps.yaml", "lee"], "recipe: bm25\nparameter:\n  k1: [1]\n", "steps.yaml:"),
        (["steps.yaml", "lee"], "recipe: bm52\nparameters:\n  k1: [1]\n", "did you mean bm25"),
        (
            ["steps.yaml", "lee", "--folds", "51"],
            None,
            "their number must lie between 2 and that of the queries, 50, got 51",
        ),
        (
            ["steps.yaml", "lee", "--folds", "1"],
            None,
            "their number must lie between 2 and that of the queries, 50, got 1",
        ),
        (["steps.yaml", "lee", "-m", "ap"], None, "there is no measure 'ap'; did you mean AP?"),
        (["steps.yaml", "lee", "--inner", "3"], None, "--inner is for recipes that learn, and bm25 does not; leave it"),
        (["steps.yaml", "leee"], None, "did you mean lee?"),
        (["eqe2-search", "lee"], None, "--vectors trained:ppmi-svd"),
        (
            ["steps.yaml", "lee", "--method", "grid"],
            "recipe: bm25\nparameters:\n  k1: {low: 0, high: 1}\n",
            "draw at random",
        ),
    ],
)
def test_mistakes_are_said_in_one_line(irkit, space, arguments, content, message):
    if content is not None:
        space.write_text(content)
    done = irkit("tune", *arguments, status=2)
    assert message in done.err
    assert (done.err.count("\n"), done.out) == (1, "")


# ---------------------------------------------------------------------- recommenders


def test_a_recommender_is_tuned_on_training_ratings_and_measured_beside_its_default(irkit, folder):
    (folder / "dampings.yaml").write_text("recipe: bias\nparameters:\n  damping: [0.5, 5, 500]\n")
    split = "{kind: random, fraction: 0.3, seed: 1}"
    done = irkit("tune", "dampings.yaml", "planted-factors", "--split", split, "-o", "candidates.tsv")
    head, chosen, *rest = done.lines
    assert head == "tuned: 3 candidates of dampings by RMSE on 420 of the training ratings"
    assert chosen.startswith("chosen: damping=")
    starts = ["default on the test part: RMSE ", "tuned on the test part: RMSE ", "planted-factors: data "]
    assert all(any(line.startswith(start) for line in rest) for start in starts)
    assert any(line.startswith("test part looked at ") for line in rest)
    header, *rows = (folder / "candidates.tsv").read_text().splitlines()
    assert header == "damping\tRMSE\tchosen"
    best = min(rows, key=lambda row: float(row.split("\t")[1]))
    assert [row.endswith("\t1") for row in rows] == [row == best for row in rows]
    assert f"damping={float(best.split()[0]):g}" in chosen


def test_lists_are_what_other_recommenders_are_tuned_by(irkit, folder):
    (folder / "regs.yaml").write_text("recipe: ease\nparameters:\n  reg: [10, 1000]\n")
    done = irkit("tune", "regs.yaml", "planted-factors", "--liked", "3.5", "--candidates", "rated")
    assert done.lines[0].startswith("tuned: 2 candidates of regs by nDCG@10 on ")
    assert "at the edge of its space: reg" in done.lines
    assert any(line.endswith("relevant: rated 3.5 or more in the test part") for line in done.lines)


def test_files_of_ones_own_parted_and_laid_out_as_they_are(irkit, folder):
    (folder / "regs.yaml").write_text("recipe: als\nparameters:\n  reg: [1, 10]\n")
    (folder / "mine").mkdir()
    rows = [f"u{user};i{item};{1 + user * item}" for user in range(12) for item in range(9) if (user + item) % 2]
    (folder / "mine" / "train.csv").write_text("\n".join(rows[::2] + rows[:4:2]) + "\n")
    (folder / "mine" / "test.csv").write_text("\n".join(rows[1::2]) + "\n")
    options = ("tune", "regs.yaml", "mine", "--liked", "1")
    assert "--columns user,item,rating" in irkit(*options, status=2).err
    done = irkit(*options, "--columns", "user,item,count")
    assert any(line.startswith("27 training and 27 test ratings") for line in done.lines), (
        "the split that the files make"
    )
    named = irkit(*options, "--columns", "user,item,count", "--split", "test").lines
    assert [line for line in done.lines if "looked at" not in line] == [
        line for line in named if "looked at" not in line
    ]
    refused = irkit(*options, "--columns", "user,item,rating", status=2).err
    assert "train.csv:28: user 'u0' rated item 'i1' in line 1 already" in refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["bm25-search", "lee", "--columns", "user,item"],
            "tune: --columns is for recommenders, and bm25 is none; leave",
        ),
        (["ease-search", "planted-factors", "--encoding", "latin-1"], "format and encoding are for a file of ratings"),
        (["ease-search", "lee"], "tune: lee: holds texts and no ratings, but ease learns from ratings; see irkit data"),
        (["bm25-search", "ml-100k"], "tune: ml-100k: holds ratings and no texts, but bm25 searches documents; see"),
        (["bm25-search", "lee", "-m", "RMSE"], "tune: RMSE is of predicted ratings, and bm25 ranks documents; choose"),
        (["ease-search", "planted-factors", "-m", "RMSE"], "tune: ease predicts no ratings, which RMSE needs"),
        (
            ["ease-search", "planted-factors", "--folds", "3"],
            "tune: --folds is for retrieval, and ease is a rec",
        ),
        (["bm25-search", "lee", "--valid", "0.2"], "tune: --valid is for recommenders, and bm25 is none; leave it out"),
        (["ease-search", "planted-factors", "--valid", "0"], "tune: valid must lie between 0 and 1, got 0"),
        (["ease-search", "planted-factors", "--split", "u1"], "planted-factors: has no split 'u1'"),
        (["ease-search", "planted-factors", "--split", "{kind: rnd}"], "tune: --split: kind is not valid, got 'rnd'"),
        (["ease-search", "planted-factor"], "did you mean planted-factors?"),
    ],
)
def test_mistakes_with_recommenders_are_said_in_one_line(irkit, arguments, message):
    done = irkit("tune", *arguments, status=2)
    assert message in done.err
    assert (done.err.count("\n"), done.out) == (1, "")

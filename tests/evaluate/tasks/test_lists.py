"""Tests of irkit.evaluate.tasks.lists: a board of lists has the figures of `irkit.evaluate` on the lists themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError
from irkit.evaluate import Suite, evaluate, run_suite
from irkit.evaluate.suite import SystemChoice
from irkit.evaluate.tasks.lists import ListTask, list_scores
from irkit.evaluate.tasks.ratings import RatingsChoice
from irkit.evaluate.tasks.task import Options
from irkit.hits import Hits
from irkit.pipeline.operators import normalise
from irkit.pipeline.stage import Stage
from irkit.recipe import list_recipes, load_recipe, setting_names
from irkit.recommend import ALS, EASE, Bias, DropSeen, Popularity
from irkit.recommend.lists import users_frame
from irkit.recommend.problems import Problem
from irkit.recommend.splits import RatingSplit, time_split
from tests.recommend.ratings_toy import random_table, table

MEASURES = ("nDCG@3", "P@10", "R@5", "R@50", "AP", "RR")
SPLIT = time_split(random_table(users=40, items=25, density=0.1, time=True, seed=3), fraction=0.4)
"With new users and new items in the test part."
RECIPES = [row.name for row in list_recipes() if row.kind == "recommend"]


def task_of(split=SPLIT, liked=3.0, candidates="rated"):
    choice = RatingsChoice(name="toy", split="u1", liked=liked, candidates=candidates)
    suite = Suite(name="toy", tasks=(choice,), measures=MEASURES)
    return ListTask(suite, choice, (Problem("toy", "Toys.", split, None, "fingerprint"),))


def expected(board, lists):
    """Measure lists, what is no candidate left out of them, by irkit.evaluate."""
    task = board.lists[0]
    item = task.items.rows(lists.docnos.names)[lists.doc]
    lists = lists.kept(~task.excluded[lists.query, item] | (item < 0))
    user, item = np.nonzero(task.relevant)
    pairs = {"qid": task.users.take(user).to_pylist(), "docno": task.items.take(item).to_pylist(), "label": 1}
    return evaluate(lists, pd.DataFrame(pairs), " ".join(MEASURES))


def assert_same(board, found, lists):
    want = expected(board, lists)
    got = pd.DataFrame(found.values, index=pd.Index(board.units(), name="qid"))
    pd.testing.assert_frame_equal(got, want.per_query.loc[got.index], check_index_type=False)
    empty = want.counts["without_results"]
    said = [note for note in found.notes if note.startswith("nothing listed")]
    assert [note.split()[3] for note in said] == ([str(empty)] if empty else [])


def measured(board, stage):
    return board.measured(stage, 0)


def lists_of(board, stage):
    return stage.run(users_frame(board.lists[0].users.names.to_pylist()))


def test_the_toy_has_new_users_and_new_items():
    train, task = SPLIT.train, task_of().lists[0]
    assert (train.users.rows(task.users.names) < 0).any()
    assert (train.items.rows(task.items.names) < 0).any()


@pytest.mark.parametrize("n", [2, 100])
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_measured_on_its_lists(name, n):
    recipe = load_recipe(f"recommend/{name}")
    few = {"epochs": 1, "mf_epochs": 1, "draws": 1, "burn_in": 0, "n": n, "k": n}
    few |= {"dns_epochs": 1, "rounds": 1, "discriminator_passes": 1, "generator_passes": 1}
    names = [full for full in setting_names(recipe.stages) if full.rpartition(".")[2] in few]
    stage = recipe.with_settings({full: few[full.rpartition(".")[2]] for full in names}).build().fit(SPLIT.train)
    board = task_of()
    assert_same(board, measured(board, stage), lists_of(board, stage))


@pytest.mark.parametrize(
    "pipeline",
    [
        Popularity() % 1,
        EASE(reg=5.0) % 3,
        EASE(reg=5.0, seen="keep") % 6 >> DropSeen(),
        EASE(reg=5.0) % 4 >> Bias().rater(),
        normalise(EASE(reg=5.0, n=3)) + 0.3 * normalise(Popularity(n=4, seen="keep")) >> DropSeen(),
        (EASE(reg=5.0) % 3) ** (ALS(embedding_size=2, epochs=1) % 3),
        EASE(reg=5.0, n=2) & Popularity(n=2),
        (Popularity() % 1) ^ (EASE(reg=5.0) % 3),
    ],
    ids=str,
)
def test_cut_filtered_and_fused_lists_are_measured_as_they_are(pipeline):
    board, stage = task_of(), pipeline.fit(SPLIT.train)
    assert_same(board, measured(board, stage), lists_of(board, stage))


class Listed(Stage):
    """Gives the lists it is made with."""

    name = "listed"
    takes = "queries"

    def __init__(self, rows):
        super().__init__()
        self.rows = pd.DataFrame(rows, columns=["qid", "docno", "score"]).astype({"qid": "str", "docno": "str"})

    def run(self, flow):
        return Hits.from_frame(self.rows, queries=flow)


@settings(max_examples=20, deadline=None)
@given(st.data())
@pytest.mark.parametrize("candidates", ["rated", "positives"])
def test_any_lists_have_the_figures_of_irkit_evaluate(candidates, data):
    board = task_of(candidates=candidates)
    users, items = board.lists[0].users.names.to_pylist()[:4], [*board.lists[0].items.names.to_pylist()[:8], "stranger"]
    pairs = st.tuples(st.sampled_from(users), st.sampled_from(items))
    rows = data.draw(st.dictionaries(pairs, st.integers(0, 3), max_size=20))
    stage = Listed([(user, item, float(score)) for (user, item), score in rows.items()])
    # A list's own strangers take no rank on a board: its candidates are the items of the ratings.
    lists = lists_of(board, stage)
    known = board.lists[0].items.rows(lists.docnos.names)[lists.doc] >= 0
    assert_same(board, measured(board, stage), lists.kept(known))


def test_a_list_of_one_item_without_a_hit_scores_nothing_on_paper():
    train = table([*[(f"u{k}", "i00", 5.0) for k in range(5)], ("u5", "i10", 5.0), ("u5", "i11", 5.0)])
    test = table([("u0", "i11", 5.0), ("u5", "i00", 5.0)])
    both = table([tuple(row) for part in (train, test) for row in part.frame().to_numpy()])
    held_out = np.arange(len(both)) >= len(train)
    board = task_of(RatingSplit("toy", {}, both, ~held_out, held_out))
    found = measured(board, (Popularity() % 1).fit(train))
    # u0 is listed i11 or i10, the tie rule says i11; u5 is listed i00.
    assert found.means == dict.fromkeys(MEASURES, 1.0) | {"P@10": 0.1}
    seen = measured(board, (Popularity(seen="keep") % 1).fit(train))
    # u0 has i00 already, which is no candidate, and is listed nothing else.
    assert [seen.values[name][board.units().index("u0")] for name in MEASURES] == [0.0] * len(MEASURES)
    assert list(seen.notes) == [
        "lists end at rank 1; a relevant item beyond it counts as not found",
        "nothing listed for 1 of 2 users, who count as 0",
    ]


def test_a_recommender_s_n_is_the_length_of_its_lists():
    board = task_of()
    short, long = (measured(board, Popularity(n=n).fit(SPLIT.train)) for n in (2, 1000))
    assert short.means["nDCG@3"] < long.means["nDCG@3"]
    assert short.means["R@50"] < long.means["R@50"]
    assert list(short.notes) == ["lists end at rank 2; a relevant item beyond it counts as not found"]
    assert not long.notes


def test_rows_count_who_gets_what_is_popular():
    rows = [("a", "x", 5.0), ("a", "y", 4.0), ("b", "x", 5.0), ("c", "y", 1.0), ("c", "z", 2.0)]
    both = table([*rows, ("a", "z", 5.0), ("c", "x", 5.0), ("new", "x", 5.0)])
    held_out = np.arange(len(both)) >= len(rows)
    board = task_of(RatingSplit("toy", {}, both, ~held_out, held_out))
    train = board.problem.split.train
    assert board.notes({})[1].endswith("1 of 3 users are new and get what is popular")
    assert measured(board, EASE().fit(train)).notes == ()
    note = "what is popular for 2 of 3 users: 1 new, 1 who like nothing"
    assert measured(board, EASE(threshold=4.0).fit(train)).notes == (note,)
    assert note in measured(board, (EASE(threshold=4.0) + Popularity()).fit(train)).notes
    assert measured(board, Popularity(threshold=4.0).fit(train)).notes == ()


def test_a_pipeline_that_saw_a_positive_is_refused_as_its_recommender_is():
    task = task_of().lists[0]
    seen = EASE(seen="keep").fit(SPLIT.ratings)
    for stage in (seen, seen % 3, normalise(seen) + normalise(Popularity().fit(SPLIT.train))):
        with pytest.raises(
            ConfigError, match=r"top_n: ease was fitted on \d+ of the \d+ positives, such as that of user"
        ):
            task.evaluate(list_scores(task, stage), "P@5")


def test_lists_over_folds_are_means_over_the_folds_that_a_user_is_in(monkeypatch):
    pairs = ["ax", "ay", "bx", "bz", "cx", "cy", "dy", "ez"]
    rated = table([(user, item, 5.0) for user, item in pairs])
    held_out = {"u1": ["ay", "bz"], "u2": ["ax", "cy"]}
    names = rated.frame()["user_id"] + rated.frame()["item_id"]
    problems = {}
    for name, test in held_out.items():
        in_test = names.isin(test).to_numpy()
        problems[name] = Problem("toy", "Toys.", RatingSplit("toy", {}, rated, ~in_test, in_test), None, "f")
    monkeypatch.setattr("irkit.evaluate.tasks.ratings.load_problem", lambda name, split: problems[split])
    choice = RatingsChoice(name="toy", split=("u1", "u2"), candidates="rated")
    system = SystemChoice(name="popularity", recipe="popularity")
    toy = Suite(name="toy", tasks=(choice,), systems=(system,), measures=("RR", "P@1"))
    board = run_suite(toy).boards[0]
    # Fold u1: x has 3 ratings, y 2, z 1. a is listed y z, of which y is liked; b is listed y z, and likes z.
    # Fold u2: x, y and z have 2. a is listed z x and likes x, c is listed z y and likes y: z first by the tie rule.
    (row,) = board.rows
    assert choice.load(toy, Options()).times == 4  # lists are made for a twice
    assert row.values == {"RR": {"a": 0.75, "b": 0.5, "c": 0.5}, "P@1": {"a": 0.5, "b": 0.0, "c": 0.0}}
    assert row.cells["RR"].mean == pytest.approx(1.75 / 3)
    assert row.cells["P@1"].mean == pytest.approx(0.5 / 3)
    assert row.cells["RR"].deviation == pytest.approx(np.std([0.75, 0.5], ddof=1))
    assert row.cells["P@1"].deviation == pytest.approx(np.std([0.5, 0.0], ddof=1))
    assert board.unit.number == 3
    assert "by fold: RR 0.7500, 0.5000, sd 0.1768; P@1 0.5000, 0.0000, sd 0.3536" in row.notes

"""Tests of irkit.evaluate.rulers: a board of lists has the figures of `irkit.evaluate` on the lists themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from irkit.evaluate.rulers import ListRuler

from irkit.evaluate import evaluate
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


def ruler(split=SPLIT, liked=3.0, candidates="rated"):
    return ListRuler.of(Problem("toy", "Toys.", split, None, "fingerprint"), MEASURES, liked, candidates)


def expected(board, lists):
    """Measure lists, what is no candidate left out of them, by irkit.evaluate."""
    task = board.task
    item = task.items.rows(lists.docnos.names)[lists.doc]
    lists = lists.kept(~task.excluded[lists.query, item] | (item < 0))
    user, item = np.nonzero(task.relevant)
    pairs = {"qid": task.users.take(user).to_pylist(), "docno": task.items.take(item).to_pylist(), "label": 1}
    return evaluate(lists, pd.DataFrame(pairs), " ".join(MEASURES))


def assert_same(board, found, lists):
    want = expected(board, lists)
    pd.testing.assert_frame_equal(
        found.evaluation.per_query, want.per_query.loc[found.evaluation.per_query.index], check_index_type=False
    )
    assert found.evaluation.counts["without_results"] == want.counts["without_results"]


def lists_of(board, stage):
    return stage.run(users_frame(board.task.users.names.to_pylist()))


def test_the_toy_has_new_users_and_new_items():
    train, task = SPLIT.train, ruler().task
    assert (train.users.rows(task.users.names) < 0).any()
    assert (train.items.rows(task.items.names) < 0).any()


@pytest.mark.parametrize("n", [2, 100])
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_measured_on_its_lists(name, n):
    recipe = load_recipe(f"recommend/{name}")
    few = {"epochs": 1, "mf_epochs": 1, "draws": 1, "burn_in": 0, "n": n, "k": n}
    names = [full for full in setting_names(recipe.stages) if full.rpartition(".")[2] in few]
    stage = recipe.with_settings({full: few[full.rpartition(".")[2]] for full in names}).build(train=SPLIT.train)
    board = ruler()
    assert_same(board, board.measure(stage), lists_of(board, stage))


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
    board, stage = ruler(), pipeline.fit(SPLIT.train)
    assert_same(board, board.measure(stage), lists_of(board, stage))


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
    board = ruler(candidates=candidates)
    users, items = board.task.users.names.to_pylist()[:4], [*board.task.items.names.to_pylist()[:8], "stranger"]
    pairs = st.tuples(st.sampled_from(users), st.sampled_from(items))
    rows = data.draw(st.dictionaries(pairs, st.integers(0, 3), max_size=20))
    stage = Listed([(user, item, float(score)) for (user, item), score in rows.items()])
    # A list's own strangers take no rank on a board: its candidates are the items of the ratings.
    lists = lists_of(board, stage)
    known = board.task.items.rows(lists.docnos.names)[lists.doc] >= 0
    assert_same(board, board.measure(stage), lists.kept(known))


def test_a_list_of_one_item_without_a_hit_scores_nothing_on_paper():
    train = table([*[(f"u{k}", "i00", 5.0) for k in range(5)], ("u5", "i10", 5.0), ("u5", "i11", 5.0)])
    test = table([("u0", "i11", 5.0), ("u5", "i00", 5.0)])
    both = table([tuple(row) for part in (train, test) for row in part.frame().to_numpy()])
    held_out = np.arange(len(both)) >= len(train)
    board = ruler(RatingSplit("toy", {}, both, ~held_out, held_out))
    found = board.measure((Popularity() % 1).fit(train))
    # u0 is listed i11 or i10, the tie rule says i11; u5 is listed i00.
    assert found.evaluation.means == dict.fromkeys(MEASURES, 1.0) | {"P@10": 0.1}
    seen = board.measure((Popularity(seen="keep") % 1).fit(train))
    # u0 has i00 already, which is no candidate, and is listed nothing else.
    assert seen.evaluation.per_query.loc["u0"].tolist() == [0.0] * len(MEASURES)
    assert seen.notes == [
        "lists end at rank 1; a relevant item beyond it counts as not found",
        "nothing listed for 1 of 2 users, who count as 0",
    ]


def test_a_recommender_s_n_is_the_length_of_its_lists():
    board = ruler()
    short, long = (board.measure(Popularity(n=n).fit(SPLIT.train)) for n in (2, 1000))
    assert short.evaluation.means["nDCG@3"] < long.evaluation.means["nDCG@3"]
    assert short.evaluation.means["R@50"] < long.evaluation.means["R@50"]
    assert short.notes == ["lists end at rank 2; a relevant item beyond it counts as not found"]
    assert long.notes == []


def test_rows_count_who_gets_what_is_popular():
    rows = [("a", "x", 5.0), ("a", "y", 4.0), ("b", "x", 5.0), ("c", "y", 1.0), ("c", "z", 2.0)]
    both = table([*rows, ("a", "z", 5.0), ("c", "x", 5.0), ("new", "x", 5.0)])
    held_out = np.arange(len(both)) >= len(rows)
    board = ruler(RatingSplit("toy", {}, both, ~held_out, held_out))
    train = board.problem.split.train
    assert board.notes()[1].endswith("1 of 3 users are new and get what is popular")
    assert board.measure(EASE().fit(train)).notes == []
    note = "what is popular for 2 of 3 users: 1 new, 1 who like nothing"
    assert board.measure(EASE(threshold=4.0).fit(train)).notes == [note]
    assert note in board.measure((EASE(threshold=4.0) + Popularity()).fit(train)).notes
    assert board.measure(Popularity(threshold=4.0).fit(train)).notes == []

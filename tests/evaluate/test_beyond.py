"""Tests of irkit.evaluate.beyond: by hand, equal to slow loops, within bounds, the same for any order of users."""

from itertools import combinations
from math import log2

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError
from irkit.evaluate import compare, evaluate, experiment, parse_measures
from irkit.evaluate.beyond import Catalogue, coverage, diversity, gini, novelty
from irkit.evaluate.toplists import top_n_task
from irkit.recommend import EASE, Popularity
from irkit.recommend.lists import users_frame
from irkit.recommend.splits import random_split
from tests.recommend.ratings_toy import random_table, table

TRAIN = table([("u", "a", 5.0), ("v", "a", 4.0), ("w", "a", 1.0), ("x", "a", 3.0), ("u", "b", 2.0), ("v", "c", 5.0)])
"Four users: a was rated by all, b by u, c by v."
BEYOND = "Coverage@2 Diversity@2 Gini@2 Novelty@2"


def run_of(rows):
    frame = pd.DataFrame(rows, columns=["qid", "docno"]).astype("str")
    return frame.assign(score=-np.arange(len(frame), dtype=float))


QRELS = pd.DataFrame({"qid": ["u", "v"], "docno": ["c", "b"], "label": 1}).astype({"qid": "str", "docno": "str"})
RUN = run_of([("u", "a"), ("u", "c"), ("u", "b"), ("v", "a"), ("v", "b")])


def test_on_paper():
    found = evaluate(RUN, QRELS, BEYOND, train=TRAIN)
    assert found.means["Coverage@2"] == 1.0  # a, c and b of three
    # exposure b 1, c 1, a 2: ((2 - 4) 1 + (4 - 4) 1 + (6 - 4) 2) / (3 * 4)
    assert found.means["Gini@2"] == pytest.approx(2 / 12)
    # p(a) = 4/4, p(b) = p(c) = 1/4: 0, 2 and 2 bits
    assert found.per_query["Novelty@2"].to_dict() == {"u": 1.0, "v": 1.0}
    # a and c have one rater of 4 and of 1 in common: cosine 1 / sqrt(4 * 1)
    assert found.per_query["Diversity@2"].tolist() == pytest.approx([0.5, 0.5])
    assert found.measures == ("Coverage@2", "Diversity@2", "Gini@2", "Novelty@2")
    assert list(found.per_query) == ["Diversity@2", "Novelty@2"]
    deeper = evaluate(RUN, QRELS, "Diversity@3 Coverage@1", train=TRAIN)
    assert deeper.per_query.loc["u", "Diversity@3"] == pytest.approx((0.5 + 0.5 + 1) / 3)  # b and c have none
    assert deeper.means["Coverage@1"] == pytest.approx(1 / 3)


def test_empty_and_short_lists_and_items_outside_the_catalogue():
    found = evaluate(run_of([("u", "new"), ("u", "a")]), QRELS, BEYOND, train=TRAIN)
    assert found.per_query["Novelty@2"].to_dict() == {"u": 1.0, "v": 0.0}  # new as if one user had rated it
    assert found.per_query["Diversity@2"].to_dict() == {"u": 1.0, "v": 0.0}  # new is like no other
    assert found.means["Coverage@2"] == pytest.approx(1 / 3)
    assert found.means["Gini@2"] == pytest.approx(1 - 1 / 3)  # a has all places of the catalogue
    alone = evaluate(run_of([("u", "a")]), QRELS, "Diversity@2", train=TRAIN)
    assert alone.per_query["Diversity@2"].tolist() == [0.0, 0.0]
    nothing = evaluate(RUN[:0], QRELS, BEYOND, train=TRAIN).means
    assert nothing == {"Coverage@2": 0.0, "Diversity@2": 0.0, "Gini@2": 1.0, "Novelty@2": 0.0}


@st.composite
def lists_of(draw, items=6):
    rows = draw(st.lists(st.lists(st.integers(0, items), unique=True, max_size=4), min_size=1, max_size=6))
    return np.array([row + [-1] * (4 - len(row)) for row in rows])


CATALOGUE = Catalogue.of(random_table(users=9, items=6, density=0.5, seed=2))


@settings(max_examples=60, deadline=None)
@given(lists=lists_of())
def test_every_measure_is_that_of_a_slow_loop(lists):
    items, raters = len(CATALOGUE.items), CATALOGUE.raters.tolist()
    dense = CATALOGUE.vectors.toarray()
    count = [int((lists == item).sum()) for item in range(items)]
    assert coverage(lists, items) == sum(c > 0 for c in count) / items
    if sum(count):  # half the mean absolute difference over the mean
        apart = sum(abs(a - b) for a in count for b in count) / items**2
        assert gini(lists, items) == pytest.approx(apart / (2 * sum(count) / items))
    for row, bits, apart in zip(
        lists, novelty(lists, CATALOGUE.raters, 9), diversity(lists, CATALOGUE.vectors), strict=True
    ):
        own = [item for item in row.tolist() if item >= 0]
        each = [-log2((raters[item] if item < items else 1) / 9) for item in own]
        assert bits == pytest.approx(sum(each) / len(each) if each else 0.0)
        pairs = [1 - float(dense[a] @ dense[b]) for a, b in combinations(own, 2)]
        assert apart == pytest.approx(sum(pairs) / len(pairs) if pairs else 0.0, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(lists=lists_of(), seed=st.integers(0, 9))
def test_bounds_and_any_order_of_users(lists, seed):
    items = len(CATALOGUE.items)
    order = np.random.default_rng(seed).permutation(len(lists))
    for name in ("Coverage", "Gini", "Novelty", "Diversity"):
        value, other = CATALOGUE.measure(name, lists), CATALOGUE.measure(name, lists[order])
        if isinstance(value, float):
            assert value == other
        else:
            np.testing.assert_array_equal(value[order], other)
        assert np.min(value) >= 0
        assert np.max(value) <= (log2(9) if name == "Novelty" else 1) + 1e-12
    if (lists < items).any() and (lists[lists >= 0] < items).any():
        assert gini(lists, items) <= 1 - 1 / items + 1e-12


@pytest.mark.parametrize("items", [1, 2, 7])
def test_gini_of_equal_exposure_and_of_one_item(items):
    assert gini(np.arange(items)[None], items) == 0
    assert gini(np.zeros((5, 1), dtype=int), items) == pytest.approx(1 - 1 / items)
    assert coverage(np.arange(items)[:, None], items) == 1


def test_diversity_takes_any_item_vectors():
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])
    assert diversity(np.array([[0, 1, -1], [0, 1, 2], [0, 3, -1]]), vectors).tolist() == pytest.approx([0, 2 / 3, 2])


# ---------------------------------------------------------------------- where they are measured

SPLIT = random_split(random_table(users=25, items=30, density=0.5), 0.4)
MANY = "Coverage@3 Diversity@5 Gini@10 Novelty@3 Success@2 HitRate@3 nDCG@3"


@pytest.mark.parametrize("n", [2, 4, None])
@pytest.mark.parametrize("kind", ["distinct", "ties"])
def test_a_task_and_its_lists_have_the_same_figures(kind, n):
    task = top_n_task(SPLIT.train, SPLIT.test)
    scores = np.random.default_rng(0).normal(size=task.relevant.shape)
    scores = np.round(scores) if kind == "ties" else scores
    users, items = task.users.names.to_pylist(), task.items.names.to_pylist()
    rows = []
    for u, user in enumerate(users):
        candidates = [i for i in range(len(items)) if not task.excluded[u, i]]
        candidates.sort(key=lambda i: items[i], reverse=True)
        candidates.sort(key=lambda i: -scores[u, i])  # stable: ties keep ids descending
        rows += [(user, items[i]) for i in candidates[:n]]
    user, item = np.nonzero(task.relevant)
    qrels = pd.DataFrame({"qid": [users[u] for u in user], "docno": [items[i] for i in item], "label": 1})
    want = evaluate(run_of(rows), qrels, MANY, train=SPLIT.train)
    got = task.evaluate(scores, MANY, n=n)
    assert got.measures == want.measures == tuple(MANY.replace("HitRate", "Success").split())
    assert got.means == pytest.approx(want.means, abs=1e-12)
    pd.testing.assert_frame_equal(got.per_query, want.per_query.loc[got.per_query.index], check_index_type=False)


def test_batches_of_users_change_nothing(monkeypatch):
    task = top_n_task(SPLIT.train, SPLIT.test)
    scores = np.round(np.random.default_rng(0).normal(size=task.relevant.shape))
    whole = task.listed(scores, 5)
    monkeypatch.setattr("irkit.evaluate.toplists.CELLS", 70)
    np.testing.assert_array_equal(task.listed(scores, 5), whole)


def test_a_comparison_has_no_test_and_no_interval_of_what_users_have_no_value_of():
    other = run_of([("u", "a"), ("u", "b"), ("v", "a"), ("v", "b")])
    found = compare({"one": RUN, "two": other}, QRELS, "Gini@2 Novelty@2", train=TRAIN)
    cell = found.cells["two"]["Gini@2"]
    nothing = (cell.low, cell.high, cell.p, cell.p_corrected, cell.p_wilcoxon, cell.p_randomisation, cell.wins)
    assert nothing == (None,) * 7
    assert cell.delta == pytest.approx(cell.mean - found.cells["one"]["Gini@2"].mean)
    assert found.cells["two"]["Novelty@2"].p == 1.0
    block = str(found).split("\n\n")[0].splitlines()
    assert block[3].split() == ["two", f"{cell.mean:.4f}", f"{cell.delta:+.4f}"]
    with pytest.raises(ConfigError, match="Gini@2 is of all lists together, and no query has a value of it"):
        found.per_query("Gini@2")


def test_an_experiment_of_recommenders_has_a_board_of_them():
    train, test = SPLIT.train, SPLIT.test.kept(SPLIT.test.rating >= 4)
    qrels = (
        test.frame().rename(columns={"user_id": "qid", "item_id": "docno"}).assign(label=1)[["qid", "docno", "label"]]
    )
    systems = {"popular": Popularity().fit(train), "ease": EASE(reg=5.0).fit(train)}
    users = users_frame(sorted(set(qrels["qid"])))
    done = experiment(systems, users, qrels, "Success@3 Coverage@3 Gini@3", baseline="popular", train=train)
    board = done.to_board(data="toy")
    assert [(m.name, m.lower, m.whole) for m in board.measures] == [
        ("Success@3", False, False), ("Coverage@3", False, True), ("Gini@3", True, True),
    ]  # fmt: skip
    assert (board.rows[0].values["Gini@3"], len(board.rows[0].values["Success@3"])) == ({}, len(users))
    assert list(done.per_query) == ["system", "qid", "Success@3"]
    assert done.frame()["Gini@3 p"].isna().all()
    assert board.rows[1].cells["Coverage@3"].mean > board.rows[0].cells["Coverage@3"].mean
    assert "Gini@3" in str(done)


# ---------------------------------------------------------------------- errors


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match=r"Gini@5 is of lists of recommendations and needs the ratings .* give train"):
        evaluate(RUN, QRELS, "AP Gini@5")
    with pytest.raises(ConfigError, match="experiment: Coverage@5 is of lists"):
        experiment({"a": Popularity().fit(TRAIN)}, ["x"], QRELS, "Coverage@5")
    with pytest.raises(ConfigError, match=r"'Coverage' needs cutoff .*write @10 after it"):
        parse_measures("Coverage")
    with pytest.raises(ConfigError, match="did you mean Diversity@5"):
        parse_measures("diversity@5")
    with pytest.raises(ConfigError, match="has no parameter 'rel'"):
        parse_measures("Gini(rel=2)@5")

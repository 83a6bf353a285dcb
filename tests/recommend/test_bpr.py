"""Tests of irkit.recommend.bpr and dns."""

import numpy as np
import pytest

from irkit.errors import ConfigError, DivergedError
from irkit.recommend.bpr import BPR, NotLiked, bpr_step
from irkit.recommend.dns import DNS, hardest
from tests.recommend.ratings_toy import random_table, table
from tests.recommend.test_biased_mf import numeric_gradient
from tests.recommend.test_ranker import precision_by_hand


def bpr_objective(p, q, b, user, positive, negative, reg):
    """The objective on some triples (m,); it is maximised."""
    rows = p[user], q[positive], q[negative]
    difference = np.einsum("md,md->m", rows[0], rows[1] - rows[2]) + b[positive] - b[negative]
    squares = sum(float((part**2).sum()) for part in (*rows, b[positive], b[negative]))
    return float(-np.logaddexp(0, -difference).sum() - 0.5 * reg * squares)


def drawn(seed=0):
    rng = np.random.default_rng(seed)
    p, q, b = rng.normal(size=(4, 3)), rng.normal(size=(5, 3)), rng.normal(size=5)
    return p, q, b, rng.integers(0, 4, 8), rng.integers(0, 2, 8), rng.integers(2, 5, 8)


def test_the_objective_on_paper():
    p, q, b = np.array([[2.0]]), np.array([[1.0], [-1.0]]), np.array([0.5, 0.0])
    zero, one = np.array([0]), np.array([1])
    x = 2 * 1 + 0.5 - (2 * -1 + 0)
    got = bpr_objective(p, q, b, zero, zero, one, reg=0.1)
    assert got == pytest.approx(np.log(1 / (1 + np.exp(-x))) - 0.05 * (4 + 1 + 1 + 0.25))


def test_a_step_climbs_the_gradient_of_the_objective():
    p, q, b, user, positive, negative = drawn()
    after = [part.copy() for part in (p, q, b)]
    bpr_step(*after, user, positive, negative, rate=1e-3, reg=0.2)

    def objective(p, q, b):
        return bpr_objective(p, q, b, user, positive, negative, 0.2)

    slopes = [
        numeric_gradient(lambda v: objective(v, q, b), p),
        numeric_gradient(lambda v: objective(p, v, b), q),
        numeric_gradient(lambda v: objective(p, q, v), b),
    ]
    for before, now, slope in zip((p, q, b), after, slopes, strict=True):
        np.testing.assert_allclose((now - before) / 1e-3, slope, atol=1e-6)


def test_negatives_are_never_positives_and_uniform_over_the_rest():
    ratings = random_table(users=6, items=8)
    others = NotLiked(ratings)
    user = np.repeat(np.arange(6), 4000)
    got = others.draw(user, 2, np.random.default_rng(0))
    rated = ratings.matrix_of_ones.toarray() > 0
    assert not rated[user[:, None], got].any()
    for u in range(6):
        counts = np.bincount(got[user == u].ravel(), minlength=8)[~rated[u]]
        np.testing.assert_allclose(counts / 8000, 1 / (~rated[u]).sum(), atol=0.02)


def test_a_user_who_likes_every_item_teaches_nothing_and_alone_is_an_error():
    rows = [("a", "x", 1.0), ("a", "y", 1.0), ("b", "x", 1.0)]
    model = BPR(epochs=2).fit(table(rows))
    assert np.isfinite(model.scores(np.array([0, 1]))).all()
    with pytest.raises(ConfigError, match="every user likes every item"):
        BPR().fit(table(rows[:2]))


def test_the_hardest_is_the_best_scored_of_those_drawn():
    p, q, b, user, *_ = drawn()
    items = np.random.default_rng(1).integers(0, 5, (8, 4))
    got = hardest(p, q, b, user, items)
    for m in range(8):
        scores = [p[user[m]] @ q[j] + b[j] for j in items[m]]
        assert got[m] == int(np.argmax(scores))


def test_dns_with_one_candidate_is_bpr_draw_for_draw():
    ratings = random_table(users=20, items=15, density=0.3)
    settings = {"embedding_size": 3, "epochs": 4, "reg": 0.02}
    one, two = BPR(**settings).fit(ratings), DNS(candidates=1, **settings).fit(ratings)
    np.testing.assert_array_equal(one.user_factors_, two.user_factors_)
    np.testing.assert_array_equal(one.item_deviations_, two.item_deviations_)
    assert not np.array_equal(one.user_factors_, DNS(candidates=3, **settings).fit(ratings).user_factors_)


@pytest.mark.parametrize(
    "model", [BPR(embedding_size=4, batch_size=16), DNS(reg=0.02, batch_size=16)], ids=["bpr", "dns"]
)
def test_two_planted_blocks_are_told_apart(model):
    rng = np.random.default_rng(0)
    has = (rng.random((60, 40)) < 0.5) & (np.arange(60)[:, None] % 2 == np.arange(40) % 2)
    held = has & (rng.random((60, 40)) < 0.2)
    train = table([(f"u{u}", f"i{i}", 1.0) for u, i in np.argwhere(has & ~held)])
    fitted = model.fit(train)
    scores = fitted.scores(train.users.rows([f"u{u}" for u in range(60)]))
    scores = scores[:, train.items.rows([f"i{i}" for i in range(40)])]
    areas = []
    for u in range(60):
        good, bad = scores[u, held[u]], scores[u, np.arange(40) % 2 != u % 2]
        if len(good):
            areas.append((good[:, None] > bad).mean())
    assert np.mean(areas) > 0.95


def test_divergence_is_an_error():
    with pytest.raises(DivergedError, match="bpr: learning diverged in epoch"):
        BPR(learning_rate=1e3, reg=10.0, epochs=200).fit(random_table())


# ---------------------------------------------------------------- held-out ratings

TRAIN = random_table(users=30, items=20, density=0.3)
VALID = random_table(users=30, items=20, density=0.1, seed=1)
QUICK = {"embedding_size": 3, "learning_rate": 0.2, "threshold": 3.0, "batch_size": 32}


@pytest.mark.parametrize("kind", [BPR, DNS], ids=["bpr", "dns"])
def test_the_pass_with_the_best_held_out_precision_counts_and_of_equal_ones_the_first(kind):
    after = [kind(epochs=epochs, **QUICK).fit(TRAIN) for epochs in range(1, 13)]
    found = [precision_by_hand(one, VALID, 3.0) for one in after]
    best = int(np.argmax(found))
    assert found[best] > max(found[0], found[-1]), "else this test sees nothing"
    chosen = kind(epochs=12, **QUICK).fit(TRAIN, VALID)
    for name in ("user_factors_", "item_factors_", "item_deviations_"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(after[best], name))


def test_learning_stops_after_so_many_passes_without_a_better_one(monkeypatch):
    found = iter([0.1, 0.3, 0.2, 0.3, 0.25, 0.9])
    monkeypatch.setattr(BPR, "held_out_precision", lambda self, valid: found.__next__)
    fitted = BPR(epochs=6, patience=3, **QUICK).fit(TRAIN, VALID)
    assert next(found) == 0.9, "the sixth pass is not begun"
    monkeypatch.undo()
    second = BPR(epochs=2, **QUICK).fit(TRAIN)
    np.testing.assert_array_equal(fitted.user_factors_, second.user_factors_)


def test_without_a_held_out_item_that_is_liked_all_passes_count():
    one = BPR(epochs=3, patience=1, **QUICK).fit(TRAIN, table([("u1", "i1", 1.0)], scale=(1, 5)))
    np.testing.assert_array_equal(one.user_factors_, BPR(epochs=3, **QUICK).fit(TRAIN).user_factors_)

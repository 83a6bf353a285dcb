"""Tests of irkit.recommend.als and normal."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from irkit.recommend import normal
from irkit.recommend.als import ALS, Seen, improve_side, solve_side
from tests.recommend.ratings_toy import random_table, table


def als_loss(x: csr_matrix, users: np.ndarray, items: np.ndarray, alpha: float, reg: float) -> float:
    """The objective over every cell, seen or not; cells are counts, or ones."""
    seen = x.toarray() > 0
    predicted = users @ items.T
    confidence = 1 + alpha * x.toarray()
    return float((confidence * (seen - predicted) ** 2).sum() + reg * ((users**2).sum() + (items**2).sum()))


@pytest.mark.parametrize("cells", [1 << 22, 20])
def test_grams_are_sums_of_outer_products_in_blocks_of_any_size(cells, monkeypatch):
    monkeypatch.setattr(normal, "CELLS", cells)
    rng = np.random.default_rng(0)
    x = rng.random((7, 5)) * (rng.random((7, 5)) < 0.6)
    x[3] = 0
    y = rng.normal(size=(5, 3))
    blocks = list(normal.grams(csr_matrix(x), y))
    assert sorted(np.concatenate([rows for rows, _ in blocks])) == list(range(7))
    got = {u: gram for rows, grams in blocks for u, gram in zip(rows.tolist(), grams, strict=True)}
    for u in range(7):
        want = sum((x[u, i] * np.outer(y[i], y[i]) for i in range(5)), np.zeros((3, 3)))
        np.testing.assert_allclose(got[u], want, atol=1e-12)


def test_many_small_systems_are_solved_one_by_one():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(5, 3, 3))
    left, right = root @ root.transpose(0, 2, 1) + np.eye(3), rng.normal(size=(5, 3))
    want = np.linalg.solve(left, right[:, :, None])[:, :, 0]
    np.testing.assert_allclose(normal.solve_each(left, right), want, rtol=1e-12)
    np.testing.assert_allclose(normal.solve_each(left.astype("f"), right.astype("f")), want, rtol=1e-3, atol=1e-5)
    singular = np.array([[[1.0, 1.0], [1.0, 1.0]]])
    np.testing.assert_allclose(normal.solve_each(singular, np.array([[2.0, 2.0]])), [[1, 1]])


def test_one_side_is_the_minimiser_of_the_objective():
    x = random_table(users=4, items=5).matrix_of_ones
    items = np.random.default_rng(1).normal(size=(5, 2))

    def objective(flat):
        return als_loss(x, flat.reshape(4, 2), items, 3.0, 0.7)

    direct = minimize(objective, np.zeros(8), method="BFGS", options={"gtol": 1e-9}).x.reshape(4, 2)
    np.testing.assert_allclose(solve_side(x, items, 3.0, 0.7), direct, atol=1e-5)


def test_the_loss_on_paper():
    x = csr_matrix(np.array([[1.0, 0.0]]))
    users, items = np.array([[0.5]]), np.array([[1.0], [2.0]])
    assert als_loss(x, users, items, alpha=3.0, reg=0.1) == pytest.approx(4 * 0.25 + 1 * 1 + 0.1 * (0.25 + 5))


def test_the_loss_never_rises():
    x = random_table(users=20, items=15, density=0.3).matrix_of_ones
    items = np.random.default_rng(0).normal(size=(15, 4))
    users = np.zeros((20, 4))
    losses = [als_loss(x, users, items, 2.0, 0.5)]
    for _ in range(6):
        users = solve_side(x, items, 2.0, 0.5)
        losses.append(als_loss(x, users, items, 2.0, 0.5))
        items = solve_side(x.T.tocsr(), users, 2.0, 0.5)
        losses.append(als_loss(x, users, items, 2.0, 0.5))
    assert (np.diff(losses) <= 1e-9).all()


def test_the_model_tells_two_groups_of_users_apart_and_is_the_same_for_one_seed():
    rng = np.random.default_rng(0)
    group = np.arange(30) % 2
    rows = [(f"u{u}", f"i{i}", 1.0) for u in range(30) for i in range(20) if i % 2 == group[u] and rng.random() < 0.6]
    train = table(rows)
    model = ALS(embedding_size=2, reg=1.0).fit(train)
    scores = model.scores(np.arange(len(train.users)))
    own = np.array([int(train.items[i][1:]) % 2 for i in range(len(train.items))])
    for u in range(len(train.users)):
        mine = own == int(train.users[u][1:]) % 2
        assert scores[u][mine].min() > scores[u][~mine].max()
    np.testing.assert_array_equal(ALS(embedding_size=2, reg=1.0).fit(train).user_factors_, model.user_factors_)
    assert model.score(np.array([3]), np.array([2]), None)[0] == pytest.approx(scores[3, 2], abs=1e-6)


def a_side(users=7, items=9, size=3):
    rng = np.random.default_rng(2)
    x = (rng.random((users, items)) < 0.4).astype(np.float32)
    x[3] = 0
    return csr_matrix(x), rng.normal(size=(users, size)).astype("f"), rng.normal(size=(items, size)).astype("f")


def test_products_and_sums_are_those_of_the_seen_cells():
    x, users, items = a_side()
    seen = Seen(x)
    where = x.nonzero()
    products = seen.products(torch.from_numpy(users), torch.from_numpy(items))
    np.testing.assert_allclose(products, (users @ items.T)[where], rtol=1e-5)
    weighted = csr_matrix((np.arange(x.nnz, dtype="f"), x.indices, x.indptr), x.shape)
    sums = seen.sums(torch.arange(x.nnz).float(), torch.from_numpy(items))
    np.testing.assert_allclose(sums, weighted @ items, rtol=1e-5)


def improved(steps: int, alpha: float = 3.0, reg: float = 0.7) -> np.ndarray:
    x, users, items = a_side()
    return improve_side(Seen(x), torch.from_numpy(users), torch.from_numpy(items), alpha, reg, steps).numpy()


@pytest.mark.parametrize("steps", [3, 8])
def test_as_many_steps_as_factors_solve_a_side_and_more_leave_it_alone(steps):
    x, _, items = a_side()
    np.testing.assert_allclose(improved(steps), solve_side(x, items, 3.0, 0.7), rtol=2e-3, atol=1e-4)


def test_the_first_step_goes_down_the_gradient_to_the_lowest_point_of_that_line():
    x, users, items = a_side()
    items, users = items.astype(float), users.astype(float)
    for u, got in enumerate(improved(1)):
        mine = items[x[u].indices]
        left = items.T @ items + 3.0 * mine.T @ mine + 0.7 * np.eye(3)
        down = 4.0 * mine.sum(0) - left @ users[u]
        np.testing.assert_allclose(got, users[u] + (down @ down) / (down @ left @ down) * down, rtol=1e-4, atol=1e-5)


def test_the_loss_falls_with_every_step():
    x, users, items = a_side()
    losses = [als_loss(x, users, items, 3.0, 0.7)] + [als_loss(x, improved(k), items, 3.0, 0.7) for k in (1, 2, 3)]
    assert (np.diff(losses) < 0).all()


def test_no_steps_solve_exactly_and_a_few_come_near():
    train = random_table(users=30, items=20, density=0.3)
    exact, near = (ALS(embedding_size=4, cg_steps=k, reg=1.0).fit(train) for k in (0, 3))
    x, items = train.matrix_of_ones, exact.item_factors_
    np.testing.assert_allclose(items, solve_side(x.T.tocsr(), exact.user_factors_, 1.0, 1.0), atol=1e-5)
    losses = [als_loss(x, model.user_factors_, model.item_factors_, 1.0, 1.0) for model in (exact, near)]
    assert losses[1] == pytest.approx(losses[0], rel=0.01)


COUNTS = np.array([[3.0, 0, 1, 0], [0, 7, 0, 2], [1, 1, 0, 40]])


def dense_side(counts: np.ndarray, y: np.ndarray, alpha: float, reg: float) -> np.ndarray:
    """Hu, Koren and Volinsky, equation 4, user by user: x_u = (Y' C_u Y + reg I)^-1 Y' C_u p_u."""
    out = []
    for r in counts:
        c = np.diag(1 + alpha * r)
        out.append(np.linalg.solve(y.T @ c @ y + reg * np.eye(y.shape[1]), y.T @ c @ (r > 0)))
    return np.array(out)


def test_counts_are_confidence_as_on_paper():
    y = np.random.default_rng(3).normal(size=(4, 2))
    want = dense_side(COUNTS, y, 0.5, 0.3)
    np.testing.assert_allclose(solve_side(csr_matrix(COUNTS), y, 0.5, 0.3), want, rtol=1e-12)
    x = csr_matrix(COUNTS.astype("f"))
    start, items = torch.zeros(3, 2), torch.from_numpy(y.astype("f"))
    np.testing.assert_allclose(improve_side(Seen(x), start, items, 0.5, 0.3, 2).numpy(), want, rtol=1e-3, atol=1e-5)
    ones = (COUNTS > 0).astype(float)
    np.testing.assert_allclose(solve_side(csr_matrix(ones), y, 0.5, 0.3), dense_side(ones, y, 0.5, 0.3), rtol=1e-12)


@pytest.mark.parametrize("steps", [0, 2])
def test_a_model_of_counts_is_fitted_to_them_and_one_of_ratings_to_ones(steps):
    rows = [(f"u{u}", f"i{i}", COUNTS[u, i]) for u, i in zip(*COUNTS.nonzero(), strict=True)]
    config = {"embedding_size": 2, "reg": 0.3, "alpha": 0.5, "epochs": 3, "cg_steps": steps}
    counted = ALS(**config).fit(table(rows, counts=True))
    train = counted.fitted
    want = dense_side(train.matrix.T.toarray(), counted.user_factors_, 0.5, 0.3)
    np.testing.assert_allclose(counted.item_factors_, want, rtol=5e-3, atol=1e-4)
    rated, ones = (ALS(**config).fit(table(some)) for some in (rows, [(u, i, 1.0) for u, i, _ in rows]))
    np.testing.assert_array_equal(rated.item_factors_, ones.item_factors_)
    assert not np.allclose(counted.item_factors_, rated.item_factors_, rtol=0.1)
    all_one = ALS(**config).fit(table([(u, i, 1.0) for u, i, _ in rows], counts=True))
    np.testing.assert_array_equal(all_one.item_factors_, rated.item_factors_)


def test_a_model_of_counts_is_saved_as_such(tmp_path):
    counted = ALS(embedding_size=2).fit(table([("a", "x", 3.0), ("b", "y", 1.0)], counts=True))
    counted.save(tmp_path / "als.safetensors")
    assert ALS.load(tmp_path / "als.safetensors").fitted.counts

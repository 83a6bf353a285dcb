"""Tests of irkit.recommend.cfnade."""

from itertools import permutations, product

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError
from irkit.learn import slices
from irkit.recommend import cfnade_net
from irkit.recommend.base import Recommender
from irkit.recommend.cfnade import CFNADE, level_bias, random_split
from irkit.recommend.cfnade_net import (
    Entries,
    cell_costs,
    hidden_units,
    level_costs,
    level_scores,
    rating_costs,
    split_costs,
)
from tests.recommend.ratings_toy import frame, random_table, table

K, M, H = 5, 4, 3
forms = pytest.mark.parametrize("form", [rating_costs, cell_costs])


def weights(levels=K, columns=M, hidden=H, width=None, layers=1, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {
        "input": (levels, columns, width or hidden),
        "hidden_bias_1": (hidden,),
        "output": (levels, columns, width or hidden),
        "level_bias": (levels, columns),
    }
    if width:
        shapes |= {"input_mixer": (width, hidden), "output_mixer": (width, hidden)}
    for layer in range(2, layers + 1):
        shapes |= {f"hidden_{layer}": (hidden, hidden), f"hidden_bias_{layer}": (hidden,)}
    return {name: torch.tensor(rng.normal(size=shape)) for name, shape in shapes.items()}


def one_row(column, level):
    return Entries(torch.zeros(len(column), dtype=torch.int64), torch.tensor(column), torch.tensor(level), 1)


def slow_probabilities(w, given, column, shared=True, layers=1):
    """p(r_column = k | given), every sum written out; `given` is a list of (column, level)."""
    w = {name: values.numpy() for name, values in w.items()}
    a = np.zeros(w["input"].shape[2])
    for j, k in given:
        a += sum(w["input"][t, j] for t in range(k + 1)) if shared else w["input"][k, j]
    a = a @ w["input_mixer"] if "input_mixer" in w else a
    h = np.tanh(w["hidden_bias_1"] + a)
    for layer in range(2, layers + 1):
        h = np.tanh(w[f"hidden_bias_{layer}"] + w[f"hidden_{layer}"] @ h)
    h = w["output_mixer"] @ h if "output_mixer" in w else h
    step = [w["level_bias"][k, column] + w["output"][k, column] @ h for k in range(len(w["input"]))]
    s = [sum(step[: k + 1]) if shared else step[k] for k in range(len(step))]
    return np.exp(s) / np.exp(s).sum()


def slow_cost(s, k):
    """The ordinal cost as products of ratios; k counts from 1."""
    e, size = np.exp(s), len(s)
    down = np.prod([e[j - 1] / e[:j].sum() for j in range(k, 0, -1)])
    up = np.prod([e[j - 1] / e[j - 1 :].sum() for j in range(k, size + 1)])
    return -np.log(down) - np.log(up)


# ---------------------------------------------------------------- costs


def test_costs_are_the_brute_force_formula():
    scores = np.random.default_rng(1).normal(size=(K, K))
    for share in (0.0, 0.3, 1.0):
        fast = level_costs(torch.tensor(scores), torch.arange(K), share)
        for k in range(K):
            regular = -np.log(np.exp(scores[k, k]) / np.exp(scores[k]).sum())
            want = (1 - share) * regular + share * slow_cost(scores[k], k + 1)
            assert fast[k].item() == pytest.approx(want, rel=1e-12)


def test_the_ordinal_cost_on_paper():
    # Three levels with scores 0, log 3 and 0, the true one the first: it ranks 1, 2, 3 from below.
    scores, level = torch.tensor([[0.0, np.log(3), 0.0]], dtype=torch.float64), torch.tensor([0])
    assert level_costs(scores, level).item() == pytest.approx(-np.log(1 / 5) - np.log(3 / 4))


def test_of_two_levels_the_ordinal_cost_is_the_regular_one():
    scores, level = torch.tensor(np.random.default_rng(2).normal(size=(6, 2))), torch.tensor([0, 1, 0, 1, 0, 1])
    torch.testing.assert_close(level_costs(scores, level, 1.0), level_costs(scores, level, 0.0))


# ---------------------------------------------------------------- conditionals and the joint


def ordered_log_prob(weights, column, level, shared=True):
    """log p(r) of one row exactly, its ratings (D,) taken in the order given."""
    size = len(column)
    later, earlier = torch.tril_indices(size, size, offset=-1)
    # One row for each conditional, given the ratings before it.
    hidden = hidden_units(weights, Entries(later, column[earlier], level[earlier], size), shared)
    scores = level_scores(weights, hidden, torch.arange(size), column, shared)
    return -level_costs(scores, level, ordinal_weight=0.0).sum()


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("width", "layers"), [(None, 1), (2, 1), (None, 3)])
def test_conditionals_are_those_of_the_loop(shared, width, layers):
    w = weights(width=width, layers=layers)
    given = Entries(torch.tensor([0, 0, 2]), torch.tensor([1, 3, 0]), torch.tensor([4, 0, 2]), 3)
    hidden = hidden_units(w, given, shared)
    sets = [[(1, 4), (3, 0)], [], [(0, 2)]]
    for row in range(3):
        for column in range(M):
            s = level_scores(w, hidden, torch.tensor([row]), torch.tensor([column]), shared)
            p = s.softmax(1)[0].numpy()
            assert p.sum() == pytest.approx(1, abs=1e-12)
            np.testing.assert_allclose(p, slow_probabilities(w, sets[row], column, shared, layers), rtol=1e-10)


@pytest.mark.parametrize("options", [{}, {"width": 2, "layers": 2}])
@pytest.mark.parametrize("shared", [True, False])
def test_under_each_ordering_the_joint_of_three_ratings_sums_to_one(options, shared):
    w = weights(**options)
    for order in permutations([0, 1, 3]):
        column = torch.tensor(order)
        total = sum(
            ordered_log_prob(w, column, torch.tensor(level), shared).exp() for level in product(range(K), repeat=3)
        )
        assert total.item() == pytest.approx(1, abs=1e-12)


def test_the_joint_is_the_product_of_conditionals():
    w = weights()
    row = [(2, 4), (0, 1), (3, 0)]
    want = sum(np.log(slow_probabilities(w, row[:d], row[d][0])[row[d][1]]) for d in range(3))
    got = ordered_log_prob(w, torch.tensor([2, 0, 3]), torch.tensor([4, 1, 0]))
    assert got.item() == pytest.approx(want, rel=1e-12)


def test_without_weights_between_ratings_all_orderings_give_one_joint():
    w = weights()
    w["output"].zero_()
    column, level = np.array([0, 1, 3]), np.array([4, 2, 0])
    found = [ordered_log_prob(w, torch.tensor(column[[*o]]), torch.tensor(level[[*o]])) for o in permutations(range(3))]
    np.testing.assert_allclose(found, found[0].item(), rtol=1e-12)
    joint = sum(np.log(slow_probabilities(w, [], c)[k]) for c, k in zip(column, level, strict=True))
    assert found[0].item() == pytest.approx(joint, rel=1e-12)


@forms
def test_the_split_estimator_has_the_mean_over_orderings_as_its_mean(form):
    w, column, level = weights(), np.array([0, 1, 3]), np.array([4, 2, 0])
    estimates, exact = [], []
    for order in permutations(range(3)):
        exact.append(-ordered_log_prob(w, torch.tensor(column[[*order]]), torch.tensor(level[[*order]])).item())
        for d in range(3):
            given = torch.tensor([place in order[:d] for place in range(3)])
            estimates.append(form(w, one_row(column, level), given, ordinal_weight=0.0).item())
    assert np.mean(estimates) == pytest.approx(np.mean(exact), rel=1e-12)
    assert np.std(exact) > 1e-3  # the orderings do differ


@forms
def test_split_costs_are_per_row_and_scaled(form):
    w = weights()
    entries = Entries(torch.tensor([0, 0, 0, 1, 2]), torch.tensor([0, 1, 3, 2, 2]), torch.tensor([4, 2, 0, 1, 3]), 4)
    given = torch.tensor([True, False, False, False, False])
    got = form(w, entries, given, ordinal_weight=0.0)
    p = [slow_probabilities(w, [(0, 4)], m)[k] for m, k in ((1, 2), (3, 0))]
    single = [slow_probabilities(w, [], 2)[k] for k in (1, 3)]
    want = [-3 / 2 * np.log(p).sum(), -np.log(single[0]), -np.log(single[1]), 0]
    np.testing.assert_allclose(got, want, rtol=1e-12)


@forms
def test_the_gradient_is_the_numerical_one(form):
    w = weights(columns=3, hidden=2, width=2, layers=2)
    entries, given = one_row([0, 2], [4, 1]), torch.tensor([True, False])

    def cost(*values):
        net = dict(zip(w, values, strict=True))
        return form(net, entries, given, ordinal_weight=0.7)

    assert torch.autograd.gradcheck(cost, tuple(values.requires_grad_() for values in w.values()))


def some_ratings(rows=9, columns=M, seed=0):
    """Ratings of about half the cells, the first row without any, and a split of them."""
    rng = np.random.default_rng(seed)
    row, column = np.nonzero(rng.random((rows, columns)) < np.linspace(0, 1, rows)[:, None])
    parts = [torch.from_numpy(part) for part in (row, column, rng.integers(K, size=len(row)))]
    given = random_split(np.searchsorted(row, np.arange(rows + 1)), rng)
    return Entries(parts[0], parts[1], parts[2], rows), torch.from_numpy(given)


def both(w, entries, given, **options):
    """Costs, and the gradients of a sum that weighs each row differently, by both forms."""
    found = []
    for form in (rating_costs, cell_costs):
        leaves = {name: values.clone().requires_grad_() for name, values in w.items()}
        costs = form(leaves, entries, given, **options)
        gradients = torch.autograd.grad((costs * torch.arange(1, len(costs) + 1)).sum(), list(leaves.values()))
        found.append([costs.detach(), *gradients])
    return zip(*found, strict=True)


@pytest.mark.parametrize("slice_rows", [1, 4, 1000])
@pytest.mark.parametrize("ordinal_weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("shared", "options"), [(True, {}), (False, {}), (True, {"width": 2, "layers": 2})], ids=str)
def test_both_forms_are_equal_with_their_gradients_however_rows_are_cut(
    shared, options, ordinal_weight, slice_rows, monkeypatch
):
    monkeypatch.setattr(slices, "NUMBERS", slice_rows * 18 * K * 7)
    w = weights(columns=7, **options)
    for few, every in both(w, *some_ratings(columns=7), shared=shared, ordinal_weight=ordinal_weight):
        np.testing.assert_allclose(every, few, rtol=1e-10, atol=1e-10)


def test_in_single_precision_the_forms_differ_by_a_hundred_thousandth():
    w = {name: values.float() for name, values in weights(columns=40, hidden=20).items()}
    for few, every in both(w, *some_ratings(rows=30, columns=40)):
        np.testing.assert_allclose(every, few, rtol=1e-5, atol=1e-5 * float(few.abs().max()))


@pytest.mark.parametrize("slice_rows", [2, 1000])
def test_no_shape_depends_on_which_cells_are_rated_and_nothing_is_read_back(slice_rows, monkeypatch):
    """On torch's device without data, where whatever asks for a value fails."""
    monkeypatch.setattr(slices, "NUMBERS", slice_rows * 18 * K * M)
    w = {name: values.to("meta").requires_grad_() for name, values in weights(width=2, layers=2).items()}
    costs = split_costs(w, *some_ratings())
    assert costs.shape == (9,)
    gradients = torch.autograd.grad(costs.sum(), list(w.values()))
    assert [grad.shape for grad in gradients] == [values.shape for values in w.values()]


def test_a_split_into_slices_keeps_less_for_the_gradient(monkeypatch):
    w = {name: values.requires_grad_() for name, values in weights(columns=50).items()}
    kept = []
    for slice_rows in (9, 1):
        monkeypatch.setattr(slices, "NUMBERS", slice_rows * 18 * K * 50)
        sizes = {}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x, sizes=sizes: sizes.update({x.data_ptr(): x.numel()}) or x, lambda x: x
        ):
            cell_costs(w, *some_ratings(columns=50))
        kept.append(sum(sizes.values()))
    assert kept[1] < kept[0] / 2


def test_training_gives_the_same_by_either_form(monkeypatch):
    ratings, asked = random_table(), random_table().frame()
    found, used = [], []
    for dense in (False, True):
        monkeypatch.setattr(cfnade_net, "accelerated", lambda device, dense=dense: used.append(dense) or dense)
        found.append(small(learning_rate=0.05).fit(ratings).predict(asked)["prediction"].to_numpy())
    np.testing.assert_allclose(found[1], found[0], atol=1e-3)
    assert set(used) == {False, True}  # on some processors even the bits are the same


def test_factorised_with_an_identity_is_the_plain_network():
    plain = weights()
    factorised = {**plain, "input_mixer": torch.eye(H).double(), "output_mixer": torch.eye(H).double()}
    column, level = torch.tensor([2, 0, 3]), torch.tensor([4, 1, 0])
    torch.testing.assert_close(ordered_log_prob(factorised, column, level), ordered_log_prob(plain, column, level))


def test_two_levels_are_a_binary_nade():
    w = {name: values.numpy() for name, values in weights(levels=2).items()}
    w["input"][0] = 0  # a 0 adds nothing in the binary model
    x = np.array([1, 0, 1, 1])
    log_p, a = 0.0, w["hidden_bias_1"].copy()
    for d in range(M):
        logit = (w["level_bias"][1] - w["level_bias"][0])[d] + (w["output"][1] - w["output"][0])[d] @ np.tanh(a)
        p = 1 / (1 + np.exp(-logit))
        log_p += np.log(p if x[d] else 1 - p)
        a += x[d] * w["input"][1, d]
    net = {name: torch.tensor(values) for name, values in w.items()}
    got = ordered_log_prob(net, torch.arange(M), torch.tensor(x), shared=False)
    assert got.item() == pytest.approx(log_p, rel=1e-12)


def test_splits_give_each_number_and_each_rating_equally_often():
    rng = np.random.default_rng(0)
    drawn = np.array([random_split(np.array([0, 3, 4]), rng) for _ in range(6000)])
    assert not drawn[:, 3].any()  # one rating is never given: there would be nothing to predict
    np.testing.assert_allclose(
        np.bincount(drawn[:, :3].sum(1), minlength=4) / 6000, [1 / 3, 1 / 3, 1 / 3, 0], atol=0.02
    )
    np.testing.assert_allclose(drawn[:, :3].mean(0), 1 / 3, atol=0.02)


@pytest.mark.parametrize("shared", [True, False])
def test_the_first_biases_give_the_histograms(shared):
    counts = np.array([[1.0, 0], [2, 3], [5, 1]])
    s = level_bias(counts, 1.5, shared)
    s = s.cumsum(0) if shared else s
    p = np.exp(s) / np.exp(s).sum(0)
    smooth = counts + 1.5 * np.array([[1], [5], [6]]) / 12
    np.testing.assert_allclose(p, smooth / smooth.sum(0), rtol=1e-12)


# ---------------------------------------------------------------- the model


def small(**settings):
    return CFNADE(**{"hidden_size": 4, "epochs": 4, "batch_size": 5, **settings})


@pytest.mark.parametrize(
    "options", [{}, {"shared": False}, {"embedding_size": 2, "layers": 2}, {"rows": "user"}], ids=str
)
def test_before_training_the_prediction_is_each_columns_mean(options, monkeypatch):
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: None)
    ratings = random_table()
    model = small(epochs=1, smoothing=1e-9, **options).fit(ratings)
    number = ratings.item if options == {"rows": "user"} else ratings.user
    means = np.bincount(number, ratings.rating) / np.bincount(number)
    got = model.predict(ratings.frame())["prediction"]
    np.testing.assert_allclose(got, means[number], atol=1e-5)


@pytest.mark.parametrize(
    "options", [{}, {"rows": "user", "embedding_size": 2, "layers": 2}, {"shared": False}], ids=str
)
def test_predictions_condition_on_the_whole_training_row(options):
    ratings = random_table(users=6, items=5)
    model = small(learning_rate=0.05, average=0.0, **options).fit(ratings)
    names = ["input", "hidden_bias_1", "output", "level_bias"]
    names += ["input_mixer", "output_mixer", "hidden_2", "hidden_bias_2"] if "layers" in options else []
    w = {name: torch.tensor(getattr(model, f"{name}_")) for name in names}
    by_user = options.get("rows") == "user"
    shared, layers = options.get("shared", True), options.get("layers", 1)
    scores = model.scores(np.arange(6))
    p = model.probabilities(np.array([2]), np.array([3]))
    np.testing.assert_allclose(p.sum(0), 1, rtol=1e-12)
    for user, item in [(0, 1), (3, 4), (5, 0)]:
        mine = ratings.user == user if by_user else ratings.item == item
        columns = (ratings.item if by_user else ratings.user)[mine]
        given = list(zip(columns, (ratings.rating[mine] - 1).astype(int), strict=True))
        want = slow_probabilities(w, given, item if by_user else user, shared, layers) @ np.arange(1, 6)
        assert model.score(np.array([user]), np.array([item]), None)[0] == pytest.approx(want, rel=1e-4)
        assert scores[user, item] == pytest.approx(want, rel=1e-4)


def test_levels_are_the_distinct_ratings_and_zero_is_one():
    ratings = table([("a", "x", 0.0), ("a", "y", 2.5), ("b", "x", 10.0), ("b", "y", 0.0)], scale=(0, 10))
    model = small().fit(ratings)
    assert model.levels_.tolist() == [0, 2.5, 10]
    got = model.predict(frame([("a", "x", 0), ("new", "x", 0)]))
    assert got["branch"].tolist() == ["user and item", "item"]
    assert 0 < got["prediction"][0] < 10


def test_it_learns_two_groups_of_users():
    rng = np.random.default_rng(3)
    rows = [
        (f"u{u}", f"i{i}", float(rng.integers(4, 6) if u % 2 == i % 2 else rng.integers(1, 3)))
        for u in range(30)
        for i in range(24)
        if rng.random() < 0.5
    ]
    ratings = table(rows)
    held_out = rng.random(len(ratings)) < 0.2
    train, test = ratings.kept(~held_out), ratings.kept(held_out)
    settings = {"hidden_size": 8, "epochs": 60, "learning_rate": 0.02, "reg": 1e-4}
    model = CFNADE(**settings).fit(train)
    errors = model.predict(test.frame())["prediction"].to_numpy() - test.rating
    assert np.sqrt(np.mean(errors**2)) < 0.8  # each user's mean: 1.58; the noise: 0.5
    again = CFNADE(**settings).fit(train)
    np.testing.assert_array_equal(again.code_, model.code_)


def test_a_saved_model_comes_back(tmp_path):
    fitted = small(embedding_size=2, layers=2).fit(random_table(), random_table(seed=1))
    fitted.save(tmp_path / "m")
    again = Recommender.load(tmp_path / "m")
    assert again == fitted
    np.testing.assert_array_equal(again.scores(np.arange(4)), fitted.scores(np.arange(4)))


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigError, match="cfnade: ordinal_weight is not valid, got 2"):
        CFNADE(ordinal_weight=2)
    with pytest.raises(ConfigError, match="cfnade: layers is not valid, got 0"):
        CFNADE(layers=0)


def test_more_levels_or_weights_than_can_be_learned_are_refused(monkeypatch):
    many = table([(f"u{user}", f"i{user % 3}", user / 7) for user in range(101)])
    with pytest.raises(
        ConfigError, match="cfnade: takes each distinct rating for a level, at most 100, got 101; round"
    ):
        CFNADE().fit(many)
    monkeypatch.setattr("irkit.recommend.cfnade.CELLS", 5 * 12 * 4)
    CFNADE(hidden_size=9, embedding_size=4, epochs=1).fit(random_table())
    with pytest.raises(
        ConfigError, match="weights for 5 levels, 12 columns and a width of 5 are too many, at most 240"
    ):
        CFNADE(hidden_size=5).fit(random_table())

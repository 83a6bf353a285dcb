"""Tests of irkit.generative.eonade."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch

from irkit.errors import DataError, ShapeError
from irkit.generative.eonade import EoNADE, EoNADEConfig, draw_seen, order_agnostic_log_prob
from irkit.io import load_rows
from irkit.io.kinds import Spec
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.trainer import TrainerConfig
from tests.oracles import density as oracle


def model(size: int, hidden: tuple[int, ...] = (5,), seed: int = 0, **config) -> EoNADE:
    torch.manual_seed(seed)
    found = EoNADE(EoNADEConfig(hidden_sizes=hidden, **config))
    found.net = found.build(Spec("rows", (size,))).double()
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_()
    return found


def slow_log_prob(net, x: torch.Tensor, order) -> float:
    """One full pass of the network for each bit."""
    log_p, seen = 0.0, torch.zeros(1, len(x), dtype=torch.float64)
    for i in order:
        p = oracle.sigmoid(float(net(x[None], seen)[0, i]))
        log_p += math.log(p if x[i] else 1 - p)
        seen[0, i] = 1
    return log_p


@pytest.mark.parametrize("hidden", [(5,), (5, 4), (4, 3, 5)])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_the_recurrence_is_one_full_pass_for_each_bit(hidden, activation):
    found, x = model(6, hidden, activation=activation), torch.from_numpy(oracle.bits(6)[::9])
    order = [3, 0, 5, 1, 4, 2]
    with torch.no_grad():
        slow = [slow_log_prob(found.net, row, order) for row in x]
        np.testing.assert_allclose(found.net.log_prob_in_order(x, order), slow, rtol=1e-10)


@pytest.mark.parametrize("orders", [1, 5])
def test_all_configurations_sum_to_one_for_an_order_and_for_a_mixture(orders):
    found = model(8, (6, 5), orders=orders)
    estimate = found.log_prob(oracle.bits(8))
    assert estimate.kind == "exact"
    assert oracle.total(estimate.value) == pytest.approx(1, abs=1e-12)


def test_the_mixture_is_the_mean_of_probabilities_and_at_least_the_mean_of_logs():
    found, x = model(8, orders=4), oracle.bits(8)[::11]
    each = found.log_prob_by_order(x).numpy()
    assert each.shape == (4, len(x))
    np.testing.assert_allclose(found.log_prob(x).value, np.log(np.exp(each).mean(0)), rtol=1e-12)
    assert (found.log_prob(x).value >= each.mean(0)).all()
    assert model(8, orders=2).orders == found.orders[:2]


def test_the_training_loss_is_unbiased_for_the_mean_over_all_orders():
    found, size = model(4), 4
    x = torch.tensor([[1.0, 0, 1, 1]], dtype=torch.float64)
    by_cut, by_order = [], []
    with torch.no_grad():
        for order in permutations(range(size)):
            by_order.append(slow_log_prob(found.net, x[0], order))
            for d in range(1, size + 1):
                seen = torch.zeros(1, size, dtype=torch.float64)
                seen[0, list(order[: d - 1])] = 1
                by_cut.append(float(order_agnostic_log_prob(x, found.net(x, seen), seen)))
        assert math.fsum(by_cut) / len(by_cut) == pytest.approx(math.fsum(by_order) / len(by_order), rel=1e-12)

        rng = torch.Generator().manual_seed(1)
        scores = found.net.score(x.expand(100_000, size), rng)
        truth = math.fsum(by_order) / len(by_order)
        assert abs(float(scores.mean()) - truth) < 4 * float(scores.std()) / math.sqrt(100_000)


def test_every_set_of_seen_bits_is_drawn_as_often_as_it_should():
    seen = draw_seen(60_000, 3, torch.Generator().manual_seed(0), torch.device("cpu"))
    code = (seen @ torch.tensor([4.0, 2.0, 1.0])).long()
    # d - 1 = 0, 1 or 2 seen bits with 1/3 each; within a size all sets alike; never all three.
    expected = np.array([1, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 0]) / 3
    np.testing.assert_allclose(np.bincount(code, minlength=8) / 60_000, expected, atol=0.008)


def test_unseen_bits_do_not_reach_the_network():
    found = model(5)
    x = torch.from_numpy(oracle.bits(5)[[9, 22]])
    seen = torch.tensor([[1.0, 0, 0, 1, 0]], dtype=torch.float64).expand(2, 5)
    flipped = torch.where(seen > 0, x, 1 - x)
    assert torch.equal(found.net(x, seen), found.net(flipped, seen))
    assert not torch.equal(found.net(x, seen), found.net(x, torch.zeros_like(seen)))


def test_a_single_missing_bit_gets_the_models_exact_conditional():
    found = model(5, (6, 4))
    x = torch.from_numpy(oracle.bits(5)[[6, 21]])
    for i in range(5):
        gaps = x.clone()
        gaps[:, i] = torch.nan
        order = [j for j in range(5) if j != i] + [i]
        with torch.no_grad():
            joint = [
                found.net.log_prob_in_order(torch.where(torch.arange(5) == i, bit, x), order) for bit in (0.0, 1.0)
            ]
        conditional = torch.sigmoid(joint[1] - joint[0])
        filled = found.impute(gaps)
        np.testing.assert_allclose(filled[:, i], conditional, rtol=1e-5)
        np.testing.assert_array_equal(np.delete(filled, i, 1), np.delete(x.numpy(), i, 1))


def test_samples_are_those_of_the_mixture_of_all_orders():
    found = model(4)
    samples = found.sample(40_000, seed=3)
    x = torch.from_numpy(oracle.bits(4))
    with torch.no_grad():
        every = [found.net.log_prob_in_order(x, order).exp().numpy() for order in permutations(range(4))]
    assert oracle.chi_square(samples, np.mean(every, axis=0)) > 1e-3


def test_the_representation_is_the_top_layer_with_every_bit_seen():
    found = model(4, (3, 2), activation="tanh")
    x = torch.from_numpy(oracle.bits(4)[5:9])
    first, middle = found.net.first, found.net.middle[0]
    below = torch.tanh(torch.cat([x, torch.ones_like(x)], 1) @ first.weight.T + first.bias)
    slow = torch.tanh(below @ middle.weight.T + middle.bias)
    np.testing.assert_allclose(found.encode(x), slow.detach(), rtol=1e-6)


@torch.no_grad()
def test_the_report_has_ensembles_of_fewer_orders_too():
    found, x = model(4, orders=5), torch.from_numpy(oracle.bits(4))
    slow = np.array([[slow_log_prob(found.net, row, order) for row in x] for order in found.orders])
    measures = {name: measure.estimate.value for name, measure in found.measures(x).items()}
    assert list(measures) == ["log p", "log p by 1 order", "log p by 2 orders", "log p by 4 orders"]
    wanted = [np.log(np.exp(slow[:k]).mean(0)).mean() for k in (5, 1, 2, 4)]
    assert list(measures.values()) == pytest.approx(wanted, rel=1e-9)
    assert measures["log p"] == pytest.approx(found.log_prob(x).mean().value, rel=1e-12)
    assert {name: one.unit for name, one in found.quantities.items()} == dict.fromkeys(measures, "nats")
    assert list(model(4, orders=1).measures(x)) == ["log p"]


def test_hidden_units_are_left_out_while_training_alone():
    found = model(6, (50, 40), dropout=0.4)
    x, seen = torch.from_numpy(oracle.bits(6)[::9]), torch.zeros(8, 6, dtype=torch.float64)
    a = torch.full((2000, 50), 0.5, dtype=torch.float64)  # of relu: 0.5 where it stays
    plain = model(6, (50, 40))
    assert found.net.training
    h = found.net.dropout(torch.relu(a))
    assert sorted(h.unique().tolist()) == pytest.approx([0, 0.5 / 0.6])
    assert (h == 0).double().mean() == pytest.approx(0.4, abs=0.01)
    assert not torch.equal(found.net(x, seen), found.net(x, seen))
    found.net.eval()
    assert torch.equal(found.net(x, seen), plain.net(x, seen))
    assert oracle.total(found.log_prob(oracle.bits(6)).value) == pytest.approx(1, abs=1e-12)


def test_wrong_gaps_are_refused():
    with pytest.raises(ShapeError, match=r"eonade: rows must have shape \(n, 4\), got \(1, 3\)"):
        model(4).impute(np.full((1, 3), np.nan))
    with pytest.raises(DataError, match=r"rows must hold 0 and 1, got 0.5 in row 0"):
        model(2).impute(np.array([[0.5, np.nan]]))


@pytest.mark.slow
def test_it_learns_the_digits_and_an_ensemble_is_better(tmp_path):
    digits = load_rows("digits")
    rule = OptimiserConfig(learning_rate=5e-3, schedule="linear", hold=0.5)
    trainer = TrainerConfig(epochs=40, batch_size=50, optimiser=rule)
    config = EoNADEConfig(hidden_sizes=(150,), orders=8)
    fitted = EoNADE(config).fit(digits.train, digits.valid, trainer=trainer)
    one = fitted.log_prob_by_order(digits.test).numpy().mean()
    many = fitted.log_prob(digits.test).mean()
    assert many.value > one + 0.1
    assert many.value >= 0.75 * oracle.independent_bits(digits.train, digits.test)
    fitted.save(tmp_path / "a")
    np.testing.assert_array_equal(
        EoNADE.load(tmp_path / "a").log_prob(digits.test).value, fitted.log_prob(digits.test).value
    )
    # Filling in a hidden half beats the training frequencies.
    gaps = digits.test.astype(float)
    gaps[:, 32:] = np.nan
    truth, filled = digits.test[:, 32:], fitted.impute(gaps)[:, 32:]
    assert ((filled - truth) ** 2).mean() < 0.8 * ((digits.train[:, 32:].mean(0) - truth) ** 2).mean()

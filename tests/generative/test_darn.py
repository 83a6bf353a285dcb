"""Tests of irkit.generative.darn: everything against enumeration of all (x, h)."""

import math

import numpy as np
import pytest
import torch

from irkit.errors import AbilityError, ConfigError
from irkit.generative.darn import DARN, Conditional, DARNConfig
from irkit.generative.nade import nade_logits
from irkit.io import load_rows
from irkit.io.kinds import Spec
from irkit.learn.estimators import all_bits
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Now, Phase, Player
from irkit.learn.trainer import TrainerConfig
from tests.oracles import density as oracle

SHAPES = [
    {"hidden_sizes": (4,)},
    {"hidden_sizes": (3, 2)},
    {"hidden_sizes": (4,), "deterministic": 3},
    {"hidden_sizes": (4,), "conditional": "nade", "nade_size": 3},
    {"hidden_sizes": (2, 3), "conditional": "nade", "nade_size": 3, "deterministic": 2},
    {"hidden_sizes": ()},
    {"hidden_sizes": (), "conditional": "nade", "nade_size": 3},
]


def model(size: int = 6, seed: int = 0, scale: float = 1.0, **config) -> DARN:
    torch.manual_seed(seed)
    found = DARN(DARNConfig(**config))
    found.net = found.build(Spec("rows", (size,))).double()
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_(0, scale)
    return found


def now(seed: int = 0) -> Now:
    return Now(0, 0, 0.0, torch.Generator().manual_seed(seed))


def slow_linear(conditional: Conditional, own: np.ndarray, above: np.ndarray | None) -> float:
    """log p(own | above) bit by bit, without deterministic layers."""
    total = 0.0
    for i in range(conditional.size):
        logit = conditional.bias[i].item()
        logit += sum(conditional.own[i, j].item() * own[j] for j in range(i))
        if above is not None:
            logit += sum(conditional.from_above.weight[i, k].item() * above[k] for k in range(len(above)))
        p = oracle.sigmoid(logit)
        total += math.log(p if own[i] else 1 - p)
    return total


# ------------------------------------------------------------------------------------------------ densities


@pytest.mark.parametrize("config", SHAPES)
def test_all_configurations_of_x_sum_to_one(config):
    found = model(**config)
    assert oracle.total(found.exact_log_prob(oracle.bits(6)).value) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("config", SHAPES[:5])
def test_all_configurations_of_h_sum_to_one(config):
    found = model(**config)
    with torch.no_grad():
        h = found.net.configurations(torch.zeros(1, 6, dtype=torch.float64))
        _, log_h = found.net.log_p(torch.zeros(1, 6, dtype=torch.float64), h)
        log_q = found.net.log_q(torch.from_numpy(oracle.bits(6)[:5]), [part.expand(-1, 5, -1) for part in h])
    assert oracle.total(log_h) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(log_q.exp().sum(0), np.ones(5), rtol=1e-12)


def test_the_joint_is_the_formula_bit_by_bit():
    found = model(4, hidden_sizes=(3, 2))
    x, h1, h2 = (torch.from_numpy(oracle.bits(n)[k : k + 1]) for n, k in ((4, 11), (3, 5), (2, 2)))
    with torch.no_grad():
        log_x, log_h = found.net.log_p(x, [h1, h2])
        bottom, middle, top = found.net.decoders
        assert float(log_x) == pytest.approx(slow_linear(bottom, x[0].numpy(), h1[0].numpy()), rel=1e-12)
        slow = slow_linear(middle, h1[0].numpy(), h2[0].numpy()) + slow_linear(top, h2[0].numpy(), None)
        assert float(log_h) == pytest.approx(slow, rel=1e-12)
        one, two = found.net.encoders
        slow = oracle.bernoulli_log_prob(h1[0].tolist(), one(x)[0].tolist())
        slow += oracle.bernoulli_log_prob(h2[0].tolist(), two(h1)[0].tolist())
        assert float(found.net.log_q(x, [h1, h2])) == pytest.approx(slow, rel=1e-12)


def test_a_nade_conditional_is_nade_told_what_is_above():
    torch.manual_seed(0)
    conditional = Conditional(5, 3, DARNConfig(conditional="nade", nade_size=4)).double()
    own, above = torch.from_numpy(oracle.bits(5)[[13, 30]]), torch.from_numpy(oracle.bits(3)[[2, 7]])
    with torch.no_grad():
        found = conditional.log_prob(own, above)
        for row in range(2):
            c = conditional.c + conditional.to_hidden.weight @ above[row]
            b = conditional.bias + conditional.from_above.weight @ above[row]
            logits = oracle.nade_logits(own[row].numpy(), *(t.numpy() for t in (conditional.w, c, conditional.v, b)))
            assert float(found[row]) == pytest.approx(oracle.bernoulli_log_prob(own[row].tolist(), logits), rel=1e-12)


@pytest.mark.parametrize("kind", ["linear", "nade"])
def test_a_flip_changes_no_earlier_conditional_to_the_bit(kind):
    torch.manual_seed(0)
    conditional = Conditional(7, 0, DARNConfig(conditional=kind, nade_size=3)).double()
    with torch.no_grad():
        for parameter in conditional.parameters():
            parameter.normal_()
    x = torch.tensor(oracle.bits(7)[37])

    def terms(row):
        if kind == "linear":
            return row @ conditional.own.tril(-1).T
        # With a gradient every hidden vector is computed, so that all matrix products have the same shapes.
        row = row[None].clone().requires_grad_()
        return nade_logits(row, conditional.w, conditional.c, conditional.v, conditional.bias)[0]

    base = terms(x)
    for k in range(7):
        flipped = x.clone()
        flipped[k] = 1 - flipped[k]
        assert torch.equal(terms(flipped)[: k + 1], base[: k + 1])
        assert k == 6 or not torch.equal(terms(flipped)[k + 1 :], base[k + 1 :])


@pytest.mark.parametrize("config", SHAPES)
def test_samples_have_the_probabilities(config):
    found = model(4, **config)
    samples = found.sample(20_000, seed=1)
    assert oracle.chi_square(samples, np.exp(found.exact_log_prob(oracle.bits(4)).value)) > 1e-3


# ------------------------------------------------------------------------------------------------ the bound


@pytest.mark.parametrize("config", SHAPES[:5])
def test_the_gap_of_the_bound_is_the_kl_to_the_posterior(config):
    found = model(**config)
    x = torch.from_numpy(oracle.bits(6)[::5])
    with torch.no_grad():
        code = found.net.code_exact(x)
        h = found.net.configurations(x)
        log_q = found.net.log_q(x, h)
        log_joint = sum(found.net.log_p(x, h))
    bound, truth = -(code.h + code.x).numpy(), found.exact_log_prob(x).value
    log_posterior = log_joint - torch.from_numpy(truth)
    kl = (log_q.exp() * (log_q - log_posterior)).sum(0).numpy()
    assert (bound <= truth).all()
    np.testing.assert_allclose(truth - bound, kl, atol=1e-13, rtol=1e-12)
    assert (kl > 0.01).all()


def test_the_bound_is_tight_when_q_is_the_posterior():
    found = model(hidden_sizes=(4,))
    with torch.no_grad():
        bottom, top = found.net.decoders
        bottom.from_above.weight.zero_()  # x does not depend on h, so the posterior is the prior,
        top.own.zero_()  # which has independent bits,
        found.net.encoders[0].weight.zero_()  # as q has
        found.net.encoders[0].bias.copy_(top.bias)
        x = torch.from_numpy(oracle.bits(6))
        scores = found.net.score(x, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(scores, found.exact_log_prob(x).value, rtol=1e-12)
    estimate = found.log_prob(x, samples=3)
    assert estimate.stderr.max() < 1e-12
    np.testing.assert_allclose(estimate.value, found.exact_log_prob(x).value, rtol=1e-12)


def test_importance_weights_raise_the_bound_to_the_likelihood():
    found = model(hidden_sizes=(4,), scale=0.7)
    x = oracle.bits(6)[::4]
    truth = found.exact_log_prob(x).value.mean()
    means = []
    for samples in (1, 4, 16, 256):
        many = [found.log_prob(x, samples=samples, seed=seed).value.mean() for seed in range(30)]
        means.append(np.mean(many))
        assert means[-1] <= truth + 4 * np.std(many) / math.sqrt(30)
    assert means == sorted(means)
    assert means[-1] == pytest.approx(truth, abs=0.02)
    with torch.no_grad():
        code = found.net.code_exact(torch.from_numpy(x))
    assert means[0] == pytest.approx(-float((code.h + code.x).mean()), abs=0.1)


def test_without_latent_bits_the_likelihood_is_exact_and_that_of_logistic_regressions():
    found, x = model(5, hidden_sizes=()), oracle.bits(5)[::3]
    estimate = found.log_prob(x)
    assert estimate.kind == "exact"
    np.testing.assert_allclose(estimate.value, [slow_linear(found.net.decoders[0], row, None) for row in x], rtol=1e-12)
    assert found.measures(x)["code_h"].estimate.value == 0.0


def test_the_representation_is_the_posterior_of_the_lowest_layer():
    found, x = model(hidden_sizes=(3, 2)), oracle.bits(6)[::9]
    w, b = (parameter.detach().numpy() for parameter in found.net.encoders[0].parameters())
    slow = [[oracle.sigmoid(float(row @ w[j] + b[j])) for j in range(3)] for row in x]
    np.testing.assert_allclose(found.encode(x), slow, rtol=1e-6)
    assert found.can("encode")
    with pytest.raises(
        AbilityError, match="darn: does not encode; choose another model for that, it can give log-prob"
    ):
        model(hidden_sizes=()).encode(x)


def test_the_report_adds_up_in_nats_and_bits():
    found, x = model(hidden_sizes=(4,), scale=0.5), oracle.bits(6).repeat(50, axis=0)
    measures = found.measures(x)
    report = {name: one.estimate.value for name, one in measures.items()}
    with torch.no_grad():
        code = found.net.code_exact(torch.from_numpy(oracle.bits(6)))
    assert report["code_h"] == pytest.approx(float(code.h.mean()), abs=0.05)
    assert report["code_x"] == pytest.approx(float(code.x.mean()), abs=0.05)
    assert report["code"] == pytest.approx(report["code_h"] + report["code_x"])
    assert report["code_bits"] == pytest.approx(report["code"] / math.log(2))
    assert (measures["code"].unit, measures["code_bits"].unit) == ("nats", "bits")
    assert report["log p"] == found.log_prob(x).mean().value


# ------------------------------------------------------------------------------------------------ gradients


def gradients(loss: torch.Tensor, found: DARN) -> torch.Tensor:
    parameters = [p for name, p in found.net.named_parameters() if not name.startswith("baseline")]
    parts = torch.autograd.grad(loss, parameters, allow_unused=True)
    return torch.cat(
        [(torch.zeros_like(p) if g is None else g).flatten() for p, g in zip(parameters, parts, strict=True)]
    )


@pytest.mark.parametrize("hidden_sizes", [(3,), (2, 2)])
def test_reinforce_is_unbiased_and_straight_through_is_measured(hidden_sizes, capsys):
    settings = {"hidden_sizes": hidden_sizes, "scale": 0.7}
    exact, reinforce, st = (model(5, estimator=name, **settings) for name in ("exact", "reinforce", "st"))
    for other in (reinforce, st):
        other.net.load_state_dict(exact.net.state_dict(), strict=False)
    x = torch.from_numpy(oracle.bits(5)[[4, 27]])
    truth = gradients(exact.net.loss(x, now()).total, exact)
    reinforce.net.eval()  # so that the baseline stays as it is
    draws, rows = 60, 1000
    big = x.repeat(rows, 1)
    found = {}
    for name, other in (("reinforce", reinforce), ("st", st)):
        found[name] = torch.stack([gradients(other.net.loss(big, now(seed)).total, other) for seed in range(draws)])
    error = (found["reinforce"].mean(0) - truth).abs()
    assert (error <= 4.5 * found["reinforce"].std(0) / math.sqrt(draws) + 1e-9).all()
    bias = (found["st"].mean(0) - truth).norm() / truth.norm()
    with capsys.disabled():
        print(f"\nDARN straight-through {hidden_sizes}: bias {float(bias):.3f} of the gradient's norm")


def test_what_gumbel_minimises_is_the_code_length_of_true_bits():
    found = model(5, estimator="gumbel", hidden_sizes=(3,), temperature=2.0)
    x = torch.from_numpy(oracle.bits(5)[[4, 27]])
    with torch.no_grad():
        exact = found.net.code_exact(x)
        many = found.net.code_straight_through(x.repeat(20_000, 1), now().rng)
    for ours, truth in ((many.h, exact.h), (many.x, exact.x)):
        each = ours.view(-1, 2)
        assert ((each.mean(0) - truth).abs() < 4 * each.std(0) / math.sqrt(len(each))).all()


def test_gumbel_at_a_low_temperature_follows_the_trapezoid_rule_over_each_bit(capsys):
    settings = {"hidden_sizes": (1,), "scale": 0.7}
    exact, warm, cold = (
        model(5, **settings, **one)
        for one in ({"estimator": "exact"}, {"estimator": "gumbel"}, {"estimator": "gumbel", "temperature": 0.05})
    )
    x = torch.from_numpy(oracle.bits(5)[[4, 27]])
    for other in (warm, cold):
        other.net.load_state_dict(exact.net.state_dict())
    h = torch.tensor([[[0.0]], [[1.0]]], dtype=torch.float64).expand(2, 2, 1).clone().requires_grad_()
    (slopes,) = torch.autograd.grad(-sum(exact.net.log_p(x, [h])).sum(), h)  # of the code length in the bit: (2, 2, 1)
    logits = exact.net.encoders[0](x)
    p = torch.sigmoid(logits)
    entropy = p * (1 - p) * logits  # of minus the entropy, in the logit
    wanted = ((p * (1 - p) * slopes.mean(0) + entropy) * x).mean(0).detach()  # (5,), in the encoder's weights
    truth = gradients(exact.net.loss(x, now()).total, exact)
    big = x.repeat(2000, 1)
    found = {}
    for name, other in (("warm", warm), ("cold", cold)):
        found[name] = torch.stack([gradients(other.net.loss(big, now(seed)).total, other) for seed in range(40)])
    at = slice(-6, -1)  # the encoder's weights come last but for its bias
    error = (found["cold"].mean(0)[at] - wanted).abs()
    assert (error < 4.5 * found["cold"].std(0)[at] / math.sqrt(40) + 0.01).all()
    with capsys.disabled():
        for name, other in (("warm", warm), ("cold", cold)):
            bias = (found[name].mean(0) - truth).norm() / truth.norm()
            print(
                f"\nDARN gumbel, temperature {other.config.temperature}: bias {float(bias):.3f} of the gradient's norm"
            )


def test_the_exact_gradient_is_that_of_the_enumerated_bound():
    found = model(4, hidden_sizes=(3,), estimator="exact", scale=0.5)
    x = torch.from_numpy(oracle.bits(4)[[5, 14]])

    def bound(weight):
        net = found.net
        state = {**dict(net.named_parameters()), "encoders.0.weight": weight}
        h = all_bits(3)[:, None, :].expand(-1, 2, -1)
        log_q = torch.func.functional_call(_Part(net, "log_q"), {f"net.{k}": v for k, v in state.items()}, (x, [h]))
        log_p = sum(net.log_p(x, [h]))
        return (log_q.exp() * (log_q - log_p)).sum(0).mean()

    weight = found.net.encoders[0].weight.detach().clone()
    numeric = torch.zeros_like(weight)
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            for sign in (1, -1):
                moved = weight.clone()
                moved[i, j] += sign * 1e-6
                numeric[i, j] += sign * bound(moved).detach() / 2e-6
    (gradient,) = torch.autograd.grad(found.net.loss(x, now()).total, found.net.encoders[0].weight)
    np.testing.assert_allclose(gradient, numeric, atol=1e-8)


class _Part(torch.nn.Module):
    def __init__(self, net, method):
        super().__init__()
        self.net, self.method = net, method

    def forward(self, *arguments):
        return getattr(self.net, self.method)(*arguments)


def test_the_baseline_learns_only_while_training():
    found = model(hidden_sizes=(3,), estimator="reinforce", scale=0.3)
    x = torch.from_numpy(oracle.bits(6))
    found.net.eval()
    found.net.loss(x, now())
    assert float(found.net.baseline.mean) == 0
    found.net.train()
    found.net.loss(x, now())
    assert float(found.net.baseline.mean) < -0.1


def test_too_many_latent_bits_to_enumerate_are_refused():
    with pytest.raises(ConfigError, match="at most 12 latent bits can be enumerated, got 13; choose estimator st"):
        DARN(DARNConfig(hidden_sizes=(13,), estimator="exact")).build(Spec("rows", (4,)))
    with pytest.raises(ConfigError, match="at most 12 latent bits can be enumerated, got 13; use log_prob"):
        model(hidden_sizes=(13,)).exact_log_prob(oracle.bits(6))


# ------------------------------------------------------------------------------------------------ learning


@pytest.mark.parametrize(
    ("estimator", "most"), [("st", 2.8), ("gumbel", 2.2), ("reinforce", 2.2), ("exact", 2.2)], ids=lambda one: str(one)
)
def test_latent_bits_tell_four_rows_apart_by_every_gradient(estimator, most):
    rows = torch.from_numpy(oracle.bits(6)[[7, 56, 21, 46]])  # 000111, 111000, 010101, 101110
    torch.manual_seed(0)
    net = DARN(hidden_sizes=(3,), estimator=estimator, temperature=0.5).build(Spec("rows", (6,))).double()
    net.start(rows)

    def length() -> float:
        with torch.no_grad():
            code = net.code_exact(rows)
        return float((code.h + code.x).mean())

    assert length() > 4.02  # of independent bits; log 4 = 1.39 is the least
    told = [one for name, one in net.named_parameters() if name != "decoders.0.own"]  # which alone would do
    player = Player(Phase("net", told, net.loss), OptimiserConfig(learning_rate=0.05))
    drawing = now()
    for _ in range(150):
        player.update(net.loss(rows.repeat(20, 1), drawing).total, 0.0)
    assert length() < most


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        {"hidden_sizes": (30,), "estimator": "reinforce"},
        {"hidden_sizes": (30,), "estimator": "gumbel"},
        {"hidden_sizes": (6,), "estimator": "exact"},
        {"hidden_sizes": (30, 10), "deterministic": 40},
        {"hidden_sizes": (20,), "conditional": "nade", "nade_size": 40},
    ],
    ids=["reinforce", "gumbel", "exact", "deep", "nade"],
)
def test_it_learns_the_digits(config, tmp_path):
    digits = load_rows("digits")
    rule = OptimiserConfig(learning_rate=1e-2, clip=50)
    trainer = TrainerConfig(epochs=12, batch_size=50, optimiser=rule)
    fitted = DARN(DARNConfig(**config)).fit(digits.train, digits.valid, trainer=trainer)
    found = fitted.log_prob(digits.test).mean()
    assert found.kind == "lower_bound"
    assert found.value >= 0.75 * oracle.independent_bits(digits.train, digits.test)
    fitted.save(tmp_path / "a")
    assert DARN.load(tmp_path / "a").log_prob(digits.test).mean() == found

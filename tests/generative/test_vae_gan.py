"""Tests of irkit.generative.vae_gan."""

import math

import numpy as np
import pytest
import torch

from irkit.errors import DataError, ShapeError
from irkit.generative.vae_gan import VAEGAN, Norm, likeness
from irkit.io import load_data
from irkit.io.kinds import DataSet, Rows, Spec
from irkit.learn.distributions import gaussian_kl, gaussian_log_prob
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Now, Player
from irkit.learn.trainer import TrainerConfig
from irkit.testing import check_model

D, Z = 6, 3
X = torch.rand(9, D, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def net(seed: int = 0, **config):
    torch.manual_seed(seed)
    found = VAEGAN(**{"hidden_size": 5, "latent_size": Z, "kl_weight": 0.3, "gamma": 0.7, **config})
    return found.build(Spec("rows", (D,))).double()


def now(seed: int = 1) -> Now:
    return Now(0, 0, 0.0, torch.Generator().manual_seed(seed))


def flat(total, parameters):
    """The gradient of a loss by some parameters as one vector, zeros where it does not reach them."""
    parts = torch.autograd.grad(total, parameters, retain_graph=True, allow_unused=True)
    return torch.cat(
        [torch.zeros(p.numel()).double() if g is None else g.flatten() for g, p in zip(parts, parameters, strict=True)]
    )


def losses(made):
    """L_prior, L_llike, -L_GAN and what the generator wants of it, written out, all networks in one graph."""
    rng = now().rng
    mean, log_var = made.encoder(X)
    z = mean + log_var.exp().sqrt() * torch.empty(len(X), Z).double().normal_(generator=rng)
    back = made.generator(z)
    drawn = made.generator(torch.empty(len(X), Z).double().normal_(generator=rng))
    dis = made.discriminator
    log_d = lambda x: torch.log(torch.sigmoid(dis(x)))  # noqa: E731
    log_not = lambda x: torch.log(1 - torch.sigmoid(dis(x)))  # noqa: E731
    prior = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1).mean()
    llike = 0.5 * ((dis.features(X) - dis.features(back)) ** 2).sum(1).mean()
    gan = log_d(X).mean() + 0.5 * log_not(back).mean() + 0.5 * log_not(drawn).mean()
    fooling = -0.5 * log_d(back).mean() - 0.5 * log_d(drawn).mean()
    return {"prior": prior, "llike": llike, "gan": -gan, "fooling": fooling}


# ------------------------------------------------------------------------------------------------ exact


def test_each_network_follows_its_own_losses_and_no_other():
    """The routing matrix: a row for each network; columns L_prior, L_llike, -L_GAN and fooling the discriminator."""
    made = net()
    found, reaches = [], []
    for phase in made.phases():
        parts = [flat(one, phase.parameters) for one in losses(made).values()]
        reaches.append([bool(one.abs().max() > 1e-6) for one in parts])
        ours = flat(phase.loss(X, now()).total, phase.parameters)
        basis = torch.stack(parts, 1)
        weights = torch.linalg.lstsq(basis, ours[:, None], driver="gelsd").solution[:, 0]
        np.testing.assert_allclose(basis @ weights, ours, atol=1e-10)  # it is nothing but a mixture of them
        found.append(weights.numpy())
    # what would reach a network if it were let: all but L_prior, which has but the encoder in it
    assert reaches == [[True] * 4, [False, True, True, True], [False, True, True, True]]
    np.testing.assert_allclose(
        found,
        [
            [0.3, 1, 0, 0],  # encoder: L_GAN does not reach it
            [0, 0.7, 0, 1],  # generator
            [0, 0, 1, 0],  # discriminator: L_llike does not reach it
        ],
        atol=1e-9,
    )


def test_an_update_moves_its_own_network_alone():
    made = net()
    for phase in made.phases():
        before = {name: one.detach().clone() for name, one in made.named_parameters()}
        Player(phase, OptimiserConfig(kind="rmsprop")).update(phase.loss(X, now()).total, 0.0)
        moved = {name.partition(".")[0] for name, one in made.named_parameters() if not torch.equal(one, before[name])}
        assert moved == {phase.name}


@pytest.mark.parametrize("adversarial", [True, False])
def test_with_features_that_are_the_rows_it_has_the_gradients_of_a_gaussian_vae(adversarial):
    made = net(gamma=1.0, kl_weight=1.0, adversarial=adversarial)
    if adversarial:
        made.discriminator.features = torch.nn.Identity()
        made.discriminator.rest = torch.nn.Flatten(0)  # whose logits do not depend on what is learned
        made.discriminator.forward = lambda x: torch.zeros(len(x)).double()
    rng = now().rng
    mean, log_var = made.encoder(X)
    z = mean + torch.exp(0.5 * log_var) * torch.empty(len(X), Z).double().normal_(generator=rng)
    elbo = gaussian_log_prob(X, made.generator(z), torch.zeros(()).double()) - gaussian_kl(mean, log_var).sum(1)
    for phase in made.phases()[:2]:
        ours = flat(phase.loss(X, now()).total, phase.parameters)
        np.testing.assert_allclose(ours, flat(-elbo.mean(), phase.parameters), rtol=1e-9, atol=1e-13)
        assert ours.abs().max() > 1e-3


def test_without_a_discriminator_the_weight_of_the_prior_is_a_variance():
    made = net(adversarial=False)
    (phase,) = made.phases()
    assert len(phase.parameters) == len(list(made.parameters()))
    mean, log_var = made.encoder(X)
    z = mean + torch.exp(0.5 * log_var) * torch.empty(len(X), Z).double().normal_(generator=now().rng)
    variance = torch.tensor(0.3, dtype=torch.float64)
    elbo = gaussian_log_prob(X, made.generator(z), variance.log()) - gaussian_kl(mean, log_var).sum(1)
    constant = 0.5 * D * math.log(2 * math.pi * 0.3)
    ours, theirs = phase.loss(X, now()).total.detach(), 0.3 * (-elbo.mean().detach() - constant)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-10)


def test_the_losses_are_those_of_the_paper():
    made = net()
    terms = {name: float(one.detach()) for name, one in losses(made).items()}
    encoder, generator, discriminator = (phase.loss(X, now()) for phase in made.phases())
    assert float(encoder.parts["kl"].detach()) == pytest.approx(terms["prior"], rel=1e-12)
    assert float(encoder.parts["likeness"].detach()) == pytest.approx(terms["llike"], rel=1e-12)
    assert float(generator.parts["fooling"].detach()) == pytest.approx(terms["fooling"], rel=1e-9)
    assert float(discriminator.total.detach()) == pytest.approx(terms["gan"], rel=1e-9)
    with torch.no_grad():
        for one in made.discriminator.rest.parameters():
            one.zero_()
        blind = made.phases()[2].loss(X, now()).total
    assert float(blind) == pytest.approx(2 * math.log(2), rel=1e-12)


def test_features_are_not_the_rows():
    features = net().discriminator.features
    slopes = torch.autograd.functional.jacobian(features, X[0])
    assert slopes.shape == (5, D)
    assert torch.linalg.matrix_rank(slopes) == 5
    one, other = X[:1], X[1:2]
    assert float(likeness(features(one), features(other)).detach()) != pytest.approx(
        float(likeness(one, other)), rel=0.05
    )


# ------------------------------------------------------------------------------------------------ normalisation


def test_training_normalises_by_the_batch_and_afterwards_by_the_running_means():
    norm = Norm(2).double()
    x = torch.tensor([[1.0, 5.0], [3.0, 5.0]]).double()
    np.testing.assert_allclose(norm(x).detach(), [[-1, 0], [1, 0]], atol=1e-4)
    np.testing.assert_allclose(norm.running_mean, [0.2, 0.5], rtol=1e-12)  # a tenth of the way from 0
    moments = norm.running_mean.clone(), norm.running_var.clone()
    alone = norm(x[:1])  # in training still, but without a variance of its own
    norm.eval()
    np.testing.assert_array_equal(alone.detach(), norm(x)[:1].detach())
    assert torch.equal(norm.running_mean, moments[0])
    assert torch.equal(norm.running_var, moments[1])


def test_a_last_batch_of_one_row_is_learned_from():
    trainer = TrainerConfig(epochs=1, batch_size=4, threads=1)
    fitted = VAEGAN(hidden_size=4).fit(X.float(), trainer=trainer)
    assert fitted.training.steps == 3
    assert np.isfinite(fitted.sample(5)).all()


# ------------------------------------------------------------------------------------------------ model


@pytest.mark.parametrize("adversarial", [True, False])
def test_it_keeps_to_the_contract_of_models(adversarial, tmp_path):
    grey = np.random.default_rng(0).random((70, 12), dtype=np.float32)
    data = DataSet("toy", *(Rows(part, picture=(3, 4)) for part in (grey[:50], grey[50:60], grey[60:])))
    fitted = check_model(VAEGAN(hidden_size=5, latent_size=2, adversarial=adversarial), data, tmp_path)
    drawn = fitted.sample(50)
    assert ((drawn > 0) & (drawn < 1)).all()
    kl = fitted.values(data.part("test"))["kl"].value
    assert kl.shape == (10,)
    assert (kl > 0).all()
    with torch.no_grad():
        mean, log_var = fitted.net.encoder(torch.from_numpy(grey[60:]))
    np.testing.assert_allclose(kl, gaussian_kl(mean, log_var).sum(1), rtol=1e-5)
    assert float(fitted.measures(data.part("test"))["kl"].estimate.value) == pytest.approx(kl.mean())


def test_generation_begins_at_the_training_means():
    made = net()
    made.start(X)
    with torch.no_grad():
        made.generator.out.weight.zero_()
        np.testing.assert_allclose(made.sample(2, now().rng), X.mean(0).expand(2, -1), rtol=1e-12)


def test_it_learns_digits_and_reconstructs_what_it_sees():
    data = load_data("digits", binarise="none")
    test = data.part("test")
    trainer = TrainerConfig(steps=300, epochs=None, batch_size=64, threads=1, optimiser=VAEGAN.trainer.optimiser)
    found = VAEGAN(latent_size=8, hidden_size=64).fit(data, trainer=trainer)
    assert found.values(test)["kl"].value.mean() > 3
    apart = torch.cdist(torch.from_numpy(found.reconstruct(test)), torch.from_numpy(test.x))
    assert float((apart.argmin(1) == torch.arange(len(test))).double().mean()) > 0.1  # of a collapsed encoder .016
    drawn, spread = found.sample(200), test.x.var(0).sum()
    assert drawn.var(0).sum() > 0.35 * spread


def test_values_beyond_grey_are_refused():
    x = X.float().clone()
    x[2, 1] = 1.5
    with pytest.raises(
        DataError, match=r"vae-gan: rows must hold values from 0 to 1, got 1.5 in row 2, column 1; scale the data"
    ):
        VAEGAN().fit(x)
    with pytest.raises(ShapeError, match=r"vae-gan: rows must have shape \(n, D\), got \(9, 2, 3\); flatten each"):
        VAEGAN().fit(np.zeros((9, 2, 3)))
    with pytest.raises(ShapeError, match=r"vae-gan: rows of shape \(6,\) are needed, got rows of shape \(5,\)"):
        VAEGAN(hidden_size=4).fit(X.float(), trainer=TrainerConfig(epochs=1)).encode(X[:, 1:].float())


def test_rows_of_more_axes_are_refused():
    part = Rows(np.zeros((2, 2, 3)))
    with pytest.raises(ShapeError, match=r"vae-gan: rows must have shape \(n, D\), got \(2, 2, 3\); flatten each"):
        VAEGAN().fit(DataSet("d", part, part, part))

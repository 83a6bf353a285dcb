"""Tests of irkit.generative.gan."""

import math

import numpy as np
import pytest
import torch

from irkit.errors import AbilityError, ConfigError, DataError, IrkitError, NotFittedError, ShapeError
from irkit.generative.gan import GAN, GANConfig, GANNet
from irkit.io.kinds import DataSet, Rows
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Now, Player
from irkit.learn.trainer import TrainerConfig
from irkit.recipe.training import TrainingRecipe, load_training
from irkit.testing import check_model


def now(seed: int = 0) -> Now:
    return Now(0, 0, 0.0, torch.Generator().manual_seed(seed))


def net(size: int, **config) -> GANNet:
    torch.manual_seed(0)
    return GANNet(size, GANConfig(**config)).double()


def making(found: GANNet, made: torch.Tensor) -> GANNet:
    """The net with a generator that always makes the same rows."""
    found.sample = lambda n, rng: made
    return found


# ------------------------------------------------------------------------------------------------ a game on nine atoms

DATA = np.array([1, 2, 3, 4, 5, 6, 7, 4, 4])
MADE = np.array([9, 1, 1, 8, 2, 5, 1, 8, 1])


def table(logits: np.ndarray, made: np.ndarray, **config) -> GANNet:
    """A discriminator with a logit for each atom, and a generator that makes atoms as often as `made` says."""
    found = making(net(len(made), hidden_sizes=(), **config), atoms(made))
    with torch.no_grad():
        found.discriminator[0].weight.copy_(torch.from_numpy(logits))
        found.discriminator[0].bias.zero_()
    return found


def atoms(counts: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.repeat(np.eye(len(counts)), counts, axis=0))


def value(found: GANNet, counts: np.ndarray) -> float:
    """V(D, G), twice minus the loss of D."""
    return -2 * float(found.loss_discriminator(atoms(counts), now()).total.detach())


@pytest.mark.parametrize("made", [MADE, DATA], ids=["unequal", "equal"])
def test_the_best_discriminator_gives_the_jensen_shannon_divergence(made):
    p, q = DATA / DATA.sum(), made / made.sum()
    best = value(table(np.log(p) - np.log(q), made), DATA)
    middle = (p + q) / 2
    jsd = ((p * np.log(p / middle)).sum() + (q * np.log(q / middle)).sum()) / 2
    assert best == pytest.approx(-math.log(4) + 2 * jsd, abs=1e-9)
    assert (abs(best + math.log(4)) < 1e-12) == (made is DATA)
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert value(table(np.log(p) - np.log(q) + rng.normal(0, 0.3, 9), made), DATA) < best


def test_smoothing_lowers_what_the_best_discriminator_says_of_real_rows_alone():
    p, q = DATA / DATA.sum(), MADE / MADE.sum()
    best = 0.9 * p / (p + q)
    found = table(np.log(best) - np.log1p(-best), MADE, smoothing=0.1)
    loss = found.loss_discriminator(atoms(DATA), now()).total
    (gradient,) = torch.autograd.grad(loss, found.discriminator[0].weight)
    np.testing.assert_allclose(gradient, np.zeros((1, 9)), atol=1e-12)


def test_the_shares_that_it_tells_are_counted():
    logits = np.array([1.0, 1, -1, -1, 0, 0, 0, 0, 0])
    found = table(logits, MADE)
    parts = found.loss_discriminator(atoms(DATA), now()).parts
    assert float(parts["real"]) == pytest.approx(3 / 36)
    assert float(parts["made"]) == pytest.approx(26 / 36)


# ------------------------------------------------------------------------------------------------ two Gaussians


def test_a_discriminator_alone_learns_the_log_ratio_of_two_gaussians():
    quantiles = torch.special.ndtri((torch.arange(300, dtype=torch.float64) + 0.5) / 300)[:, None]
    real, made = quantiles + 0.5, 1.5 * quantiles - 0.5
    found = making(net(1, hidden_sizes=(32, 32)), made)
    player = Player(found.phases()[0], OptimiserConfig(learning_rate=1e-2, schedule="linear", hold=0.5))
    steps = 600
    for step in range(steps):
        player.update(found.loss_discriminator(real, now()).total, step / steps)
    x = torch.linspace(-1.5, 2.5, 101, dtype=torch.float64)
    ratio = -0.5 * (x - 0.5) ** 2 + 0.5 * ((x + 0.5) / 1.5) ** 2 + math.log(1.5)
    with torch.no_grad():
        error = (found.logits(x[:, None]) - ratio).abs().max()
    assert float(error) < 0.1


# ------------------------------------------------------------------------------------------------ gradients


def test_where_the_discriminator_is_sure_only_one_loss_has_a_gradient():
    gradients = {}
    for loss in ("non-saturating", "minimax"):
        found = net(1, hidden_sizes=(), loss=loss)
        with torch.no_grad():
            for parameter in found.parameters():
                parameter.zero_()
            found.discriminator[0].weight.fill_(1)
            found.discriminator[0].bias.fill_(-10)  # the logit of all that is made, x = 0
        total = 2 * found.loss_generator(torch.zeros(50, 1), now()).total
        (gradient,) = torch.autograd.grad(total, found.generator[0].bias)
        gradients[loss] = float(gradient)
    assert gradients["minimax"] == pytest.approx(-math.exp(-10), rel=1e-4)
    assert gradients["non-saturating"] == pytest.approx(-1, rel=1e-4)
    assert gradients["minimax"] / gradients["non-saturating"] == pytest.approx(math.exp(-10), rel=1e-9)


def test_each_player_moves_itself_alone():
    found = net(3, hidden_sizes=(5,))
    batch = torch.randn(40, 3, dtype=torch.float64)
    players = {phase.name: Player(phase, OptimiserConfig()) for phase in found.phases()}
    assert list(players) == ["discriminator", "generator"]
    for name, player in players.items():
        before = {key: one.clone() for key, one in found.state_dict().items()}
        player.update(player.phase.loss(batch, now()).total, 0.0)
        after = found.state_dict()
        moved = {key for key in before if not torch.equal(before[key], after[key])}
        assert moved == {key for key in before if key.startswith(name)}
        assert all(parameter.grad is None for parameter in found.parameters())
    made = list(found.generator.parameters())
    gradients = torch.autograd.grad(found.loss_discriminator(batch, now()).total, made, allow_unused=True)
    assert gradients == (None,) * len(made)


# ------------------------------------------------------------------------------------------------ networks


@pytest.mark.parametrize("output", ["linear", "sigmoid"])
def test_both_networks_are_layers_of_relu(output):
    found = net(3, latent_size=2, hidden_sizes=(4, 5), output=output)
    w = {name: one.detach().numpy() for name, one in found.named_parameters()}

    def through(name: str, x: list[float]) -> list[float]:
        for at in (0, 2, 4):
            weight, bias = w[f"{name}.{at}.weight"], w[f"{name}.{at}.bias"]
            x = [sum(a * b for a, b in zip(row, x, strict=True)) + c for row, c in zip(weight, bias, strict=True)]
            x = [max(one, 0) for one in x] if at < 4 else x
        return x

    z = torch.randn(6, 2, dtype=torch.float64)
    made = np.array([through("generator", row) for row in z.tolist()])
    made = made if output == "linear" else 1 / (1 + np.exp(-made))
    with torch.no_grad():
        np.testing.assert_allclose(found.decode(z), made, rtol=1e-12)
        logits = found.logits(torch.from_numpy(made))
    np.testing.assert_allclose(logits[:, None], [through("discriminator", row) for row in made.tolist()], rtol=1e-12)


def test_what_is_drawn_is_what_is_made_of_standard_normal_z():
    found = GAN(latent_size=3, hidden_sizes=(4,)).fit(X, trainer=SHORT)
    z = torch.empty(2000, 3).normal_(generator=torch.Generator().manual_seed(7))
    np.testing.assert_array_equal(found.sample(2000, seed=7), found.decode(z))


# ------------------------------------------------------------------------------------------------ model

X = np.random.default_rng(0).random((60, 4)).astype(np.float32)
SHORT = TrainerConfig(epochs=2, batch_size=25, threads=1)


@pytest.mark.parametrize("settings", [{}, {"output": "sigmoid", "loss": "minimax", "smoothing": 0.1}])
def test_it_keeps_to_the_contract_of_models(settings, tmp_path):
    data = DataSet("toy", *(Rows(part) for part in (X[:50], X[50:], X[::3])))
    fitted = check_model(GAN(latent_size=3, hidden_sizes=(5, 4), **settings), data, tmp_path)
    assert fitted.can("decode")
    samples = fitted.sample(200)
    assert ((samples > 0) & (samples < 1)).all() == (settings != {})


def test_the_discriminator_has_more_updates_each_on_a_batch_of_its_own():
    found = GAN(hidden_sizes=(4,), discriminator_steps=3).fit(X, trainer=SHORT.changed(epochs=None, steps=4))
    assert found.training.epochs == 3 * 4 / 3  # batches drawn over batches in an epoch


def test_it_learns_where_points_lie_and_how_they_spread():
    u = np.random.default_rng(0).uniform(-1, 1, 2000)
    x = np.column_stack([u, u**2]).astype(np.float32)
    rule = OptimiserConfig(learning_rate=2e-3, betas=(0.5, 0.999), schedule="linear", hold=0.5)
    trainer = TrainerConfig(epochs=None, steps=500, batch_size=100, threads=1, optimiser=rule)
    samples = GAN(hidden_sizes=(32, 32)).fit(x, trainer=trainer).sample(2000)
    assert (abs(samples[:, 1] - samples[:, 0] ** 2) < 0.15).mean() > 0.9
    np.testing.assert_allclose(samples.mean(0), x.mean(0), atol=0.1)
    np.testing.assert_allclose(samples.std(0), x.std(0), atol=0.1)


# ------------------------------------------------------------------------------------------------ errors


def test_what_it_is_not_able_to_do_it_says():
    with pytest.raises(AbilityError, match=r"gan: does not give log-probabilities; .* it can sample, decode"):
        GAN().log_prob(X)
    with pytest.raises(AbilityError, match="gan: does not encode; choose another model for that"):
        GAN().encode(X)
    with pytest.raises(NotFittedError, match=r"gan: is not fitted; call fit"):
        GAN().sample(1)


def test_rows_that_it_cannot_make_are_refused():
    wrong = X.copy()
    wrong[7, 2] = 1.5
    GAN(hidden_sizes=(4,)).fit(wrong, trainer=SHORT)
    with pytest.raises(DataError, match=r"gan: rows must hold numbers from 0 to 1, got 1\.5 in row 7, column 2; scale"):
        GAN(output="sigmoid").fit(wrong, trainer=SHORT)
    wrong[7, 2] = np.nan
    with pytest.raises(DataError, match="gan: rows must hold finite numbers, got nan in row 7, column 2; scale"):
        GAN().fit(wrong, trainer=SHORT)
    with pytest.raises(ConfigError, match="gan: a model of reals has no bits to sample; drop dynamic"):
        GAN().fit(X, trainer=SHORT, dynamic=True)
    with pytest.raises(ShapeError, match=r"gan: rows must have shape \(n, D\), got \(15, 4, 4\); flatten each"):
        GAN().fit(X.reshape(15, 4, 4), trainer=SHORT)


def test_a_recipe_must_leave_grey_levels_as_they_are():
    recipe = TrainingRecipe(name="tiny", model="gan", data="digits", binarise="none", config={"output": "sigmoid"})
    with pytest.raises(IrkitError, match="gan is of reals, which binarise: threshold would make bits of"):
        recipe.changed(binarise="threshold").check()


# ------------------------------------------------------------------------------------------------ the shipped recipe


@pytest.mark.slow
def test_its_digits_look_more_like_digits_than_pixels_drawn_one_by_one_do():
    recipe = load_training("gan-digits")
    data = recipe.load_data()
    train, test = (data.part(part).x for part in ("train", "test"))
    samples = recipe.fit(data).sample(250)
    rng = np.random.default_rng(0)
    pixels = np.column_stack([rng.choice(column, 250) for column in train.T])

    def off(x):
        """Mean distance to the nearest training row, over that of test rows."""
        return distances(x, train).min(1).mean() / distances(test, train).min(1).mean()

    assert off(samples) < 0.8 * off(pixels)
    assert distances(samples, samples).mean() > 0.8 * distances(test, test).mean()  # they are not all one


def distances(one, other):
    return np.sqrt(((one[:, None] - other[None]) ** 2).sum(2))

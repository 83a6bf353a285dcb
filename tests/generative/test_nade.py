"""Tests of irkit.generative.nade, and through it of irkit.generative.base."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, DataError, NotFittedError, NotFoundError, ShapeError
from irkit.generative import nade
from irkit.generative.nade import CHUNK, NADE, NADEConfig, chunked_logits, dense_logits, hidden_states, nade_logits
from irkit.io import load_rows
from irkit.io.kinds import Spec
from irkit.learn import slices
from irkit.learn.distributions import bernoulli_log_prob
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.trainer import TrainerConfig
from tests.oracles import density as oracle

ACTIVATIONS = ["sigmoid", "relu"]
forms = pytest.mark.parametrize("form", [chunked_logits, dense_logits])


@pytest.fixture(params=["chunked", "dense"])
def chosen(request, monkeypatch):
    """Let the model take either form, whatever the device."""
    monkeypatch.setattr(nade, "accelerated", lambda device: request.param == "dense")


def weights(size: int, hidden: int, seed: int = 0) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    shapes = [(size, hidden), (hidden,), (size, hidden), (size,)]
    return [torch.randn(shape, generator=rng, dtype=torch.float64) for shape in shapes]


def model(size: int, hidden: int, seed: int = 0, **config) -> NADE:
    found = NADE(NADEConfig(hidden_size=hidden, **config))
    found.net = found.build(Spec("rows", (size,))).double()
    with torch.no_grad():
        for parameter, value in zip(
            (found.net.w, found.net.c, found.net.v, found.net.b), weights(size, hidden, seed), strict=True
        ):
            parameter.copy_(value)
    return found


def rows(n: int, size: int, seed: int = 1) -> torch.Tensor:
    return torch.bernoulli(
        torch.full((n, size), 0.4, dtype=torch.float64), generator=torch.Generator().manual_seed(seed)
    )


# ------------------------------------------------------------------------------------------------ the recurrence


def test_hidden_states_by_hand():
    row, prefix, within, place = hidden_states(torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]))
    assert row.tolist() == [0, 0, 1, 1]
    assert prefix.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert within.long().tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert place.tolist() == [[0, 1, 5], [6, 10, 11]]


@forms
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("size", [1, 5, CHUNK, CHUNK + 1, 2 * CHUNK + 3])
def test_logits_are_those_of_separate_conditionals(activation, size, form):
    parameters, x = weights(size, 4), rows(6, size)
    slow = [oracle.nade_logits(row, *(p.numpy() for p in parameters), activation) for row in x.numpy()]
    np.testing.assert_allclose(form(x, *parameters, activation), slow, rtol=1e-12, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 999),
    size=st.integers(1, 40),
    n=st.integers(1, 5),
    density=st.sampled_from([0.0, 0.1, 0.9, 1.0]),
)
def test_any_rows_agree_with_the_loop_and_real_values_do_too(seed, size, n, density):
    rng = np.random.default_rng(seed)
    x = (rng.random((n, size)) < density) * rng.choice([1.0, -0.7, 2.5], (n, size))
    parameters = weights(size, 3, seed)
    slow = [oracle.nade_logits(row, *(p.numpy() for p in parameters)) for row in x]
    for form in (chunked_logits, dense_logits):
        np.testing.assert_allclose(form(torch.from_numpy(x), *parameters), slow, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_written_gradient_is_the_numerical_one(activation):
    parameters = [p.requires_grad_() for p in weights(CHUNK + 5, 3)]
    x = rows(4, CHUNK + 5)
    assert torch.autograd.gradcheck(lambda *p: chunked_logits(x, *p, activation), parameters)


@forms
def test_bits_and_a_bias_for_each_row_get_their_gradients_too(form):
    w, _, v, b = [p.requires_grad_() for p in weights(CHUNK + 3, 3)]
    x = rows(2, CHUNK + 3).requires_grad_()
    c = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4)).requires_grad_()
    assert torch.autograd.gradcheck(form, (x, w, c, v, b))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_written_gradient_is_that_of_the_plain_recurrence(activation):
    parameters, x = weights(50, 7), rows(9, 50)
    act = torch.sigmoid if activation == "sigmoid" else torch.relu

    def loop(w, c, v, b):
        a, logits = c.expand(len(x), -1), []
        for d in range(x.shape[1]):
            logits.append(b[d] + act(a) @ v[d])
            a = a + torch.outer(x[:, d], w[d])
        return torch.stack(logits, dim=1)

    gradients = []
    for forward in (loop, lambda *p: chunked_logits(x, *p, activation)):
        leaves = [p.clone().requires_grad_() for p in parameters]
        (forward(*leaves).sin() * torch.arange(50)).sum().backward()
        gradients.append([leaf.grad for leaf in leaves])
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


# ------------------------------------------------------------------------------------------------ the dense form


def both(x, parameters, activation):
    """Logits, and the gradients of a sum that weighs each of them differently, by both forms."""
    found = []
    for form in (chunked_logits, dense_logits):
        leaves = [p.clone().requires_grad_() for p in parameters]
        logits = form(x, *leaves, activation)
        loss = -(bernoulli_log_prob(x, logits) * torch.arange(1, len(x) + 1)).sum()
        found.append([logits.detach(), *torch.autograd.grad(loss, leaves)])
    return zip(*found, strict=True)


@pytest.mark.parametrize("slice_rows", [1, 3, 1000])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_both_forms_are_equal_with_their_gradients_however_rows_are_cut(activation, slice_rows, monkeypatch):
    size, hidden, made = 3 * CHUNK + 7, 9, []
    monkeypatch.setattr(slices, "NUMBERS", slice_rows * 3 * 4 * CHUNK * hidden)
    act = getattr(torch, activation)
    monkeypatch.setattr(torch, activation, lambda a: made.append(a.numel()) or act(a))
    for chunked, dense in both(rows(8, size), weights(size, hidden), activation):
        np.testing.assert_allclose(dense, chunked, rtol=1e-10, atol=1e-10)
    assert max(made) == min(slice_rows, 8) * 4 * CHUNK * hidden
    assert len(made) == {1: 16, 3: 6, 1000: 1}[slice_rows]  # of several slices each is computed again


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_in_single_precision_they_differ_by_a_hundred_thousandth(activation):
    parameters = [0.1 * p.float() for p in weights(200, 50)]
    for chunked, dense in both(rows(20, 200).float(), parameters, activation):
        np.testing.assert_allclose(dense, chunked, rtol=1e-5, atol=1e-5 * float(chunked.abs().max()))


@pytest.mark.parametrize("slice_rows", [2, 1000])
def test_no_shape_depends_on_data_and_nothing_is_read_back(slice_rows, monkeypatch):
    """On torch's device without data, where whatever asks for a value fails."""
    monkeypatch.setattr(slices, "NUMBERS", slice_rows * 3 * 2 * CHUNK * 3)
    x, *parameters = (p.to("meta") for p in (rows(5, CHUNK + 4), *weights(CHUNK + 4, 3)))
    leaves = [p.requires_grad_() for p in parameters]
    logits = nade_logits(x, *leaves)
    assert logits.shape == x.shape
    assert [grad.shape for grad in torch.autograd.grad(logits.sum(), leaves)] == [p.shape for p in leaves]
    with pytest.raises(RuntimeError, match=r"nonzero|Meta"):
        chunked_logits(x, *leaves)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_dense_form_is_for_all_but_the_processor(device, monkeypatch):
    for name in ("chunked_logits", "dense_logits"):
        monkeypatch.setattr(nade, name, lambda *given, name=name: name)
    x = torch.zeros(2, 3, device=device)
    assert nade_logits(x, *weights(3, 2)) == ("chunked_logits" if device == "cpu" else "dense_logits")


def test_evaluation_keeps_nothing_for_a_gradient(monkeypatch):
    kept = []
    monkeypatch.setattr(
        torch.autograd.function.FunctionCtx,
        "__setattr__",
        lambda ctx, name, value: kept.append((name, value)),
        raising=False,
    )
    found, x = model(40, 4), rows(3, 40)
    with torch.no_grad():
        found.net.logits(x)
    assert dict(kept)["chunks"] == []


# ------------------------------------------------------------------------------------------------ the density


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("order", ["given", "random"])
def test_all_configurations_sum_to_one(activation, order, chosen):
    found = model(10, 6, activation=activation, order=order)
    assert oracle.total(found.log_prob(oracle.bits(10)).value) == pytest.approx(1, abs=1e-13)


def test_no_logit_sees_its_own_bit_or_a_later_one():
    size = 2 * CHUNK + 5
    found = model(size, 4)
    assert oracle.leaks(found.net.logits, rows(3, size)) == []


def test_a_flip_leaves_earlier_logits_unchanged_to_the_bit(chosen):
    size = CHUNK + 4
    found, x = model(size, 4), rows(1, size)
    flipped = (x - torch.eye(size)).abs()
    # One row at a time, with every hidden vector computed, so that all matrix products have the same shapes.
    base = found.net.logits(x.requires_grad_())[0]
    for k in range(size):
        logits = found.net.logits(flipped[k : k + 1].clone().requires_grad_())[0]
        assert torch.equal(logits[: k + 1], base[: k + 1])
        assert k == size - 1 or not torch.equal(logits[k + 1 :], base[k + 1 :])


def test_rows_weights_and_order_permuted_together_change_nothing():
    w, c, v, b = weights(12, 5)
    x = oracle.bits(12)[::37]
    new = np.random.default_rng(0).permutation(12)  # where each bit of the new data comes from
    plain = NADE.from_weights(w, c, v, b)
    turned = NADE.from_weights(w[new], c, v[new], b[new], order=np.argsort(new))
    np.testing.assert_array_equal(turned.log_prob(x[:, new]).value, plain.log_prob(x).value)
    other = NADE.from_weights(w, c, v, b, order=new)
    assert np.abs(other.log_prob(x).value - plain.log_prob(x).value).max() > 0.1
    assert oracle.total(other.log_prob(oracle.bits(12)).value) == pytest.approx(1, abs=1e-12)


def test_an_order_that_is_no_permutation_is_refused():
    with pytest.raises(ConfigError, match=r"nade: the order must name each of 3 bits once, got \[0, 1, 1\]"):
        NADE.from_weights(*weights(3, 2), order=np.array([0, 1, 1]))


@pytest.mark.parametrize(("activation", "order"), [("sigmoid", "random"), ("relu", "given")])
def test_samples_have_the_probabilities(activation, order):
    found = model(6, 4, activation=activation, order=order)
    samples = found.sample(100_000, seed=3)
    assert (samples.shape, samples.dtype) == ((100_000, 6), np.float32)
    assert oracle.chi_square(samples, np.exp(found.log_prob(oracle.bits(6)).value)) > 1e-3
    np.testing.assert_array_equal(found.sample(50, seed=4), found.sample(50, seed=4))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_representation_is_the_hidden_state_after_the_last_bit(activation):
    found, x = model(5, 4, activation=activation, order="random"), rows(3, 5)
    w, c = found.net.w.tolist(), found.net.c.tolist()
    for row, vector in zip(x.tolist(), found.encode(x), strict=True):
        seen = [(row[bit], w[d]) for d, bit in enumerate(found.net.order.tolist())]
        a = [c[j] + sum(value * weight[j] for value, weight in seen) for j in range(4)]
        slow = [oracle.sigmoid(one) if activation == "sigmoid" else max(one, 0.0) for one in a]
        np.testing.assert_allclose(vector, slow, rtol=1e-6)


def test_the_start_is_independent_bits_at_their_frequencies():
    x = np.array([[1.0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]], dtype=np.float32)
    found = NADE(NADEConfig(hidden_size=4, order="random"))
    found.net = found.build(Spec("rows", (3,)))
    torch.nn.init.zeros_(found.net.v)
    found.net.start(torch.from_numpy(x))
    p = np.array([0.75, 0.5, 1e-3])
    np.testing.assert_allclose(found.log_prob(x[:1]).value, [np.log([p[0], 1 - p[1], 1 - p[2]]).sum()], rtol=1e-5)


# ------------------------------------------------------------------------------------------------ learning


SMOKE = TrainerConfig(epochs=15, batch_size=50, optimiser=OptimiserConfig(learning_rate=1e-2))


@pytest.fixture(scope="module")
def digits():
    return load_rows("digits")


@pytest.mark.slow
def test_it_learns_the_digits(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nade")
    fitted = NADE(NADEConfig(hidden_size=100)).fit(digits.train, digits.valid, trainer=SMOKE, folder=folder)
    found = fitted.log_prob(digits.test)
    assert found.kind == "exact"
    assert -found.mean().value <= 0.75 * -oracle.independent_bits(digits.train, digits.test)
    assert fitted.training.best == pytest.approx(fitted.log_prob(digits.valid).mean().value, abs=1e-4)
    assert (folder / "metrics.jsonl").is_file()

    fitted.save(folder / "model.safetensors")
    again = NADE.load(folder / "model.safetensors")
    assert again.config == fitted.config
    np.testing.assert_array_equal(again.log_prob(digits.test).value, found.value)


def test_a_run_in_two_parts_is_one_run(digits, tmp_path, chosen):
    config = SMOKE.changed(epochs=2)
    whole = NADE(NADEConfig(hidden_size=10)).fit(digits.train, trainer=config)
    NADE(NADEConfig(hidden_size=10)).fit(digits.train, trainer=SMOKE.changed(epochs=1), folder=tmp_path)
    parts = NADE(NADEConfig(hidden_size=10)).fit(digits.train, trainer=config, folder=tmp_path, resume=True)
    for ours, theirs in zip(parts.net.parameters(), whole.net.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_dynamic_binarisation_trains_on_grey_values():
    data = load_rows("digits", binarise="dynamic")
    config = TrainerConfig(epochs=None, steps=3)
    fitted = NADE(NADEConfig(hidden_size=4)).fit(data.train, data.valid, trainer=config, dynamic=data.dynamic)
    assert fitted.training.best < 0
    with pytest.raises(
        DataError, match=r"nade: rows must hold 0 and 1, got 0\.\d+ in row 0, column 2; binarise the data"
    ):
        NADE().fit(data.train)


# ------------------------------------------------------------------------------------------------ what is refused


def test_wrong_rows_are_refused():
    found = model(3, 2)
    with pytest.raises(ShapeError, match=r"nade: rows must have shape \(n, 3\), got \(2, 4\)"):
        found.log_prob(np.zeros((2, 4)))
    with pytest.raises(ShapeError, match=r"nade: rows must have shape \(n, D\), got \(0, 4\)"):
        found.fit(np.zeros((0, 4)))
    with pytest.raises(DataError, match="rows must hold 0 and 1, got nan in row 1, column 2"):
        found.log_prob(np.array([[0, 1, 0], [1, 1, np.nan]]))
    with pytest.raises(DataError, match=r"rows must hold probabilities from 0 to 1, got 1.5 in row 0, column 1"):
        found.fit(np.array([[0, 1.5]]), dynamic=True)
    bits = np.array([[0, 1, 1]])
    bits.flags.writeable = False  # as a memory map is
    for same in (bits, bits.astype(bool), bits.tolist(), bits.astype(np.float16)):
        assert found.log_prob(same).value == pytest.approx(found.log_prob(bits.astype(float)).value)


def test_a_model_that_is_not_fitted_says_so(tmp_path):
    for use in (
        lambda: NADE().log_prob(np.zeros((1, 2))),
        lambda: NADE().sample(1),
        lambda: NADE().save(tmp_path / "a"),
    ):
        with pytest.raises(NotFittedError, match="nade: is not fitted; call fit"):
            use()
    assert list(tmp_path.iterdir()) == []


def test_files_of_something_else_are_refused(tmp_path):
    from irkit.learn import checkpoint

    with pytest.raises(NotFoundError, match="there is no such checkpoint"):
        NADE.load(tmp_path / "none")
    checkpoint.save(tmp_path / "a", "rbm", {})
    with pytest.raises(DataError, match="holds a 'rbm', a 'nade' is needed"):
        NADE.load(tmp_path / "a")
    found = model(3, 2)
    tree = {"config": {"hidden_size": 5}, "size": 3, "net": dict(found.net.state_dict())}
    for damage in ({}, {"size": 4}, {"net": {}}, {"config": {"hiden_size": 2}}, {"config": {"hidden_size": "many"}}):
        checkpoint.save(tmp_path / "b", "nade", {**tree, **damage})
        with pytest.raises(DataError, match="does not fit the model 'nade'") as caught:
            NADE.load(tmp_path / "b")
        assert "\n" not in str(caught.value)


@forms
def test_no_rows_have_no_logits(form):
    w = torch.zeros(CHUNK + 1, 2)
    assert form(torch.zeros(0, CHUNK + 1), w, torch.zeros(2), w, torch.zeros(CHUNK + 1)).shape == (0, CHUNK + 1)

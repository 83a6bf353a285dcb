"""Tests of irkit.represent.deep_docnade: the cut's loss is unbiased, by enumeration; sums; layers by hand; training."""

import itertools

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import Padded, TrainerConfig
from irkit.learn.phases import Now
from irkit.represent import DeepDocNADE
from irkit.represent.deep_docnade import DeepDocNADEConfig, cut_loss
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives

V = 6
TRAINER = TrainerConfig(epochs=2, batch_size=4, device="cpu")
DOCS = Tokens(Ragged.of([np.array(one) for one in ([0, 1, 1, 5], [2], [3, 3, 4, 0], [5, 4], [1, 2, 3])]), V)


def random_net(sizes=(4, 3)):
    torch.manual_seed(0)
    net = DeepDocNADE(DeepDocNADEConfig(hidden_sizes=sizes)).build(DOCS.spec).double()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    return net


def test_the_loss_of_a_cut_is_unbiased_over_all_orders_and_cuts():
    net, document = random_net(), [0, 3, 3, 5]
    orders = list(itertools.permutations(document))
    exact = net.log_prob(Padded(torch.tensor(orders), torch.full((24,), 4))).mean()
    losses = []
    for order, seen in itertools.product(orders, range(4)):
        words = Padded(torch.tensor([order]), torch.tensor([4]))
        h = net.hidden(net.c + net.w[list(order[:seen])].sum(0))
        losses.append(cut_loss(net.words.log_prob_all(h[None]), words, torch.tensor([seen])))
    torch.testing.assert_close(torch.cat(losses).mean(), -exact)


def test_the_probabilities_of_all_documents_of_two_words_sum_to_one():
    every = torch.tensor(list(itertools.product(range(V), repeat=2)))
    found = random_net().log_prob(Padded(every, torch.full((V * V,), 2)))
    assert found.exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_the_vector_of_a_document_is_its_last_layer_by_hand():
    net = random_net((4, 3, 2))
    w, c = net.w.detach().numpy(), net.c.detach().numpy()
    h = np.tanh(c + w[1] + 2 * w[4])
    for layer in net.layers:
        h = np.tanh(layer.weight.detach().numpy() @ h + layer.bias.detach().numpy())
    found = net.encode(Padded(torch.tensor([[1, 4, 4, 0]]), torch.tensor([3])))
    np.testing.assert_allclose(found.detach().numpy()[0], h, rtol=1e-12)


def test_orders_together_are_at_least_their_mean_and_an_order_changes_log_p_alone():
    net = random_net()
    orders = torch.tensor(list(itertools.permutations([0, 1, 3, 5])))
    words = Padded(orders, torch.full((24,), 4))
    log_p = net.log_prob(words)
    assert log_p.std() > 1e-3
    assert log_p.logsumexp(0) - np.log(24) > log_p.mean()
    codes = net.encode(words)
    torch.testing.assert_close(codes, codes[:1].expand(24, -1))


def test_a_step_is_the_loss_of_a_cut_that_is_drawn():
    """Its mean over many draws is minus log p over words, averaged over orders; padding has no part in it."""
    net = random_net()
    words = Padded(torch.tensor([[0, 3, 5], [2, 4, 4]] * 400), torch.tensor([3, 1] * 400))
    rng = torch.Generator().manual_seed(0)
    losses = torch.stack([net.loss(words, Now(0, 0, 0.0, rng)).total for _ in range(10)]).detach()
    orders = torch.tensor(list(itertools.permutations([0, 3, 5])))
    exact = net.log_prob(Padded(orders, torch.full((6,), 3))).mean() + net.log_prob(
        Padded(torch.tensor([[2]]), torch.tensor([1]))
    )
    assert losses.mean().item() == pytest.approx(-exact.item() / 4, abs=5 * losses.std().item() / 10**0.5)


def test_gradients_of_a_step_are_those_of_differences():
    net = random_net()
    words = Padded(torch.tensor([[0, 3, 5, 5], [2, 1, 0, 0], [0, 0, 0, 0]]), torch.tensor([4, 2, 0]))
    weights = dict(net.named_parameters())

    def loss(*values):
        now = Now(0, 0, 0.0, torch.Generator().manual_seed(1))
        return torch.func.functional_call(net, dict(zip(weights, values, strict=True)), (words, now))

    net.forward = lambda words, now: net.loss(words, now).total
    assert torch.autograd.gradcheck(loss, tuple(weights.values()))


def test_padding_and_documents_without_words_cost_nothing():
    words = Padded(torch.tensor([[1, 2, 0], [0, 0, 0]]), torch.tensor([2, 0]))
    log_p = torch.log_softmax(torch.randn(2, V, generator=torch.Generator().manual_seed(0)), 1)
    found = cut_loss(log_p, words, torch.tensor([1, 0]))
    torch.testing.assert_close(found, torch.stack([-2 * log_p[0, 2], torch.tensor(0.0)]))


@pytest.mark.parametrize("sizes", [(0,), (4, -1), (4, True), (2.0,)])
def test_layers_have_units(sizes):
    with pytest.raises(ConfigError, match=r"deep-docnade: hidden_sizes\.\d is not valid, got"):
        DeepDocNADE(hidden_sizes=sizes)


def test_it_keeps_to_the_contract_of_models(tmp_path):
    model = DeepDocNADE(DeepDocNADEConfig(hidden_sizes=(4, 3)))
    data = DataSet("toy", DOCS, DOCS, DOCS)
    check_model(model, data, tmp_path / "checked")
    check_that_it_survives(model, data, TRAINER, tmp_path / "run", step=2)


def test_planted_topics_are_learned():
    rng = np.random.default_rng(0)
    topics = np.full((2, 20), 0.005)
    topics[0, :10], topics[1, 10:] = 0.095, 0.095
    each = [rng.choice(20, size=12, p=topics[kind]) for kind in rng.integers(2, size=400)]
    data = DataSet("planted", *(Tokens(Ragged.of(part), 20) for part in (each[:300], each[300:350], each[350:])))
    trainer = TrainerConfig(epochs=40, batch_size=20, device="cpu")
    fitted = DeepDocNADE(DeepDocNADEConfig(hidden_sizes=(8,))).fit(data, trainer=trainer)
    assert fitted.values(data.test, orders=4)["nats a word"].value.mean() < 0.9 * np.log(20)

"""Tests of irkit.learn.softmaxes."""

import math

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, ShapeError
from irkit.learn.adaptive import AdaptiveSoftmax
from irkit.learn.softmaxes import FullSoftmax, SampledSoftmax, Softmax, TreeSoftmax

H = 5
KINDS = {
    "full": FullSoftmax,
    "tree": TreeSoftmax,
    "sampled": SampledSoftmax,
    "adaptive": lambda hidden, words: AdaptiveSoftmax(hidden, words, cutoffs=sorted({1, words // 2}), shrink=2),
}


@pytest.fixture(autouse=True)
def _double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def made(kind: str, words: int, seed: int = 0) -> Softmax:
    """A softmax whose weights and biases are far from zero."""
    torch.manual_seed(seed)
    net = KINDS[kind](H, words)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_()
    return net


def rows(n: int, words: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(n, H, generator=rng), torch.randint(words, (n,), generator=rng)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def zipf(words: int) -> torch.Tensor:
    """Counts of words, not sorted."""
    order = torch.randperm(words, generator=torch.Generator().manual_seed(5))
    return (60 / (1 + order.double())).ceil()


# By hand


def test_three_words_on_a_tree_are_products_of_sigmoids():
    net = TreeSoftmax(1, 3)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[0.5], [-2.0]]))
        net.bias.copy_(torch.tensor([0.1, 0.3]))
    root, below = sigmoid(0.5 * 2 + 0.1), sigmoid(-2.0 * 2 + 0.3)
    # The left half of three has two words, told apart by the second node.
    hand = sorted([root * below, root * (1 - below), 1 - root])
    found = net.log_prob_all(torch.tensor([[2.0]])).detach().exp()[0]
    np.testing.assert_allclose(found.sort().values, hand, rtol=1e-12)
    right = (net.signs[:, 0] == -1).nonzero().item()
    assert float(found[right]) == pytest.approx(1 - root)
    assert net.nodes[right].tolist() == [0, 0]
    assert net.signs[right].tolist() == [-1, 0]


def test_the_sampled_loss_by_hand():
    net = SampledSoftmax(1, 4, negatives=2)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[1.0], [2.0], [3.0], [4.0]]))
        net.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]))
    h = torch.tensor([[1.0], [1.0]])
    found = net.contrast(h, torch.tensor([0, 2]), torch.tensor([2, 1]), torch.tensor([0.5, 0.25])).tolist()
    one, two = 3.3 - 0.5, 2.2 - 0.25  # scores of words 2 and 1, each less its log-expected count
    assert found[0] == pytest.approx(-1.1 + math.log(math.exp(1.1) + math.exp(one) + math.exp(two)))
    assert found[1] == pytest.approx(-3.3 + math.log(math.exp(3.3) + math.exp(two)))  # word 2 is its own


def test_adaptive_is_an_explicit_two_level_computation():
    net = AdaptiveSoftmax(H, 7, cutoffs=[2, 4], shrink=2)
    unigram = torch.tensor([5.0, 90, 1, 20, 60, 10, 3])
    net.start(unigram)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_()
    ranked = [1, 4, 3, 5, 0, 6, 2]
    h, _ = rows(1, 7)
    head = (h @ net.head.weight.T + net.head.bias).softmax(1)[0].tolist()
    hand = [0.0] * 7
    for rank, word in enumerate(ranked):
        if rank < 2:
            hand[word] = head[rank]
            continue
        cluster, start = (0, 2) if rank < 4 else (1, 4)
        tail = net.tails[cluster]
        within = (h @ net.narrow[cluster].weight.T @ tail.weight.T + tail.bias).softmax(1)[0].tolist()
        hand[word] = head[2 + cluster] * within[rank - start]
    assert [len(tail.bias) for tail in net.tails] == [2, 3]
    assert [layer.out_features for layer in net.narrow] == [2, 1]
    np.testing.assert_allclose(net.log_prob_all(h).detach().exp()[0], hand, rtol=1e-12)
    every = net.log_prob(h.expand(7, H), torch.arange(7)).detach().exp()
    np.testing.assert_allclose(every, hand, rtol=1e-12)


def test_adaptive_agrees_with_torch_where_clusters_have_no_bias():
    torch.manual_seed(3)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(8, 30, cutoffs=[6, 14], div_value=2, head_bias=True)
    ours = AdaptiveSoftmax(8, 30, cutoffs=[6, 14], shrink=2)
    ours.head.load_state_dict(theirs.head.state_dict())
    for at, (narrow, words) in enumerate(theirs.tail):
        ours.narrow[at].load_state_dict(narrow.state_dict())
        with torch.no_grad():
            ours.tails[at].weight.copy_(words.weight)
    h = torch.randn(11, 8)
    np.testing.assert_allclose(ours.log_prob_all(h).detach(), theirs.log_prob(h).detach(), rtol=1e-10)


# What all four keep to


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("words", [2, 3, 37, 64])
def test_probabilities_sum_to_one_and_agree_with_those_of_single_words(kind, words):
    net = made(kind, words)
    h, _ = rows(4, words)
    every = net.log_prob_all(h)
    assert every.shape == (4, words)
    np.testing.assert_allclose(every.detach().exp().sum(1), 1, rtol=1e-12)
    for word in range(words):
        single = net.log_prob(h, torch.full((4,), word))
        assert single.shape == (4,)
        np.testing.assert_allclose(single.detach(), every[:, word].detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_it_starts_at_the_unigram_distribution(kind):
    unigram = zipf(37)
    net = KINDS[kind](H, 37)
    net.start(unigram)
    found = net.log_prob_all(torch.zeros(2, H)).detach().exp()
    np.testing.assert_allclose(found, (unigram / unigram.sum()).expand(2, 37), rtol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_single_words_and_of_all(kind):
    net = made(kind, 7)
    h, y = rows(3, 7)
    names = [name for name, _ in net.named_parameters()]
    start = [parameter.detach().clone().requires_grad_() for parameter in net.parameters()]

    def call(method):
        def value(h, *parameters):
            arguments = (h, y) if method == "single" else (h,)
            return torch.func.functional_call(
                Wrapped(net, method), dict(zip(prefixed, parameters, strict=True)), arguments
            )

        return value

    prefixed = [f"net.{name}" for name in names]
    for method in ("single", "all"):
        assert torch.autograd.gradcheck(call(method), (h.clone().requires_grad_(), *start))


class Wrapped(torch.nn.Module):
    """Lets functional_call reach a method other than forward."""

    def __init__(self, net: Softmax, method: str) -> None:
        super().__init__()
        self.net, self.method = net, method

    def forward(self, h, y=None):
        return self.net.log_prob(h, y) if self.method == "single" else self.net.log_prob_all(h)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_summed_over_rows_and_reaches_all_weights(kind):
    net = made(kind, 9)
    h, y = rows(40, 9)
    loss = net.loss(h.requires_grad_(), y, torch.Generator().manual_seed(0))
    if kind != "sampled":
        assert loss.item() == pytest.approx(-net.log_prob(h, y).sum().item(), rel=1e-12)
    loss.backward()
    assert h.grad.isfinite().all()
    assert all(parameter.grad.abs().sum() > 0 for parameter in net.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_samples_have_the_distribution(kind):
    from scipy.stats import chisquare

    net = made(kind, 6)
    h, _ = rows(2, 6)
    n = 4000
    drawn = net.sample(h.repeat_interleave(n, 0), torch.Generator().manual_seed(1)).view(2, n)
    assert drawn.dtype == torch.int64
    expected = net.log_prob_all(h).detach().exp().numpy() * n
    for at in range(2):
        seen, should = np.bincount(drawn[at], minlength=6), expected[at]
        rare = should < 5
        seen = np.append(seen[~rare], seen[rare].sum())
        should = np.append(should[~rare], should[rare].sum())
        keep = should > 0
        assert chisquare(seen[keep], should[keep]).pvalue > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_saved_weights_bring_tree_and_ranks_back(kind):
    one, other = made(kind, 11, seed=1), made(kind, 11, seed=2)
    one.start(zipf(11))
    other.load_state_dict(one.state_dict())
    h, _ = rows(3, 11)
    np.testing.assert_array_equal(one.log_prob_all(h).detach(), other.log_prob_all(h).detach())


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows_give_no_numbers(kind):
    net = made(kind, 5)
    h, y = torch.zeros(0, H), torch.zeros(0, dtype=torch.int64)
    assert net.log_prob(h, y).shape == (0,)
    assert net.loss(h, y, torch.Generator()) == 0
    assert net.log_prob_all(h).shape == (0, 5)


# The tree


@pytest.mark.parametrize("words", [2, 3, 5, 37, 64, 100])
def test_the_tree_has_a_leaf_for_each_word_and_nearly_equal_paths(words):
    net = TreeSoftmax(1, words)
    lengths = (net.signs != 0).sum(1)
    assert set(lengths.tolist()) <= {math.floor(math.log2(words)), math.ceil(math.log2(words))}
    assert sum(2.0 ** -int(length) for length in lengths) == 1.0
    paths = {tuple(zip(*path, strict=True)) for path in zip(net.nodes.tolist(), net.signs.tolist(), strict=True)}
    assert len(paths) == words
    used = {(int(node), int(sign)) for path in paths for node, sign in path if sign}
    assert used == {(node, sign) for node in range(words - 1) for sign in (-1, 1)}


def test_the_seed_decides_the_tree():
    one, same, other = TreeSoftmax(1, 50), TreeSoftmax(1, 50, seed=1), TreeSoftmax(1, 50, seed=2)
    assert torch.equal(one.signs, same.signs)
    assert not torch.equal(one.signs, other.signs)


# The sampled loss


def test_with_every_word_drawn_once_the_sampled_loss_and_its_gradient_are_the_full_ones():
    net = made("sampled", 12)
    h, y = rows(8, 12)
    loss = net.contrast(h, y, torch.arange(12), torch.zeros(12))
    exact = -net.log_prob(h, y)
    np.testing.assert_allclose(loss.detach(), exact.detach(), rtol=1e-12)
    parameters = list(net.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(loss.sum(), parameters), torch.autograd.grad(exact.sum(), parameters), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_estimated_normaliser_is_unbiased_and_the_correction_makes_it_so():
    net = made("sampled", 8)
    net.negatives = 4
    net.log_q.copy_((zipf(8) / zipf(8).sum()).log())
    h, y = rows(1, 8)
    h = h / 3
    scores = (h @ net.weight.T + net.bias)[0].detach()
    rng = torch.Generator().manual_seed(4)
    repeats = 4000
    with torch.no_grad():
        found = torch.stack([net.loss(h, y, rng) + scores[y[0]] for _ in range(repeats)]).exp()
    error = float(found.std()) / math.sqrt(repeats)
    exact = float(scores.exp().sum())
    assert abs(float(found.mean()) - exact) < 4 * error
    # Without the correction by the proposal it would be far off.
    others = scores.exp().clone()
    others[y[0]] = 0
    uncorrected = float(scores[y[0]].exp() + 4 * (net.log_q.exp() * others).sum())
    assert abs(uncorrected - exact) > 20 * error


def test_the_sampled_gradient_nears_the_full_one_as_more_words_are_drawn():
    h, y = rows(6, 20)
    distances = []
    for negatives in (5, 50, 5000):
        net = made("sampled", 20)
        net.negatives = negatives
        net.log_q.copy_((zipf(20) / zipf(20).sum()).log())
        exact = torch.autograd.grad(-net.log_prob(h, y).sum(), net.weight)[0]
        rng = torch.Generator().manual_seed(0)
        mean = sum(torch.autograd.grad(net.loss(h, y, rng), net.weight)[0] for _ in range(200)) / 200
        distances.append(float((mean - exact).norm() / exact.norm()))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 0.02


def test_words_are_drawn_from_the_unigram_distribution():
    net = SampledSoftmax(H, 5, negatives=40_000)
    net.start(torch.tensor([1.0, 2, 3, 4, 10]))
    seen = []
    net.contrast = lambda h, y, drawn, expected: seen.extend([drawn, expected]) or h.sum(1)
    net.loss(*rows(1, 5), torch.Generator().manual_seed(0))
    drawn, expected = seen
    np.testing.assert_allclose(torch.bincount(drawn) / 40_000, np.array([1, 2, 3, 4, 10]) / 20, atol=0.01)
    np.testing.assert_allclose(expected.exp(), torch.tensor([1.0, 2, 3, 4, 10])[drawn] * 2000, rtol=1e-10)


# Errors


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_shapes_and_words_outside_the_vocabulary_are_refused(kind):
    net = made(kind, 6)
    h, y = rows(3, 6)
    rng = torch.Generator()
    for call, message in [
        (lambda: net.log_prob_all(h[0]), rf"hidden vectors must be \(n, {H}\), got \({H},\); give one row"),
        (lambda: net.log_prob(h[:, :4], y), rf"hidden vectors must be \(n, {H}\), got \(3, 4\)"),
        (lambda: net.log_prob(h, y[:2]), r"words must be \(3,\), got \(2,\); give one word a row"),
        (lambda: net.log_prob(h, torch.tensor([0, -1, 2])), "words must be 0 to 5, got -1 to 2; leave padding out"),
        (lambda: net.loss(h, torch.tensor([0, 6, 2]), rng), "words must be 0 to 5, got 0 to 6; leave padding out"),
        (lambda: net.start(torch.ones(5)), r"one unigram count a word is needed, got shape \(5,\) for 6 words"),
    ]:
        with pytest.raises(ShapeError, match=message):
            call()
    for worst in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ConfigError, match=f"counts must be positive and finite, got one of {worst:g}; add one"):
            net.start(torch.tensor([1, 2, 3, 4, 5, worst]))
    with pytest.raises(ConfigError, match="at least 1 hidden unit and 2 words are needed, got 5 and 1; correct"):
        KINDS[kind](H, 1)


def test_wrong_settings_are_refused():
    for cutoffs in ([], [0], [6], [3, 3], [4, 2]):
        with pytest.raises(ConfigError, match="cutoffs must increase between 1 and 5, got "):
            AdaptiveSoftmax(H, 6, cutoffs=cutoffs)
    with pytest.raises(ConfigError, match="cannot be wider than the head, got shrink 0; use 1 or more"):
        AdaptiveSoftmax(H, 6, cutoffs=[2], shrink=0)
    with pytest.raises(ConfigError, match="at least one word must be drawn, got 0; correct negatives"):
        SampledSoftmax(H, 6, negatives=0)
    with pytest.raises(TypeError, match=r"abstract methods '?log_prob'?, '?log_prob_all'?, '?start'?"):
        Softmax(H, 6)


# Learning


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_conditional_probabilities_is_learned(kind):
    # Four contexts, nine words; what is learned is compared with the entropy that cannot be undercut.
    truth = torch.softmax(2 * torch.randn(4, 9, generator=torch.Generator().manual_seed(0)), 1)
    torch.manual_seed(0)
    net = KINDS[kind](4, 9)
    net.start(truth.mean(0))
    rng = torch.Generator().manual_seed(1)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.05)
    h = torch.eye(4)
    for _ in range(300):
        rows_of_h = h.repeat_interleave(50, 0)
        y = torch.multinomial(truth.repeat_interleave(50, 0), 1, generator=rng).squeeze(1)
        optimiser.zero_grad()
        net.loss(rows_of_h, y, rng).mean().backward()
        optimiser.step()
    found = net.log_prob_all(h).detach()
    divergence = float((truth * (truth.log() - found)).sum(1).mean())
    start = float((truth * (truth.log() - truth.mean(0).log())).sum(1).mean())
    assert divergence < (0.3 if kind == "adaptive" else 0.05) * start

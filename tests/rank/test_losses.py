"""Tests of the losses of rankers: by hand, beside plain loops, by finite differences, and what changes nothing."""

import math

import numpy as np
import pytest
import torch

from irkit.rank.lambdarank import lambdarank, swap_weights
from irkit.rank.listnet import listnet
from irkit.rank.pairwise_dns import draw_negatives, pairwise_dns
from irkit.rank.pointwise import pointwise
from irkit.rank.ranknet import ranknet

LENGTHS = [5, 1, 3, 7, 4, 2]
NEGATIVES = 3


def lists(seed=0, lengths=LENGTHS):
    """Scores and labels of lists; the second of one document, the last of equal labels."""
    rng = np.random.default_rng(seed)
    scores = [rng.normal(size=n) for n in lengths]
    labels = [rng.integers(-1, 4, n).astype(float) for n in lengths]
    labels[-1][:] = 1
    for each in labels[2:-1]:
        each[:2] = 2, 0
    return scores, labels


def drawn_for(labels, seed=1):
    """For each document some places of documents that are not relevant; of a list without such, the first."""
    rng = np.random.default_rng(seed)
    return [rng.choice(np.flatnonzero(y <= 0) if (y <= 0).any() else [0], (len(y), NEGATIVES)) for y in labels]


def side_by_side(pieces, width, fill=0):
    """Lists as one tensor, `fill` after their ends."""
    out = np.full((len(pieces), width, *pieces[0].shape[1:]), fill, dtype=pieces[0].dtype)
    for row, piece in enumerate(pieces):
        out[row, : len(piece)] = piece
    return torch.from_numpy(out)


def batch(scores, labels, more=0, fill=0.0):
    width = max(map(len, scores)) + more
    mask = side_by_side([np.ones(len(one), dtype=bool) for one in scores], width)
    return side_by_side(scores, width, fill), side_by_side(labels, width, fill), mask


# ------------------------------------------------------------------------------ in plain Python, list by list


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def slow_pointwise(s, y, drawn):
    return [-math.log(sigmoid(a) if b > 0 else 1 - sigmoid(a)) for a, b in zip(s, y, strict=True)]


def slow_ranknet(s, y, drawn):
    return [math.log(1 + math.exp(-(s[i] - s[j]))) for i in range(len(s)) for j in range(len(s)) if y[i] > y[j]]


def slow_weight(s, y, i, j, k, gain):
    """How much nDCG@k changes when two documents change places: both orders measured whole."""
    order = sorted(range(len(s)), key=lambda place: -s[place])

    def dcg(ranking):
        gains = [gain(max(y[place], 0)) for place in ranking[:k]]
        return sum(one / math.log2(2 + at) for at, one in enumerate(gains))

    swapped = [j if place == i else i if place == j else place for place in order]
    best = dcg(sorted(range(len(s)), key=lambda place: -y[place]))
    return abs(dcg(order) - dcg(swapped)) / best if best else 0.0


def exponential(y):
    return 2**y - 1


def linear(y):
    return y


def slow_lambdarank(k, gain):
    def slow(s, y, drawn):
        pairs = [(i, j, slow_weight(s, y, i, j, k, gain)) for i in range(len(s)) for j in range(len(s)) if y[i] > y[j]]
        return [w * math.log(1 + math.exp(s[j] - s[i])) for i, j, w in pairs if w > 1e-14]

    return slow


def slow_listnet(s, y, drawn):
    wanted, found = [np.exp(one) / np.exp(one).sum() for one in (y, s)]
    return [-sum(q * math.log(p) for q, p in zip(wanted, found, strict=True))]


def slow_dns(s, y, drawn):
    if not (y <= 0).any():
        return []
    return [-math.log(sigmoid(s[i] - max(s[j] for j in drawn[i]))) for i in range(len(s)) if y[i] > 0]


def fast_dns(scores, labels, mask):
    sizes = mask.sum(1).tolist()
    drawn = drawn_for([y[:n].numpy() for y, n in zip(labels, sizes, strict=True)])
    return pairwise_dns(scores, labels, mask, side_by_side(drawn, labels.shape[1]))


LOSSES = {
    "pointwise": (pointwise, slow_pointwise),
    "ranknet": (ranknet, slow_ranknet),
    "lambdarank": (lambdarank, slow_lambdarank(None, exponential)),
    "lambdarank@3": (lambda *given: lambdarank(*given, k=3), slow_lambdarank(3, exponential)),
    "lambdarank-linear": (lambda *given: lambdarank(*given, k=2, gain="linear"), slow_lambdarank(2, linear)),
    "listnet": (listnet, slow_listnet),
    "pairwise-dns": (fast_dns, slow_dns),
}
every = pytest.mark.parametrize(("fast", "slow"), LOSSES.values(), ids=LOSSES)


# ------------------------------------------------------------------------------ hand-worked


def one(values):
    return torch.tensor([values], dtype=torch.float64)


def test_losses_of_a_list_by_hand():
    # Scores ln 3, 0, -ln 3: sigmoids 3/4, 1/2, 1/4; differences ln 3 and ln 9.
    s, y = one([math.log(3), 0.0, -math.log(3)]), one([0.0, 2.0, 1.0])
    mask = torch.ones(1, 3, dtype=torch.bool)
    assert pointwise(s, y, mask).item() == pytest.approx(math.log(4 * 2 * 4) / 3)
    # Pairs (1, 0), (2, 0), (1, 2): 1 + e^-d = 4, 10, 4/3.
    assert ranknet(s, y, mask).item() == pytest.approx(math.log(4 * 10 * 4 / 3) / 3)
    # e^s = 3, 1, 1/3 and e^y = 1, e^2, e.
    logs, e = [math.log(p / 13) for p in (9, 3, 1)], math.e
    expected = -(logs[0] + e**2 * logs[1] + e * logs[2]) / (1 + e**2 + e)
    assert listnet(s, y, mask).item() == pytest.approx(expected)
    drawn = torch.zeros(1, 3, 2, dtype=torch.int64)  # the only one that is not relevant
    assert pairwise_dns(s, y, mask, drawn).item() == pytest.approx(math.log(4 * 10) / 2)


def test_weights_of_swaps_by_hand():
    # In the order of scores the gains are 0, 3, 1; the best DCG is 3 + 1 / log2(3).
    s, y = one([3.0, 2.0, 1.0]), one([0.0, 2.0, 1.0])
    mask = torch.ones(1, 3, dtype=torch.bool)
    second, third = 1 / math.log2(3), 1 / 2
    weights = swap_weights(s, y, mask, None, "exponential")[0].numpy() * (3 + second)
    assert weights[0, 1] == pytest.approx(3 * (1 - second))
    assert weights[0, 2] == pytest.approx(1 * (1 - third))
    assert weights[1, 2] == pytest.approx(2 * (second - third))
    np.testing.assert_array_equal(weights, weights.T)
    at_one = swap_weights(s, y, mask, 1, "linear")[0].numpy()
    assert at_one.tolist() == [[0, 1, 0.5], [1, 0, 0], [0.5, 0, 0]]


# ------------------------------------------------------------------------------ beside loops


@every
@pytest.mark.parametrize("seed", range(3))
def test_a_loss_is_that_of_plain_loops_over_queries(fast, slow, seed):
    scores, labels = lists(seed)
    each = [slow(s, y, drawn) for s, y, drawn in zip(scores, labels, drawn_for(labels), strict=True)]
    expected = np.mean([np.mean(losses) for losses in each if losses])
    assert fast(*batch(scores, labels)).item() == pytest.approx(expected, rel=1e-12)


@every
def test_gradients_are_finite_differences(fast, slow):
    scores, labels, mask = batch(*lists(4))
    fixed = swap_weights

    def frozen(*given):
        return fixed(scores, *given[1:])

    with pytest.MonkeyPatch.context() as patch:  # the lambdas are of weights held fixed
        patch.setattr("irkit.rank.lambdarank.swap_weights", frozen)
        assert torch.autograd.gradcheck(lambda s: fast(s, labels, mask), scores.clone().requires_grad_())


def test_the_gradient_of_lambdarank_is_the_sum_of_lambdas():
    scores, labels, mask = (part[:1] for part in batch(*lists(2, [6, 2])))
    leaf = scores.clone().requires_grad_()
    lambdarank(leaf, labels, mask, k=4).backward()
    s, y = scores[0].numpy(), labels[0].numpy()
    expected, pairs = np.zeros(6), 0
    for i in range(6):
        for j in range(6):
            if y[i] > y[j] and (weight := slow_weight(s, y, i, j, 4, exponential)) > 1e-14:
                force = -weight / (1 + math.exp(s[i] - s[j]))  # lambda_ij of the source, sigma 1
                expected[i] += force
                expected[j] -= force
                pairs += 1
    np.testing.assert_allclose(leaf.grad[0].numpy(), expected / pairs, rtol=1e-12)


# ------------------------------------------------------------------------------ what changes nothing


@every
@pytest.mark.parametrize("fill", [0.0, 50.0, -50.0])
def test_padding_changes_nothing(fast, slow, fill):
    scores, labels = lists(5)
    bare, padded = (batch(scores, labels, more, fill) for more in (0, 4))
    for given in (bare, padded):
        given[0].requires_grad_()
        fast(*given).backward()
    assert fast(*padded).item() == pytest.approx(fast(*bare).item(), rel=1e-12)
    width = bare[0].shape[1]
    np.testing.assert_allclose(padded[0].grad[:, :width].numpy(), bare[0].grad.numpy(), atol=1e-15)
    assert not padded[0].grad[~padded[2]].any()


@every
def test_a_loss_alone_is_that_among_others(fast, slow):
    scores, labels = lists(6)
    width = max(LENGTHS)
    for row in (2, 3, 4):
        alone = fast(*batch([scores[row]], [labels[row]], width - LENGTHS[row])).item()
        twice = fast(*batch([scores[row]] * 2, [labels[row]] * 2)).item() if fast is not fast_dns else alone
        assert twice == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "pairwise-dns"])
def test_the_order_within_a_list_changes_nothing(name):
    fast, scores, labels = LOSSES[name][0], *lists(7)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(one)) for one in scores]
    moved = [[one[order] for one, order in zip(part, orders, strict=True)] for part in (scores, labels)]
    assert fast(*batch(*moved)).item() == pytest.approx(fast(*batch(scores, labels)).item(), rel=1e-12)


@every
def test_a_batch_without_anything_to_learn_is_no_nan(fast, slow):
    scores, labels, mask = batch([np.array([1.0, 2.0]), np.array([3.0])], [np.zeros(2), np.ones(1)])
    scores.requires_grad_()
    loss = fast(scores, labels, mask)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(scores.grad).all()


@every
def test_far_scores_give_finite_losses(fast, slow):
    scores, labels, mask = batch(*lists(8))
    scores = (1e4 * scores).requires_grad_()
    loss = fast(scores, labels, mask)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(scores.grad).all()


@pytest.mark.parametrize("fast", [ranknet, lambdarank])
def test_only_documents_above_others_need_be_looked_at(fast):
    scores, labels = lists(9)
    orders = [np.argsort(-one, kind="stable") for one in labels]
    scores, labels = ([one[order] for one, order in zip(part, orders, strict=True)] for part in (scores, labels))
    above = max(int((one > one.min()).sum()) for one in labels)
    given = batch(scores, labels, more=2)
    assert above < given[0].shape[1] - 2
    assert fast(*given, above=above).item() == pytest.approx(fast(*given).item(), rel=1e-14)


# ------------------------------------------------------------------------------ negatives


def test_negatives_are_drawn_evenly_from_what_is_not_relevant():
    labels = torch.tensor([[1.0, 0.0, -1.0, 2.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0, 0.0, 0.0]])
    mask = torch.tensor([[1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0]], dtype=torch.bool)
    drawn = draw_negatives(labels, mask, 4000, torch.Generator().manual_seed(1))
    assert drawn.shape == (2, 6, 4000)
    counts = torch.stack([(drawn[0] == place).sum(1) for place in range(6)])  # of each document's draws
    assert set(torch.unique(drawn[0]).tolist()) == {1, 2, 4}
    assert (counts[[1, 2, 4]] - 4000 / 3).abs().max() < 5 * math.sqrt(4000 * 2 / 9)
    assert torch.unique(drawn[1]).tolist() == [0]


def test_draws_of_a_seed_are_the_same_and_of_the_first_draw_random():
    _, labels, mask = batch(*lists(1))
    one, again, other = (draw_negatives(labels, mask, 2, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_the_more_are_drawn_the_harder_is_the_negative():
    rng = np.random.default_rng(0)
    scores, labels, mask = batch([rng.normal(size=50)], [np.eye(50)[7]])
    generator = torch.Generator().manual_seed(0)

    def losses(n):
        return [
            pairwise_dns(scores, labels, mask, draw_negatives(labels, mask, n, generator)).item() for _ in range(400)
        ]

    random = losses(1)
    each = np.log1p(np.exp(np.delete(scores[0].numpy(), 7) - scores[0, 7].item()))
    assert abs(np.mean(random) - each.mean()) < 4 * each.std() / 20
    assert np.mean(random) < np.mean(losses(4)) < np.mean(losses(16)) < each.max()

"""Tests of irkit.represent.docnade: sums over all documents, a slow version, orders, padding, planted topics."""

import itertools

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, DataError, ShapeError
from irkit.io.kinds import Bags, DataSet, Ragged, Tokens
from irkit.learn import Padded, TrainerConfig
from irkit.represent.docnade import DocNADE, DocNADEConfig
from irkit.represent.document_vae import DocumentVAE
from irkit.represent.orders import in_random_order
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives

V = 7
SOFTMAXES = pytest.mark.parametrize("softmax", ["full", "tree", "sampled"])
TRAINER = TrainerConfig(epochs=2, batch_size=4, device="cpu")


def documents(each, words=None):
    return Tokens(Ragged.of([np.asarray(one, dtype=np.int64) for one in each]), V, words=words)


DOCS = documents([[0, 1, 1, 5], [2], [3, 3, 3, 3, 6, 4, 0], [6, 5], [1, 2, 3, 4, 5]])


def random_net(softmax="full", activation="tanh"):
    """A net of weights far from where training starts."""
    model = DocNADE(DocNADEConfig(hidden_size=4, softmax=softmax, activation=activation))
    torch.manual_seed(0)
    net = model.build(DOCS.spec).double()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    return net


def padded(each):
    x = torch.nn.utils.rnn.pad_sequence([torch.tensor(one, dtype=torch.int64) for one in each], batch_first=True)
    return Padded(x, torch.tensor([len(one) for one in each]))


# ---------------------------------------------------------------------- exact


@SOFTMAXES
def test_the_probabilities_of_all_documents_of_two_words_sum_to_one(softmax):
    every = padded(list(itertools.product(range(V), repeat=2)))
    assert random_net(softmax).log_prob(every).exp().sum().item() == pytest.approx(1, abs=1e-12)


@SOFTMAXES
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_log_p_is_that_of_a_loop_over_words(softmax, activation):
    net = random_net(softmax, activation)
    act = np.tanh if activation == "tanh" else lambda a: 1 / (1 + np.exp(-a))
    w, c = (getattr(net, name).detach().numpy() for name in "wc")
    words = [3, 0, 3, 6]
    total = 0.0
    for at, word in enumerate(words):
        h = act(c + sum((w[before] for before in words[:at]), np.zeros(4)))
        total += net.words.log_prob_all(torch.from_numpy(h)[None])[0, word].item()
    assert net.log_prob(padded([words])).item() == pytest.approx(total, rel=1e-12)


def test_padding_reaches_neither_log_p_nor_representation_nor_gradient():
    each = [[0, 1, 1, 5], [2], [], [3, 3, 6]]
    net = random_net()
    together, alone = padded(each), [padded([one]) for one in each]
    torch.testing.assert_close(net.log_prob(together), torch.cat([net.log_prob(one) for one in alone]))
    torch.testing.assert_close(net.encode(together), torch.cat([net.encode(one) for one in alone]))
    gradients = [torch.autograd.grad(net.log_prob(together).sum(), net.w)[0]]
    gradients.append(sum(torch.autograd.grad(net.log_prob(one).sum(), net.w)[0] for one in alone if one.x.numel()))
    torch.testing.assert_close(*gradients)


@SOFTMAXES
def test_gradients_are_those_of_differences(softmax):
    net, words = random_net(softmax), padded([[0, 1, 1, 5], [2], []])
    weights = dict(net.named_parameters())

    def log_p(*values):
        held = dict(zip(weights, values, strict=True))
        return torch.func.functional_call(net, held, (words,))

    net.forward = net.log_prob
    assert torch.autograd.gradcheck(log_p, tuple(weights.values()))


def test_an_order_changes_log_p_and_not_the_representation():
    net = random_net()
    first, second = padded([[0, 1, 5, 2]]), padded([[2, 5, 0, 1]])
    assert abs(net.log_prob(first) - net.log_prob(second)) > 1e-3
    torch.testing.assert_close(net.encode(first), net.encode(second))


def test_random_orders_keep_words_with_their_documents_and_are_even():
    words = padded([[0, 1, 2], [5], [3, 3]])
    rng = torch.Generator().manual_seed(0)
    seen = {tuple(in_random_order(words, rng).x[0].tolist()): 0 for _ in range(200)}
    assert seen.keys() == set(itertools.permutations([0, 1, 2]))
    found = in_random_order(words, rng)
    assert [sorted(row[:n].tolist()) for row, n in zip(found.x, found.lengths, strict=True)] == [[0, 1, 2], [5], [3, 3]]
    drawn = torch.stack([in_random_order(words, rng).x[0] for _ in range(3000)])
    share = torch.stack([(drawn == word).double().mean(0) for word in range(3)])
    assert (share - 1 / 3).abs().max() < 0.04


# ---------------------------------------------------------------------- the model


@SOFTMAXES
def test_it_keeps_to_the_contract_of_models(softmax, tmp_path):
    model = DocNADE(DocNADEConfig(hidden_size=4, softmax=softmax, negatives=5))
    data = DataSet("toy", DOCS, DOCS, DOCS)
    check_model(model, data, tmp_path / "checked")
    check_that_it_survives(model, data, TRAINER, tmp_path / "run", step=2)


def test_more_orders_give_a_higher_bound_and_the_mean_over_orders_lies_below_it():
    fitted = DocNADE(DocNADEConfig(hidden_size=4)).fit(DOCS, trainer=TRAINER)
    torch.nn.init.normal_(fitted.net.w)
    by_order = fitted.log_prob_by_order(DOCS, 8)
    assert by_order.shape == (8, 5)
    ensemble = fitted.log_prob(DOCS, orders=8)
    np.testing.assert_allclose(ensemble.value, np.log(np.exp(by_order.numpy()).mean(0)), rtol=1e-10)
    assert ensemble.kind == "lower_bound"
    assert (ensemble.value >= by_order.numpy().mean(0)).all()
    assert ensemble.value[1] == pytest.approx(by_order[0, 1].item()), "one word has one order"


def test_nats_a_word_are_minus_log_p_over_the_length_averaged_over_orders():
    fitted = DocNADE(DocNADEConfig(hidden_size=4)).fit(DOCS, trainer=TRAINER)
    by_order = fitted.log_prob_by_order(DOCS, 3, seed=5).numpy()
    found = fitted.values(DOCS, orders=3, seed=5)["nats a word"]
    each = -by_order / np.array([4, 1, 7, 2, 5])
    np.testing.assert_allclose(found.value, each.mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.stderr, each.std(0, ddof=1) / np.sqrt(3), rtol=1e-12, atol=1e-15)
    assert np.isinf(fitted.values(DOCS)["nats a word"].stderr).all()
    mixed = fitted.values(DOCS, orders=3, seed=5)["nats a word of mixed orders"]
    np.testing.assert_allclose(mixed.value, -np.log(np.exp(by_order).mean(0)) / [4, 1, 7, 2, 5], rtol=1e-12)
    assert (mixed.value <= found.value + 1e-12).all()
    assert fitted.measures(DOCS, orders=3).keys() >= fitted.quantities.keys() == fitted.values(DOCS).keys()


def test_bags_are_the_same_documents_and_log_counts_shorten_them():
    bags = Bags(Ragged.of([[0, 1, 5], [2]]), V, counts=Ragged.of([[1, 4, 1], [1]]))
    tokens = documents([[0, 1, 1, 1, 1, 5], [2]])
    fitted = DocNADE(DocNADEConfig(hidden_size=4)).fit(tokens, trainer=TRAINER)
    torch.nn.init.normal_(fitted.net.w)
    np.testing.assert_allclose(fitted.encode(bags), fitted.encode(tokens), rtol=1e-6)
    logged = DocNADE(DocNADEConfig(hidden_size=4, counts="log")).fit(bags, trainer=TRAINER)
    logged.net.load_state_dict(fitted.net.state_dict() | {"lengths": logged.net.lengths})
    short = documents([[0, 1, 1, 5], [2]])  # round(log 5) = 2
    np.testing.assert_allclose(logged.encode(tokens), fitted.encode(short), rtol=1e-6)


def test_terms_and_counts_may_be_of_any_whole_type_and_a_term_may_be_named_twice():
    model = DocNADE(DocNADEConfig(hidden_size=4, counts="log"))
    fitted = model.fit(documents([[0, 1, 1, 5], [2]]), trainer=TRAINER)
    torch.nn.init.normal_(fitted.net.w)
    expected = fitted.encode(documents([[5, 1, 1, 1, 1, 0], [2]]))  # round(log 5) = 2 of the term 1
    for kind in (np.uint8, np.uint16, np.int32, np.float32):
        x = Ragged(np.array([5, 1, 0, 1, 2], dtype=np.uint8 if kind is np.float32 else kind), np.array([4, 1]))
        bags = Bags(x, V, counts=Ragged(np.array([1, 3, 1, 1, 1], dtype=kind), np.array([4, 1])))
        np.testing.assert_allclose(fitted.encode(bags), expected, rtol=1e-6)
        assert np.isfinite(model.fit(bags, trainer=TRAINER).log_prob(bags).value).all()


@pytest.mark.parametrize("wrong", [1.5, -1, np.nan, np.inf, 1e300, 2**31, "two"])
def test_counts_that_are_not_whole_are_refused(wrong):
    bags = Bags(Ragged.of([[0, 1]]), V, counts=Ragged.of([[wrong, 2]]))
    with pytest.raises(DataError, match=r"counts of words must be whole numbers, 0 to 2\^31 - 1, got"):
        DocNADE().fit(bags, trainer=TRAINER)


def test_texts_lists_and_documents_of_other_words_are_refused_with_what_to_do():
    with pytest.raises(
        ShapeError, match=r"got \(2,\) of <U6; give such, or of texts what irkit.io.tokens_of_texts makes"
    ):
        DocNADE().fit(["a rose", "a sky"])
    with pytest.raises(ShapeError, match="got lists that differ in length; of documents make Tokens"):
        DocNADE().fit([[0, 1, 1], [2]])
    fitted = DocNADE().fit(documents([[0, 1]], tuple("abcdefg")), trainer=TRAINER)
    with pytest.raises(
        ShapeError, match="those it was trained on, got as many, but other words; number them by the same"
    ):
        fitted.encode(documents([[0, 1]], tuple("gfedcba")))


@pytest.mark.parametrize("orders", [0, -1, 2.5, True, "3"])
def test_orders_are_counted(orders):
    fitted = DocNADE(DocNADEConfig(hidden_size=4)).fit(DOCS, trainer=TRAINER)
    with pytest.raises(ConfigError, match="docnade: orders must be a whole number, 1 or more, got"):
        fitted.values(DOCS, orders=orders)


def test_orders_are_of_the_documents_named_wherever_they_stand():
    fitted = DocNADE(DocNADEConfig(hidden_size=4)).fit(DOCS, trainer=TRAINER)
    torch.nn.init.normal_(fitted.net.w)
    found = fitted.log_prob_by_order(DOCS, 3)
    net = fitted.net
    for at, document in enumerate(DOCS.x):
        every = padded(list(itertools.permutations(document.tolist()[:7])))
        possible = net.log_prob(every).double()
        assert all((possible - one).abs().min() < 1e-4 for one in found[:, at])


def test_the_sampled_softmax_is_for_training_only():
    one, many = (random_net("sampled") for _ in range(2))
    one.words.negatives, many.words.negatives = 1, 1000
    full = random_net("full")
    full.load_state_dict({name: value for name, value in one.state_dict().items() if name != "words.log_q"})
    words, now = padded([[0, 1, 1, 5], [3, 2]]), _now()
    torch.testing.assert_close(one.log_prob(words), full.log_prob(words))
    rng = torch.Generator().manual_seed(3)
    score = one.score(words, rng)
    torch.testing.assert_close(score, many.score(words, torch.Generator().manual_seed(3)))
    assert (one.loss(words, now).total - full.loss(words, _now()).total).abs() > 1e-3


def test_a_vocabulary_of_one_word_leaves_nothing_to_predict():
    with pytest.raises(ConfigError, match="2 words are needed, got 50 and 1"):
        DocNADE().fit(Tokens(Ragged.of([[0, 0], [0]]), 1), trainer=TRAINER)


def test_in_double_precision_it_is_saved_and_asked_as_in_single(tmp_path):
    fitted = DocNADE(DocNADEConfig(hidden_size=4)).fit(DOCS, trainer=TRAINER)
    single = fitted.log_prob(DOCS, orders=2).value
    fitted.net.double()
    fitted.save(tmp_path / "model")
    loaded = DocNADE.load(tmp_path / "model")
    assert loaded.place.dtype == torch.float64
    np.testing.assert_allclose(loaded.log_prob(DOCS, orders=2).value, single, rtol=1e-5)
    assert loaded.encode(DOCS).dtype == np.float32
    assert len(loaded.sample(2)) == 2


def test_training_goes_through_documents_without_words():
    docs = documents([[], [], []])
    fitted = DocNADE(DocNADEConfig(hidden_size=4)).fit(docs, trainer=TRAINER)
    assert all(value.isfinite().all() for value in fitted.net.state_dict().values())
    assert [len(one) for one in fitted.sample(2)] == [0, 0]
    assert fitted.sample(0) == []


@pytest.mark.parametrize("model", [DocNADE(), DocumentVAE()])
def test_documents_are_drawn_as_long_as_those_of_training_however_few_these_are(model):
    few = documents([[0], [1, 2], [2, 2, 1, 0, 4, 6, 6]])
    drawn = model.fit(few, trainer=TRAINER).sample(3000, seed=1)
    found = np.bincount([len(one) for one in drawn]) / 3000
    np.testing.assert_allclose(found[[1, 2, 7]], 1 / 3, atol=0.04)


def test_topics_have_two_ends_and_the_words_of_the_data(tmp_path):
    words = tuple("a b c d e f g".split())
    fitted = DocNADE(DocNADEConfig(hidden_size=2)).fit(documents([[0, 1], [2, 3]], words), trainer=TRAINER)
    weights = torch.zeros(V, 2)
    weights[:, 0] = torch.tensor([0.0, 3, -2, 5, 0.1, -9, 0.2])
    fitted.net.w.data.copy_(weights)
    assert fitted.topics(2)[0] == (["d", "b"], ["f", "c"])
    fitted.save(tmp_path / "model")
    assert DocNADE.load(tmp_path / "model").topics(1)[0] == (["d"], ["f"])
    other = documents([[0]], tuple("g f e d c b a".split()))
    with pytest.raises(ShapeError, match="documents of 7 terms are needed, those it was trained on"):
        fitted.encode(other)


def test_documents_without_words_are_encoded_trained_on_and_have_no_perplexity():
    docs = documents([[0, 1], [], [3]])
    fitted = DocNADE(DocNADEConfig(hidden_size=4)).fit(docs, trainer=TRAINER)
    np.testing.assert_allclose(fitted.encode(docs)[1], np.tanh(fitted.net.c.detach().numpy()), rtol=1e-6)
    assert fitted.log_prob(docs).value[1] == 0
    with pytest.raises(DataError, match="has no perplexity, got 1 of 3, the first is number 1; leave them out"):
        fitted.values(docs)


def test_long_documents_are_looked_at_whole_in_evaluation_and_in_part_while_training():
    docs = documents([list(range(7)) * 3, [1, 2]])
    model = DocNADE(DocNADEConfig(hidden_size=3, longest=5))
    fitted = model.fit(docs, trainer=TRAINER)
    assert fitted.net.loss(padded([list(range(7)) * 3]), _now()).total.isfinite()
    whole = fitted.net.log_prob(padded([list(range(7)) * 3]))
    assert whole < fitted.net.log_prob(padded([[0, 1, 2, 3, 4]]))


def _now():
    from irkit.learn.phases import Now

    return Now(0, 0, 0.0, torch.Generator().manual_seed(0))


# ---------------------------------------------------------------------- training


def test_planted_topics_are_learned():
    rng = np.random.default_rng(0)
    topics = np.full((2, 20), 0.005)
    topics[0, :10], topics[1, 10:] = 0.095, 0.095
    kinds = rng.integers(2, size=400)
    each = [rng.choice(20, size=12, p=topics[kind]) for kind in kinds]
    data = DataSet("planted", *(Tokens(Ragged.of(part), 20) for part in (each[:300], each[300:350], each[350:])))
    fitted = DocNADE(DocNADEConfig(hidden_size=5)).fit(
        data, trainer=TrainerConfig(epochs=15, batch_size=20, device="cpu")
    )
    nats = fitted.values(data.test, orders=4)["nats a word"].value.mean()
    assert nats < 0.9 * np.log(20), "a document tells its topic after a few words"
    codes, own = fitted.encode(data.test), kinds[350:]
    similar = np.corrcoef(codes)
    same = own[:, None] == own
    assert similar[same].mean() > similar[~same].mean() + 0.5
    drawn = fitted.sample(100, seed=1)
    sides = [abs(np.mean(one < 10) - 0.5) for one in drawn]
    assert np.mean(sides) > 0.3, "samples have a topic"


def test_vectors_for_short_queries_are_sums_weighted_by_idf():
    docs = documents([[0, 1, 1], [1, 2], [1]])
    fitted = DocNADE(DocNADEConfig(hidden_size=3, aggregate="idf")).fit(docs, trainer=TRAINER)
    w = fitted.net.w.detach().numpy()
    idf = np.log(3 / np.array([1, 3, 1]))
    np.testing.assert_allclose(fitted.encode(docs)[0], idf[0] * w[0] + 2 * idf[1] * w[1], rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(fitted.encode(docs)[1], idf[2] * w[2] + idf[1] * w[1], rtol=1e-5, atol=1e-8)


def test_words_may_be_weighted_by_idf_before_the_hidden_units():
    docs = documents([[0, 1, 1], [1, 2], [1]])
    fitted = DocNADE(DocNADEConfig(hidden_size=3, aggregate="hidden-idf")).fit(docs, trainer=TRAINER)
    torch.nn.init.normal_(fitted.net.w)
    w, c = fitted.net.w.detach().numpy(), fitted.net.c.detach().numpy()
    idf = np.log(3 / np.array([1, 3, 1, 1, 1, 1, 1]))  # a term of no document as one of a single document
    idf /= idf.mean()
    np.testing.assert_allclose(fitted.encode(docs)[0], np.tanh(c + idf[0] * w[0] + 2 * idf[1] * w[1]), rtol=1e-5)
    everywhere = documents([[0, 1, 2, 3, 4, 5, 6]] * 2)
    fitted = DocNADE(DocNADEConfig(hidden_size=3, aggregate="hidden-idf")).fit(everywhere, trainer=TRAINER)
    assert np.isfinite(fitted.encode(everywhere)).all()

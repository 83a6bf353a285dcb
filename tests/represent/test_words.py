"""Tests of what document models say of words: distributions beside a loop, sums to 1, chunks, vectors, encoders."""

import numpy as np
import pytest
import torch

from irkit.errors import AbilityError, ConfigError
from irkit.expand.eqe import EQE1
from irkit.io.kinds import Ragged, Tokens
from irkit.learn import TrainerConfig
from irkit.lucene import build_index
from irkit.pipeline import Retrieve
from irkit.rank import IndexEncoder, Latent, Posterior, Smoothed, bags_of_index, frequent_words
from irkit.represent import DeepDocNADE, DocNADE, documents
from irkit.represent.deep_docnade import DeepDocNADEConfig
from irkit.represent.docnade import DocNADEConfig
from irkit.represent.documents import DocumentModel
from tests.rank.toy import QUERIES, TEXTS, hits, ranking

V = 7
WORDS = tuple("abcdefg")
DOCS = Tokens(Ragged.of([np.array(one, dtype=np.int64) for one in ([0, 1, 1, 5], [2], [], [6, 3, 0])]), V, words=WORDS)
TRAINER = TrainerConfig(epochs=1, batch_size=4, device="cpu", threads=1)
MODELS = {
    **{kind: DocNADE(DocNADEConfig(hidden_size=4, softmax=kind, negatives=3)) for kind in ("full", "tree", "sampled")},
    "idf": DocNADE(DocNADEConfig(hidden_size=4, aggregate="idf")),
    "deep": DeepDocNADE(DeepDocNADEConfig(hidden_sizes=(4, 3))),
}


def spread(model, data=DOCS):
    """A fitted model with weights far from where training starts."""
    fitted = model.fit(data, trainer=TRAINER)
    torch.manual_seed(0)
    for parameter in fitted.net.parameters():
        torch.nn.init.normal_(parameter)
    return fitted


@pytest.mark.parametrize("name", MODELS)
def test_log_p_of_a_word_is_that_of_a_document_with_it_at_the_end_less_that_without_it(name):
    fitted = spread(MODELS[name])
    found = fitted.word_log_prob(DOCS)
    assert found.shape == (4, V)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.exp(found).sum(1), 1, rtol=1e-5)
    for row, own in enumerate(np.split(DOCS.x.values, np.cumsum(DOCS.x.lengths)[:-1])):
        each = Tokens(Ragged.of([own, *(np.append(own, word) for word in range(V))]), V)
        with torch.no_grad():
            (log_p,) = (fitted.net.log_prob(part) for part in fitted.batches(each))
        np.testing.assert_allclose(found[row], (log_p[1:] - log_p[0]).numpy(), rtol=2e-4, atol=2e-5)


def test_it_is_the_same_in_parts(monkeypatch):
    fitted = spread(MODELS["tree"])
    whole = fitted.word_log_prob(DOCS)
    monkeypatch.setattr(documents, "SCORES", 2 * V)
    np.testing.assert_allclose(fitted.word_log_prob(DOCS), whole, rtol=1e-6)


class Gaussian(DocNADE):
    """Says of a document that its hidden units are Gaussian, of a variance of its own."""

    gives = frozenset({"posteriors"})

    def build(self, spec):
        net = super().build(spec)
        net.posterior = lambda batch: (net.state(batch), net.state(batch) - 1)
        return net


def test_posteriors_are_means_and_variances():
    fitted = spread(Gaussian(DocNADEConfig(hidden_size=4)))
    mean, variance = fitted.posteriors(DOCS)
    np.testing.assert_allclose(mean, fitted.encode(DOCS))
    np.testing.assert_allclose(variance, np.exp(fitted.encode(DOCS) - 1), rtol=1e-6)


def test_what_a_model_does_not_give_it_refuses_in_one_line():
    assert DocumentModel.gives == frozenset()
    with pytest.raises(AbilityError, match="docnade: has no posteriors of documents, it gives word_log_prob; choose"):
        spread(MODELS["full"]).posteriors(DOCS)
    with pytest.raises(AbilityError, match="docnade: has no word_log_prob of documents, it gives posteriors; choose"):
        spread(Gaussian()).word_log_prob(DOCS)


@pytest.mark.parametrize("name", ["full", "deep"])
def test_word_vectors_are_the_rows_of_w(name):
    fitted = spread(MODELS[name])
    found = fitted.word_vectors()
    assert found.words == list(WORDS)
    assert found.analyzed
    np.testing.assert_array_equal(found.matrix, fitted.net.w.detach().numpy())
    nameless = MODELS[name].fit(Tokens(DOCS.x, V), trainer=TRAINER)
    with pytest.raises(ConfigError, match="does not know its words, so they have no vectors; fit it on bags with word"):
        nameless.word_vectors()


# ---------------------------------------------------------------------- of an index


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("words") / "index", TEXTS.items(), analyzer="english", threads=1) as made:
        yield made


@pytest.fixture(scope="module")
def model(index):
    bags = bags_of_index(index, frequent_words(index))
    return spread(DocNADE(DocNADEConfig(hidden_size=4)), bags.take(np.flatnonzero(bags.x.lengths)))


def test_query_expansion_takes_them(index, model):
    vectors = model.word_vectors()
    assert vectors.words == ["bird", "flutter", "wing"]
    found = EQE1(index=index, vectors=vectors, fb_terms=3, keep=0.2)(QUERIES)
    assert set(found["query_toks"][2]) == {"bird", "flutter", "wing"}, "neighbours of a query of one word"
    assert len((EQE1(index=index, vectors=vectors) >> Retrieve(index=index))(QUERIES)) > 5


def test_an_encoder_knows_the_words_of_its_model_and_no_others(index, model):
    encoder = IndexEncoder(model, index)
    assert encoder.can("word_log_prob")
    assert not encoder.can("posteriors")
    rows = np.array([5, 0, 2])
    found = encoder.word_log_prob(rows, ["wing", "sing", "bird"])
    every = model.word_log_prob(bags_of_index(index, model.words).take(rows))
    np.testing.assert_allclose(found[:, [2, 0]], every[:, [0, 2]], rtol=1e-6)
    assert np.isneginf(found[:, 1]).all()
    assert encoder.word_log_prob(rows[:0], ["wing"]).shape == (0, 1)


def test_a_document_model_smooths_and_ranks_again(index, model):
    encoder = IndexEncoder(model, index)
    first = Retrieve(index=index)
    found = (first >> Smoothed(index=index, encoder=encoder, weight=1))(QUERIES)
    log_p = dict(
        zip(index.docnos.names.to_pylist(), encoder.word_log_prob(np.arange(6), ["flutter"])[:, 0], strict=True)
    )
    assert ranking(found, "q3") == pytest.approx({docno: log_p[docno] for docno in ("d2", "d4", "d6")}, rel=1e-6)
    assert len((first >> Latent(encoder=encoder))(QUERIES)) == len(first(QUERIES))


def test_posteriors_of_an_index_are_not_known_where_there_is_no_known_word(index, model):
    bags = bags_of_index(index, frequent_words(index))
    fitted = spread(Gaussian(DocNADEConfig(hidden_size=4)), bags.take(np.flatnonzero(bags.x.lengths)))
    encoder = IndexEncoder(fitted, index)
    mean, variance = encoder.posteriors()
    assert np.isnan(mean).all(1).tolist() == np.isnan(variance).all(1).tolist() == (bags.x.lengths == 0).tolist()
    assert np.isnan(encoder.posteriors(["unheard"])[0]).all()
    lists = {"q1": dict.fromkeys(TEXTS, 1.0)}
    found = ranking(Posterior(encoder=encoder).run(hits(lists)), "q1")
    assert found["d3"] == found["d5"] == min(found.values()) < max(found.values())
    with pytest.raises(AbilityError, match="posterior: needs an encoder that gives posteriors, got one of docnade"):
        Posterior(encoder=IndexEncoder(model, index))

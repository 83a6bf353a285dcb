"""Tests of irkit.represent.lstm_classifier, classes and pretraining: weights handed on, labels drawn, losses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from irkit.errors import AbilityError, ConfigError, DataError, ShapeError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import TrainerConfig
from irkit.learn.phases import Now
from irkit.represent import RNNLM, LSTMClassifier, SequenceAutoencoder
from irkit.represent.lstm_classifier import LSTMClassifierConfig
from irkit.represent.rnnlm import RNNLMConfig
from irkit.represent.sequence_autoencoder import SequenceAutoencoderConfig, SequenceAutoencoderNet
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives
from tests.represent.batches import padded

V, E, H = 3, 4, 5
SIZES = {"embedding_size": E, "hidden_size": H}
TRAINER = TrainerConfig(epochs=2, batch_size=4, device="cpu")
LABELS = np.array([0, 1, 1, 0, 1, 0])
DOCS = Tokens(
    Ragged.of([np.array(one, dtype=np.int64) for one in ([0, 1, 1, 2], [2], [], [1, 0], [1, 2, 0], [0, 0])]),
    V,
    labels=LABELS,
)
DATA = DataSet("toy", DOCS, DOCS, DOCS)


def random_model(**settings):
    torch.manual_seed(0)
    model = LSTMClassifier(LSTMClassifierConfig(**SIZES, **settings))
    model.net, model.spec = model.build(DOCS.spec).double().eval(), DOCS.spec
    for parameter in model.net.parameters():
        torch.nn.init.normal_(parameter)
    return model


def pretrained_models():
    given = RNNLM(RNNLMConfig(cell="lstm", **SIZES)), SequenceAutoencoder(SequenceAutoencoderConfig(**SIZES))
    return [model.fit(DATA, trainer=TRAINER) for model in given]


def states(net, document):
    """The states after END and each word, by torch's own layer on a single document."""
    found, _ = net.reader.layer(net.reader.embedding[[V, *document]][None])
    return found[0]


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_a_document_is_the_last_state_or_the_mean_of_all(pooling):
    net = random_model(pooling=pooling).net
    documents = ([0, 1, 1, 2], [2], [], [1, 0])
    for one, found in zip(documents, net.encode(padded(*documents)), strict=True):
        each = states(net, one)
        torch.testing.assert_close(found, each[-1] if pooling == "last" else each.mean(0))


def test_figures_are_those_of_the_probabilities():
    model = random_model()
    p = model.predict(DOCS)
    by_hand = [(model.net.out.weight @ states(model.net, one)[-1] + model.net.out.bias).softmax(0) for one in DOCS.x]
    np.testing.assert_allclose(p, torch.stack(by_hand).detach(), rtol=1e-6)
    found = model.values(DOCS)
    assert found["error"].value.tolist() == [float(one.argmax() != label) for one, label in zip(p, LABELS, strict=True)]
    np.testing.assert_allclose(found["log loss"].value, -np.log(p[np.arange(6), LABELS]), rtol=1e-5)
    assert model.score(DOCS).value == pytest.approx(-found["log loss"].value.mean())
    assert model.baselines(DOCS, DOCS) == {
        "error": {"most frequent class": 0.5},
        "log loss": {"frequencies": pytest.approx(np.log(2))},
    }


def test_with_linear_gain_later_states_count_more():
    net = random_model(linear_gain=True).net
    documents, labels = ([0, 1, 1], [2], []), torch.tensor([1, 0, 1])
    slow = 0.0
    for one, label in zip(documents, labels, strict=True):
        each = -(states(net, one) @ net.out.weight.T + net.out.bias).log_softmax(1)[:, label]
        gain = torch.arange(len(each)) / len(one) if one else torch.ones(1)
        slow += (each * gain).sum() / gain.sum() / 3
    batch = {"x": padded(*documents), "labels": labels}
    torch.testing.assert_close(net.loss(batch, Now(0, 0, 0.0, torch.Generator())).total, slow)


def test_pretrained_weights_are_those_that_training_begins_from():
    for source in pretrained_models():
        model = LSTMClassifier.from_pretrained(source, pooling="mean").prepared(DOCS, DOCS.spec, TRAINER)
        assert model.config.pooling == "mean"
        begun = model.begin(DOCS, DOCS.spec, TRAINER).reader.state_dict()
        theirs = source.net.reader.state_dict()
        assert begun.keys() == theirs.keys()
        assert all(torch.equal(begun[name], theirs[name]) for name in theirs)
        fitted = model.fit(DATA, trainer=TRAINER)
        assert not torch.equal(fitted.net.reader.embedding, source.net.reader.embedding)


def test_pretraining_of_other_sizes_cells_or_vocabularies_is_refused():
    lm, _ = pretrained_models()
    with pytest.raises(ConfigError, match="lstm-classifier: begins from a rnnlm with hidden_size 5, got 6; leave it"):
        LSTMClassifier.from_pretrained(lm, hidden_size=6)
    with pytest.raises(ConfigError, match=r"got pretraining 'sa' too; leave one out"):
        LSTMClassifier.from_pretrained(lm, pretraining={"kind": "sa"})
    gru = RNNLM(RNNLMConfig(cell="gru", **SIZES)).fit(DATA, trainer=TRAINER)
    with pytest.raises(ConfigError, match="begins from one layer of LSTM cells, got 1 of GRU in rnnlm; give an rnnlm"):
        LSTMClassifier.from_pretrained(gru)
    with pytest.raises(ShapeError, match="begins from a rnnlm of tokens of 3 terms, got tokens of 4 terms; number"):
        LSTMClassifier.from_pretrained(lm).fit(replace(DOCS, vocabulary=4), trainer=TRAINER)


def test_one_pretraining_serves_all_seeds_and_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path))
    config = LSTMClassifierConfig(**SIZES, pretraining={"kind": "sa", "epochs": 2, "batch_size": 4})
    model = LSTMClassifier(config)
    begun = [model.prepared(DOCS, DOCS.spec, TRAINER.changed(seed=seed)).origin for seed in (1, 2)]
    (kept,) = (tmp_path / "pretrained").iterdir()
    first, second = (one.net.state_dict() for one in begun)
    assert all(torch.equal(first[name], second[name]) for name in first)
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")  # one that is damaged is made anew
    again = model.prepared(DOCS, DOCS.spec, TRAINER).origin.net.state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    unlabelled = replace(DOCS, labels=np.full(6, -1))
    assert model.prepared(unlabelled, DOCS.spec, TRAINER).origin is not None  # labels are not looked at
    assert len(list((tmp_path / "pretrained").iterdir())) == 1
    LSTMClassifier(config.changed(pretraining={"kind": "lm", "epochs": 2})).fit(DATA, trainer=TRAINER)
    assert len(list((tmp_path / "pretrained").iterdir())) == 2
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, *how: read(path, *how) + "# changed\n" * (path.stem == "rnnlm"))
    LSTMClassifier(config.changed(pretraining={"kind": "lm", "epochs": 2})).fit(DATA, trainer=TRAINER)
    model.prepared(DOCS, DOCS.spec, TRAINER)
    assert len(list((tmp_path / "pretrained").iterdir())) == 3, "of the language model, whose code is another"


def test_an_interrupted_pretraining_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    model = LSTMClassifier(LSTMClassifierConfig(**SIZES, pretraining={"kind": "sa", "epochs": 3, "batch_size": 3}))
    loss = SequenceAutoencoderNet.loss

    def dies(net, batch, now):
        if now.step == 3:
            raise RuntimeError("died")
        return loss(net, batch, now)

    def pretrained(home):
        monkeypatch.setenv("IRKIT_HOME", str(tmp_path / home))
        return model.prepared(DOCS, DOCS.spec, TRAINER).origin

    whole = pretrained("whole").net.state_dict()
    with monkeypatch.context() as patch:
        patch.setattr(SequenceAutoencoderNet, "loss", dies)
        with pytest.raises(RuntimeError, match="died"):
            pretrained("died")
    (run,) = (tmp_path / "died" / "pretrained").iterdir()
    assert (run / "checkpoint.safetensors").is_file()
    resumed = pretrained("died")
    assert resumed.training.steps == 6
    assert all(torch.equal(whole[name], weights) for name, weights in resumed.net.state_dict().items())


def test_labels_are_drawn_by_the_seed_and_text_without_them_is_left_to_pretraining():
    from irkit.represent.classes import Labelled, fewer

    labels = np.tile([0, 1, -1], 40)
    many = Tokens(Ragged.of([np.array([n % V]) for n in range(120)]), V, labels=labels)
    model = LSTMClassifier(LSTMClassifierConfig(labelled=30, held_out=10))
    parts = [fewer(model, DataSet("many", many, many, many), seed) for seed in (1, 1, 2)]
    assert [(len(one.part("train")), len(one.part("valid"))) for one in parts] == [(30, 10)] * 3
    assert parts[0].part("train").same(parts[1].part("train"))
    assert not parts[0].part("train").same(parts[2].part("train"))
    assert isinstance(parts[0].part("train"), Labelled)
    assert set(parts[0].part("train").labels) == {0, 1}
    every = fewer(LSTMClassifier(), DataSet("many", many, many, many), 1).part("train")
    assert len(every) == 80
    np.testing.assert_array_equal(every.labels, labels[labels >= 0])
    with pytest.raises(ConfigError, match=r"lstm-classifier: labelled is 81, got 80 documents with a class; lower it"):
        fewer(LSTMClassifier(LSTMClassifierConfig(labelled=81)), DataSet("many", many, many, many), 1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "learns from documents with classes, got none; give labels"),
        (np.zeros(6, int), "learns from two classes or more, with examples of each, got 1 class; give such"),
        (np.array([0, 2, 2, 0, 0, 0]), "with examples of each, got none of class 1; give such"),
    ],
)
def test_data_without_two_known_classes_is_refused(labels, message):
    with pytest.raises(DataError, match=message):
        LSTMClassifier(LSTMClassifierConfig(**SIZES)).fit(replace(DOCS, labels=labels), trainer=TRAINER)


def test_a_class_unknown_in_training_is_refused_and_topics_are_not_there():
    model = random_model()
    strange = replace(DOCS, labels=np.array([0, 1, 2, 0, 1, 0]))
    with pytest.raises(DataError, match="a class from 0 to 1, those it was trained on, got 2 of document 2; leave"):
        model.values(strange)
    assert model.predict(replace(DOCS, labels=None)).shape == (6, 2)
    with pytest.raises(AbilityError, match="lstm-classifier: has no topics"):
        model.topics()


@pytest.mark.parametrize("settings", [{}, {"pooling": "mean"}, {"linear_gain": True}])
def test_it_keeps_to_the_contract_of_models(settings, tmp_path):
    model = LSTMClassifier(LSTMClassifierConfig(**SIZES, **settings))
    check_model(model, DATA, tmp_path / "checked")
    if not settings:
        check_that_it_survives(model, DATA, TRAINER, tmp_path / "run", step=2)


def test_the_class_of_a_word_far_back_is_learned():
    rng = np.random.default_rng(0)
    each = [np.concatenate([[label], rng.integers(2, 6, 4)]) for label in np.tile([0, 1], 100)]
    parts = [Tokens(Ragged.of(part), 6, labels=np.tile([0, 1], len(part) // 2)) for part in (each[:160], each[160:])]
    rule = LSTMClassifier.trainer.optimiser.changed(learning_rate=0.02)
    trainer = LSTMClassifier.trainer.changed(epochs=12, batch_size=20, optimiser=rule, device="cpu")
    model = LSTMClassifier(LSTMClassifierConfig(embedding_size=8, hidden_size=8)).fit(parts[0], trainer=trainer)
    assert model.values(parts[1])["error"].value.mean() < 0.05

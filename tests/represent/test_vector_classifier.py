"""Tests of irkit.represent.vector_classifier: scikit-learn on a model's vectors, one model for several seeds, files."""

import numpy as np
import pytest

from irkit.errors import ConfigError, NotFoundError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.represent import LSA, VectorClassifier
from irkit.represent.vector_classifier import VectorClassifierConfig
from irkit.testing import check_model

V = 12


def documents(n, classes=2, seed=0):
    """Documents whose terms lean towards their class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    each = [(rng.integers(V // 2, size=rng.integers(2, 9)) + label * V // 2) % V for label in labels]
    return Tokens(Ragged.of(each), V, labels=labels)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learn_on_vectors_of_all_documents(classes):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    train, test = documents(60, classes), documents(30, classes, seed=1)
    lsa = LSA(dimensions=4).fit(train)
    scale = StandardScaler().fit(lsa.encode(train).astype(np.float64))
    slow = LogisticRegression(C=2.0, max_iter=1000).fit(scale.transform(lsa.encode(train)), train.labels)
    model = VectorClassifier(VectorClassifierConfig(model="lsa", settings={"dimensions": 4}, c=2.0)).fit(train)
    expected = slow.predict_proba(scale.transform(lsa.encode(test).astype(np.float64)))
    np.testing.assert_allclose(model.predict(test), expected, atol=1e-4)


def test_documents_without_a_label_teach_the_model_and_not_the_regression():
    labelled, more = documents(20), documents(40, seed=3)
    both = Tokens(Ragged.of([*labelled.x, *more.x]), V, labels=np.append(labelled.labels, np.full(40, -1)))
    fitted = VectorClassifier(VectorClassifierConfig(settings={"dimensions": 3})).fit(both)
    unlabelled = LSA(dimensions=3).fit(both)
    np.testing.assert_allclose(fitted.encode_rows(more), unlabelled.encode(more), atol=1e-6)
    assert fitted.net.weight.shape == (2, 3)


@pytest.mark.parametrize(
    ("model", "settings", "trainer"),
    [
        ("lsa", {"dimensions": 3}, {}),
        ("docnade", {"hidden_size": 4}, {"epochs": 2}),
        ("topicrnn", {"hidden_size": 4, "topics": 3, "embedding_size": 4, "stopwords": []}, {"epochs": 2}),
    ],
)
def test_it_keeps_to_the_contract_of_models_whatever_gives_the_vectors(tmp_path, model, settings, trainer):
    data = DataSet("toy", documents(60), documents(20, seed=1), documents(20, seed=2))
    config = VectorClassifierConfig(model=model, settings=settings, trainer=trainer)
    fitted = check_model(VectorClassifier(config), data, tmp_path)
    assert fitted.values(data.test)["error"].value.mean() <= 0.5
    assert len(list((tmp_path / "home" / "pretrained").glob("*.safetensors"))) == 1


def test_runs_of_several_seeds_and_labels_share_the_model(tmp_path):
    train = documents(60)
    config = VectorClassifierConfig(model="docnade", settings={"hidden_size": 4}, trainer={"epochs": 1})
    nets = []
    for seed, labelled in ((1, 10), (2, 10), (1, 20)):
        model = VectorClassifier(config.changed(labelled=labelled))
        nets.append(model.fit(train, trainer=model.trainer.changed(seed=seed)).net)
    assert len(list((tmp_path / "home" / "pretrained").glob("*.safetensors"))) == 1
    assert nets[0].mean.equal(nets[1].mean)
    assert nets[0].mean.equal(nets[2].mean)
    assert not nets[0].weight.equal(nets[1].weight)


def test_word_vectors_in_a_file_decide_too(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("2 2\na 1 0\nb 0 1\n")
    config = VectorClassifierConfig(model="vector-average", settings={"vectors": str(path), "dimensions": 2})
    before = VectorClassifier(config).beside
    path.write_text("2 2\na 1 0\nb 1 1\n")
    assert before != VectorClassifier(config).beside


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"model": "lstm-classifier"}, ConfigError, "lstm-classifier gives no vectors of documents; try docnade"),
        ({"model": "rbm"}, ConfigError, "rbm gives no vectors of documents"),
        ({"model": "docnad"}, NotFoundError, "docnad"),
        ({"model": "lsa", "settings": {"dimension": 3}}, ConfigError, "dimension"),
        ({"model": "docnade", "trainer": {"epoch": 3}}, ConfigError, "epoch"),
    ],
)
def test_what_gives_no_vectors_or_has_no_such_setting_is_refused_before_anything_is_read(settings, error, message):
    with pytest.raises(error, match=message):
        VectorClassifierConfig(**settings)

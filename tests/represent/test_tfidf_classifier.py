"""Tests of irkit.represent.tfidf_classifier: scikit-learn's own pipeline on texts, files, labels drawn."""

import numpy as np
import pytest

from irkit.cli.runpage import page
from irkit.cli.train import summary
from irkit.errors import AbilityError, DataError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.recipe import load_training
from irkit.recipe.runfolder import train_run
from irkit.represent import TfidfClassifier
from irkit.represent.tfidf_classifier import TfidfClassifierConfig
from irkit.testing import check_model

V = 12


def documents(n, classes, seed=0):
    """Documents whose terms lean towards their class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    each = [(rng.integers(V, size=rng.integers(1, 9)) + label * (rng.random() < 0.5)) % V for label in labels]
    return Tokens(Ragged.of(each), V, labels=labels)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("least", [1, 2])
def test_probabilities_are_those_of_scikit_learn_on_texts(classes, pairs, least):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    train, test = documents(60, classes), documents(30, classes, seed=1)
    texts = [[" ".join(f"w{term}" for term in one) for one in part.x] for part in (train, test)]
    rows = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 1 + pairs), min_df=least, token_pattern=r"\S+")
    slow = LogisticRegression(C=3.0, max_iter=1000).fit(rows.fit_transform(texts[0]), train.labels)
    model = TfidfClassifier(TfidfClassifierConfig(pairs=pairs, least=least, c=3.0)).fit(train)
    np.testing.assert_allclose(model.predict(test), slow.predict_proba(rows.transform(texts[1])), atol=2e-4)
    assert model.net.grams.numel() == len(rows.vocabulary_)


def test_it_keeps_to_the_contract_of_models_and_learns_from_as_many_as_it_is_told(tmp_path):
    data = DataSet("toy", documents(60, 2), documents(20, 2, 1), documents(20, 2, 2))
    fitted = check_model(TfidfClassifier(), data, tmp_path)
    few = TfidfClassifier(TfidfClassifierConfig(labelled=10))
    seeded = [few.fit(data, trainer=few.trainer.changed(seed=seed)).net.grams.numel() for seed in (1, 1, 2)]
    assert seeded[0] == seeded[1] < fitted.net.grams.numel()
    with pytest.raises(AbilityError, match="tfidf-classifier: does not encode"):
        fitted.encode(data.test)


def test_a_recipe_is_run_into_a_folder_and_shown(tmp_path, monkeypatch):
    data = DataSet("toy", documents(60, 2), documents(20, 2, 1), documents(20, 2, 2))
    monkeypatch.setattr("irkit.recipe.training.load_data", lambda name, binarise: data)
    done = train_run(load_training("imdb-tfidf").with_settings({"config.labelled": 50}), tmp_path / "run")
    wrong = (done.model.predict(data.test).argmax(1) != data.test.labels).mean()
    assert f"run: error {wrong:.2f} (exact) on 20 test documents" in summary(done.folder, done.result)
    assert "; solved in" in summary(done.folder, done.result)
    assert "at once" in page(done)


def test_settings_that_leave_no_gram_are_refused():
    with pytest.raises(DataError, match="tfidf-classifier: no gram is in 50 documents, got 20; lower least"):
        TfidfClassifier(TfidfClassifierConfig(least=50)).fit(documents(20, 2))

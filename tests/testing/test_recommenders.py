"""Tests of irkit.testing.recommenders: every shipped recommender passes, and what breaks the contract is told so."""

from __future__ import annotations

import numpy as np
import pytest

from irkit.errors import ConfigError, NotFittedError
from irkit.recommend import Bias, Popularity, Recommender
from irkit.registry import RECOMMENDERS, STAGES
from irkit.testing import check_recommender

SMALL = {
    "als": {"factors": 3, "iterations": 2},
    "autorec": {"hidden_size": 3, "epochs": 2},
    "bayesian-mf": {"embedding_size": 2, "burn_in": 1, "draws": 2},
    "cfnade": {"hidden_size": 3, "epochs": 2},
    "irgan": {"rounds": 1, "discriminator_passes": 1, "generator_passes": 1, "dns_epochs": 2},
    "rrn": {"epochs": 1, "mf_epochs": 2, "hidden_size": 3, "input_size": 3, "dynamic_size": 2},
}
"Settings with which a fit takes no time."


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_every_shipped_recommender_passes(name, tmp_path):
    kind = STAGES.load(name)
    fields = kind.config_type.model_fields
    settings = {field: value for field, value in {"epochs": 2, **SMALL.get(name, {})}.items() if field in fields}
    fitted = check_recommender(kind(**settings), tmp_path)
    assert fitted.name == name


class Broken(Popularity):
    """Those below break one thing each."""

    name = "broken"


class Eager(Broken):
    def recommend(self, users, n=None, *, day=None):
        return None if self.train is None else super().recommend(users, n, day=day)


class Same(Broken):
    @property
    def fingerprint(self):
        return "the same"


class Keeping(Broken):
    """Lists what was rated, whatever its setting says."""

    def _seen(self, users):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)


class Beyond(Bias):
    name = "broken"

    def predict(self, pairs):
        found = super().predict(pairs)
        return found.assign(prediction=found["prediction"] + 9)


class Predicting(Broken):
    def predict(self, pairs):
        return pairs


class Selfish(Broken):
    def fit(self, train, valid=None):
        fitted = super().fit(train, valid)
        self.train = fitted.train
        return fitted


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Eager, "before fit it is refused by a NotFittedError"),
        (Same, "other ratings give another fingerprint"),
        (Keeping, "a list holds nothing that the user rated"),
        (Beyond, "predicted ratings lie on the scale"),
        (Predicting, "what ranks and predicts no ratings refuses predict by a ConfigError"),
        (Selfish, "fit returns a copy"),
    ],
)
def test_a_recommender_that_breaks_the_contract_is_told_what_it_breaks(kind, message, tmp_path):
    with pytest.raises(AssertionError) as caught:
        check_recommender(kind(), tmp_path, named=False)
    assert str(caught.value).startswith(message)


def test_the_errors_that_the_contract_asks_for_are_those_of_the_base():
    with pytest.raises(NotFittedError):
        Bias().recommend(["u"])
    with pytest.raises(ConfigError):
        Popularity().predict(None)
    assert issubclass(Broken, Recommender)

"""Tests of irkit.lucene.similarity."""

import math

import pytest

from irkit.errors import ConfigError
from irkit.lucene.bridge import is_exact, model_line
from irkit.lucene.similarity import MODELS, QLDirichlet, similarity


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_made_by_its_name(name):
    made = similarity(name)
    assert type(made) is MODELS[name]
    assert made.name == name
    assert made.given() == {}
    assert model_line(made, 60.0).split(" ")[0] == name


def test_parameters_reach_the_bridge_in_full():
    assert model_line(similarity("bm25", k1=1.2, b=0.1 + 0.2), 60.0) == "bm25 1.2 0.30000000000000004"
    assert model_line(similarity("tf-idf"), 60.0) == "tf-idf"
    assert model_line(similarity("ql-jelinek-mercer", lam=1e-6), 60.0) == "ql-jelinek-mercer 1e-06"
    assert model_line(QLDirichlet(mu="auto"), 60.5) == "ql-dirichlet 181.5"


def test_only_exact_likelihood_is_exact():
    assert [name for name in MODELS if is_exact(similarity(name))] == ["ql-dirichlet", "ql-jelinek-mercer"]


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("bm52", {}, "similarity: there is no model 'bm52'; did you mean bm25?"),
        ("bm25", {"mu": 1}, "bm25: unknown field 'mu'; choose from b, k1"),
        ("bm25", {"k1": -1}, "bm25: k1 is not valid, got -1"),
        ("bm25", {"b": 1.1}, "bm25: b is not valid, got 1.1"),
        ("ql-dirichlet", {"mu": 0}, "ql-dirichlet: mu is not valid, got 0; should be 'auto' or a number from 1e-06"),
        ("ql-dirichlet", {"mu": "some"}, "ql-dirichlet: mu is not valid, got 'some'"),
        ("ql-dirichlet", {"mu": None}, "ql-dirichlet: mu is not valid, got nothing"),
        ("ql-dirichlet", {"mu": math.nan}, "ql-dirichlet: mu is not valid, got nan"),
        ("ql-dirichlet", {"mu": math.inf}, "ql-dirichlet: mu is not valid, got inf"),
        ("ql-jelinek-mercer", {"lam": 1}, "ql-jelinek-mercer: lam is not valid, got 1"),
        ("lucene-qld", {"mu": 0}, "lucene-qld: mu is not valid, got 0"),
        ("lucene-qljm", {"lam": 0}, "lucene-qljm: lam is not valid, got 0"),
    ],
)
def test_messages(name, parameters, message):
    with pytest.raises(ConfigError) as error:
        similarity(name, **parameters)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)

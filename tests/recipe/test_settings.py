"""Tests of irkit.recipe.settings."""

from __future__ import annotations

import pytest

from irkit.errors import ConfigError, DataError
from irkit.recipe import Recipe, parse_settings, setting_names
from tests.oracles.fake_index import FakeIndex

ONE = Recipe(name="one", stages=[{"use": "lucene"}, {"use": "cut", "k": 10}], needs=("index",))
BM25 = [{"use": "lucene", "k1": 0.9}]
QL = [{"use": "lucene", "model": "ql-dirichlet"}, {"use": "cut", "k": 9}]
FUSED = Recipe(name="fused", stages=[{"use": "rrf", "of": [BM25, QL]}, {"use": "cut", "k": 5}], needs=("index",))


def test_settings_by_path_and_by_bare_name():
    changed = ONE.with_settings({"k1": 1.2, "0.n": 100, "1.k": 3})
    assert changed.stages == [{"use": "lucene", "k1": 1.2, "n": 100}, {"use": "cut", "k": 3}]
    assert ONE.stages == [{"use": "lucene"}, {"use": "cut", "k": 10}]
    assert (changed.name, changed.needs, changed.about) == (ONE.name, ONE.needs, ONE.about)
    assert changed.hash != ONE.hash


def test_settings_inside_operators():
    changed = FUSED.with_settings({"0.k": 10, "0.of.0.n": 7, "0.of.1.1.k": 2, "0.of.1.mu": "auto"})
    first, second = changed.stages[0]["of"]
    assert changed.stages[0]["k"] == 10
    assert first == [{"use": "lucene", "k1": 0.9, "n": 7}]
    assert second == [{"use": "lucene", "model": "ql-dirichlet", "mu": "auto"}, {"use": "cut", "k": 2}]
    assert changed.stages[1] == FUSED.stages[1]


def test_a_bare_name_means_the_one_stage_it_is_valid_for():
    # Both retrievers have the fields k1 and mu, but each model only takes one of them.
    changed = FUSED.with_settings({"k1": 1.5, "mu": 300})
    assert changed.stages[0]["of"][0][0] == {"use": "lucene", "k1": 1.5}
    assert changed.stages[0]["of"][1][0] == {"use": "lucene", "model": "ql-dirichlet", "mu": 300}


def test_settings_are_made_in_order():
    changed = ONE.with_settings({"model": "ql-dirichlet", "mu": 300})
    assert changed.stages[0] == {"use": "lucene", "model": "ql-dirichlet", "mu": 300}


def test_a_changed_recipe_builds_what_it_says():
    index = FakeIndex()
    built = ONE.with_settings({"k1": 1.2}).build(index=index)
    assert built.parts[0].config.k1 == 1.2


@pytest.mark.parametrize(
    ("recipe", "changes", "message"),
    [
        (ONE, {"modle": 1}, r"recipe 'one': there is no setting 'modle'; did you mean model\?"),
        (ONE, {"0.use": "cut"}, r"recipe 'one': there is no setting '0.use'; choose from b, k1"),
        (ONE, {"1.n": 5}, "recipe 'one': there is no setting '1.n'; choose from k"),
        (ONE, {"2.k": 5}, "recipe 'one': setting '2.k' leads nowhere: there is no '2'"),
        (ONE, {"1.of.0.k": 5}, r"recipe 'one': setting '1\.of\.0\.k' leads nowhere: there is no '1\.of'"),
        (ONE, {"-1.k": 5}, "leads nowhere: there is no '-1'"),
        (ONE, {"": 5}, "there is no setting ''"),
        (FUSED, {"k": 5}, r"recipe 'fused': 'k' may be rrf\.k or 0\.of\.1\.1\.k or 1\.k; say which"),
        (FUSED, {"n": 5}, r"'n' may be 0\.of\.0\.0\.n or 0\.of\.1\.0\.n; say which"),
        (FUSED, {"0.of.n": 5}, r"'0\.of\.n' may be 0\.of\.0\.0\.n or 0\.of\.1\.0\.n; say which"),
        (ONE, {"0.n": "abc"}, r"recipe 'one': 0\.n: lucene: n is not valid, got 'abc'"),
        (ONE, {"mu": 5}, r"recipe 'one': 0: bm25: unknown field 'mu'"),
        (FUSED, {"0.of.1.0.k1": 5}, r"recipe 'fused': 0\.of\.1\.0: ql-dirichlet: unknown field 'k1'"),
    ],
)
def test_what_fits_nothing_or_several_is_refused(recipe, changes, message):
    with pytest.raises(ConfigError, match=message):
        recipe.with_settings(changes)


def test_names_are_full_paths_that_work():
    names = setting_names(FUSED.stages)
    assert names[0] == "0.k"
    assert {"0.of.0.0.k1", "0.of.1.0.mu", "0.of.1.1.k", "1.k"} <= set(names)
    for name in ("0.k", "0.of.1.1.k", "1.k"):
        assert FUSED.with_settings({name: 3}) != FUSED


def test_parse_settings_reads_yaml_values():
    assert parse_settings(["k1=1.2", " 0.mu =auto", "a=1e-3", "b=null", "c=x=y", "d=[1, no]"]) == {
        "k1": 1.2,
        "0.mu": "auto",
        "a": 0.001,
        "b": None,
        "c": "x=y",
        "d": [1, "no"],
    }


@pytest.mark.parametrize(
    ("texts", "message", "kind"),
    [
        (["k1"], "settings: needs name=value, got 'k1'; for example k1=1.2", ConfigError),
        (["=3"], "settings: needs name=value, got '=3'", ConfigError),
        (["k=1", "k=2"], "settings: 'k' is given twice", ConfigError),
        (["k=[1"], "settings: k:1: not YAML", DataError),
        (["k=!!python/name:os.system"], "settings: k:1: tags are not allowed", DataError),
    ],
)
def test_parse_settings_refuses(texts, message, kind):
    import re

    with pytest.raises(kind, match=re.escape(message)):
        parse_settings(texts)

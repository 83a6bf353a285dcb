"""Tests of irkit.pipeline.settings: settings of a pipeline's stages by name, by stage and by place."""

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from irkit.errors import ConfigError
from irkit.expand import RM3
from irkit.pipeline import Learned, Retrieve, Topics, apply, rrf
from tests.oracles.fake_index import FakeIndex
from tests.pipeline.toy import toy

INDEX = FakeIndex()
BM25, QL = Retrieve(INDEX), Retrieve(INDEX, model="ql-dirichlet", mu=500)


def texts(pipeline, **settings):
    return repr(pipeline.with_settings(settings))


def test_a_setting_is_changed_where_it_is_and_nothing_else():
    pipeline = BM25 >> apply.score(len) >> RM3(INDEX) >> QL
    changed = pipeline.with_settings({"fb_terms": 7, "keep": 0.25})
    assert repr(changed) == "lucene() >> apply.score(len) >> rm3(fb_terms=7, keep=0.25) >> " + repr(QL)
    assert [a is b for a, b in zip(changed.parts, pipeline.parts, strict=True)] == [True, True, False, True]
    assert repr(pipeline.parts[2]) == "rm3()"
    assert pipeline.with_settings({}) is pipeline


def test_one_stage_that_stands_twice_is_changed_in_both_places():
    assert texts(BM25 >> RM3(INDEX) >> BM25, k1=1.2) == "lucene(k1=1.2) >> rm3() >> lucene(k1=1.2)"
    twins = Retrieve(INDEX) >> RM3(INDEX) >> Retrieve(INDEX)
    with pytest.raises(ConfigError, match=r"settings: 'k1' may be 0\.k1 or 2\.k1; say which"):
        twins.with_settings({"k1": 1.2})
    assert repr(twins.with_settings({"2.k1": 1.2})) == "lucene() >> rm3() >> lucene(k1=1.2)"


def test_several_stages_are_told_apart_by_their_names_or_by_what_they_take():
    pipeline = QL >> RM3(INDEX) >> QL
    with pytest.raises(ConfigError, match=r"'mu' may be ql-dirichlet\.mu or rm3\.mu; say which"):
        pipeline.with_settings({"mu": 5})
    assert repr(pipeline.with_settings({"rm3.mu": 5}).parts[1]) == "rm3(mu=5.0)"
    assert repr(pipeline.with_settings({"lucene.mu": 5}).parts[0]) == "lucene(model='ql-dirichlet', mu=5.0)"
    fused = rrf(BM25 % 5, QL, k=10) % 20
    assert texts(fused, k1=1.5) == "rrf(lucene(k1=1.5) % 5, lucene(model='ql-dirichlet', mu=500.0), k=10.0) % 20"
    assert repr(fused.with_settings({"rrf.k": 3, "0.of.0.1.k": 4, "1.k": 9, "ql-dirichlet.n": 8})) == (
        "rrf(lucene() % 4, lucene(model='ql-dirichlet', mu=500.0, n=8), k=3.0) % 9"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k2": 1}, "settings: there is no setting 'k2'; choose from b, compatible"),
        ({"rm4.mu": 1}, r"settings: setting 'rm4\.mu' leads nowhere: there is no 'rm4'; did you mean rm3\?"),
        ({"7.mu": 1}, r"settings: setting '7\.mu' leads nowhere: there is no '7'"),
        ({"keep": 2}, "keep is not valid, got 2; it must be 1 or less"),
        ({"lam": 0.5}, "unknown field 'lam'"),
    ],
)
def test_mistakes_are_one_line(settings, message):
    with pytest.raises(ConfigError, match=message) as error:
        (BM25 >> RM3(INDEX) >> BM25).with_settings(settings)
    assert "\n" not in str(error.value)


def test_a_stage_that_holds_more_than_settings_is_left_as_it_is_or_refused():
    scored = toy() ** toy(boost=0.1)
    own = scored >> Learned(estimator=LinearRegression())
    assert own.with_settings({"0.of.0.boost": 2.0}).parts[1] is own.parts[1]
    with pytest.raises(ConfigError, match="learned: its settings cannot be changed, for it is fitted or holds"):
        own.with_settings({"model": "linear"})
    qrels = pd.DataFrame({"qid": ["1"], "docno": ["d1"], "label": [1]})
    fitted = (scored >> Learned(model="linear")).fit(Topics({"1": "wing flutter"}, qrels))
    with pytest.raises(ConfigError, match="learned: its settings cannot be changed, for it is fitted or holds"):
        fitted.with_settings({"reg": 2.0})

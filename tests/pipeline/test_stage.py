"""Tests of irkit.pipeline.stage: use, identity, construction."""

import numpy as np
import pandas as pd
import pytest

import irkit.pipeline
from irkit.errors import CompositionError, ConfigError, FrameError
from irkit.hits import Hits
from irkit.pipeline import Cut, DropSelf, Retrieve, Stage, Topics, rrf
from irkit.pipeline.chain import CutConfig
from irkit.pipeline.operators import RRF, Normalise, Scale
from irkit.pipeline.stage import resource_fingerprint
from tests.pipeline.toy import DOCS, Louder, Toy, ToyConfig, ToyIndex, given, toy

QRELS = pd.DataFrame({"qid": ["1"], "docno": ["d1"], "label": [1]})


def test_every_public_name_is_there():
    for name in irkit.pipeline.__all__:
        assert getattr(irkit.pipeline, name) is not None


# ---------------------------------------------------------------- use


def test_a_pipeline_reads_whatever_queries_people_have():
    pipeline = toy()
    expected = [("1", "d3", 3.0, 0), ("1", "d2", 1.0, 1)]
    for queries in ("heat", ["heat"], {"1": "heat"}, pd.DataFrame({"qid": ["1"], "query": ["heat"]})):
        frame = pipeline(queries)
        rows = list(zip(frame["qid"], frame["docno"], frame["score"], frame["rank"], strict=True))
        assert rows == expected
    assert pipeline.transform("heat").equals(pipeline("heat"))


def test_search_gives_the_best_of_one_query():
    assert toy().search("wing speed flutter", 2)["docno"].tolist() == ["d1", "d5"]
    assert len(toy().search("wing speed flutter")) == 4


def test_search_needs_a_pipeline_from_queries_to_results():
    with pytest.raises(
        CompositionError, match="search: needs a pipeline from queries to results, got one from results"
    ):
        Cut(k=3).search("x")
    with pytest.raises(CompositionError, match="to queries; call the pipeline on a frame instead"):
        Louder().search("x")


def test_a_rewriting_stage_gives_queries():
    assert Louder()("heat wing")["query"].tolist() == ["heat wing heat"]


def test_results_go_into_a_stage_as_frame_or_hits():
    results = toy()("heat wing")
    assert Cut(k=1)(results)["docno"].tolist() == ["d3"]
    assert Cut(k=1)(Hits.from_frame(results))["docno"].tolist() == ["d3"]
    assert toy()(Hits.from_frame(results)).equals(results)


@pytest.mark.parametrize(
    ("stage", "frame", "message"),
    [
        (Cut(k=1), "heat", "cut: takes results, got str; run a retriever first"),
        (Cut(k=1), {"1": "heat"}, "cut: takes results, got dict; run a retriever first"),
        (Cut(k=1) >> DropSelf(), ["heat"], "cut: takes results, got list; run a retriever first"),
        (Cut(k=1), pd.DataFrame({"qid": ["1"]}), "results: a results frame needs the column 'docno', 'score', got qid"),
        (toy(), pd.DataFrame({"qid": ["1"], "docno": ["d"]}), "toy: takes queries, got a frame with a docno column"),
        (toy(), pd.DataFrame({"qid": ["1"]}), "queries: a queries frame needs the column 'query' or 'query_toks'"),
        (toy(), [1], "queries: a query must be a text, got int 1"),
    ],
)
def test_a_wrong_frame_is_refused(stage, frame, message):
    with pytest.raises(FrameError) as error:
        stage(frame)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    "pipeline", [toy(), toy() % 2, toy() + toy(), rrf(toy(), toy()), toy() ** toy(), toy() ^ toy()]
)
def test_no_query_and_no_result_are_fine(pipeline):
    assert pipeline([]).empty
    assert pipeline(["nothing has these words"]).empty


# ---------------------------------------------------------------- construction


def test_settings_go_into_a_config_or_by_name():
    assert Cut(k=3).config == Cut(CutConfig(k=3)).config == CutConfig(k=3)
    assert toy(boost=2).config == ToyConfig(boost=2.0)
    assert Toy(index=ToyIndex(DOCS)).config == ToyConfig()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cut(k=0), "cut: k is not valid, got 0"),
        (lambda: Cut(kk=1), "cut: unknown field 'kk'"),
        (lambda: Cut(), "cut: field 'k' is missing"),
        (lambda: Cut(5), "cut: takes a CutConfig or its fields by name, got int 5"),
        (lambda: Cut(CutConfig(k=1), k=2), "cut: takes a CutConfig or its fields by name, got both"),
        (lambda: DropSelf(k=2), "drop-self: has no settings, got k"),
        (lambda: rrf(toy(), toy()).make({"kk": 1}, (toy(), toy()), {}), "rrf: unknown field 'kk'"),
        (lambda: Cut.make({"k": 1}, (toy(),), {}), "cut: holds no pipelines, got 1; remove 'of'"),
        (lambda: Toy.make({}, (), {"vectors": 1}), "toy: needs the resource 'index'; pass index=..."),
    ],
)
def test_a_wrong_construction_is_refused(make, message):
    with pytest.raises(ConfigError) as error:
        make()
    assert message in str(error.value)


def test_a_stage_of_ones_own_may_take_what_it_likes_without_a_name():
    class Mine(Toy):
        def __init__(self, index, config=None):
            super().__init__(config, index=index)

    assert Mine(ToyIndex(DOCS))("heat").equals(toy()("heat"))


def test_a_stage_is_made_of_its_spec():
    pipeline = (toy(boost=2) % 5 >> DropSelf()) + rrf(toy(), toy(n=7), k=30)
    spec = pipeline.spec()
    assert spec == {
        "use": "sum",
        "of": [
            [{"use": "toy", "boost": 2.0}, {"use": "cut", "k": 5}, {"use": "drop-self"}],
            [{"use": "rrf", "k": 30.0, "of": [[{"use": "toy"}], [{"use": "toy", "n": 7}]]}],
        ],
    }
    kinds = {kind.name: kind for kind in (Toy, Cut, DropSelf, RRF, type(pipeline))}

    def build(specs):
        from irkit.pipeline import Then

        stages = []
        for spec in specs:
            settings = {name: value for name, value in spec.items() if name not in ("use", "of")}
            parts = tuple(build(part) for part in spec.get("of", []))
            stages.append(kinds[spec["use"]].make(settings, parts, pipeline.resources()))
        return Then.of(*stages)

    assert build([spec]) == pipeline


# ---------------------------------------------------------------- identity


def test_a_fingerprint_covers_kind_parameters_resources_and_parts():
    index, other = ToyIndex(DOCS), ToyIndex({"d1": "x"})
    base = Toy(index=index)
    prints = [
        base,
        Toy(index=index, boost=2.0),
        Toy(index=other),
        base % 3,
        base % 4,
        base >> Normalise(),
        base + base,
        base | base,
        rrf(base, base),
        rrf(base, base, k=30),
        (base % 3) + base,
        base + (base % 3),
        base >> Scale(weight=2) >> Cut(k=3),
        base >> Cut(k=3) >> Scale(weight=2),
        DropSelf(),
    ]
    assert len({stage.fingerprint for stage in prints}) == len(prints)
    assert all(stage.cacheable for stage in prints)


def test_equal_pipelines_are_equal_and_usable_as_keys():
    one, two = toy(boost=1) % 3, Toy(ToyConfig(), index=ToyIndex(dict(DOCS))) % 3
    assert one == two
    assert {one: "x"}[two] == "x"
    assert one != toy() % 4
    assert one != "text"


class Opaque(Stage):
    name = "opaque"
    takes = "queries"
    needs = ("thing",)

    def __init__(self, config=None, *, thing):
        super().__init__(config)
        self.thing = thing


@pytest.mark.parametrize("thing", [object(), None, pd.DataFrame({"a": [{}]}), type("T", (), {"fingerprint": ""})()])
def test_a_resource_without_a_fingerprint_makes_a_stage_like_no_other(thing):
    one, two = Opaque(thing=thing), Opaque(thing=thing)
    assert one == one
    assert one.fingerprint == one.fingerprint
    assert one.fingerprint != two.fingerprint
    assert not one.cacheable
    assert not (one % 3).cacheable
    assert not (toy() + one).cacheable
    assert (toy() + one).fingerprint == (toy() + one).fingerprint


def test_frames_are_resources_known_by_their_content():
    frame = pd.DataFrame({"qid": ["1", "2"], "docno": ["a", "b"]})
    assert resource_fingerprint(frame) == resource_fingerprint(frame.copy().set_index(pd.Index([5, 6])))
    different = [frame[::-1], frame.rename(columns={"qid": "q"}), frame.assign(docno=["a", "c"]), frame[:1]]
    assert len({resource_fingerprint(each) for each in [frame, *different]}) == 5


# ---------------------------------------------------------------- topics and retrieval


def test_topics_are_checked():
    assert Topics({"1": "heat"}, QRELS).flow["query"].tolist() == ["heat"]
    assert isinstance(Topics(toy()("heat"), QRELS).flow, Hits)
    with pytest.raises(FrameError, match="topics: a qrels frame needs the column 'label'"):
        Topics("heat", QRELS[["qid", "docno"]])
    with pytest.raises(FrameError, match="queries: a query must be a text, got int 1"):
        Topics([1], QRELS)


def test_topics_go_through_a_stage():
    through = Topics("heat", QRELS).through(toy() % 1)
    assert isinstance(through.flow, Hits)
    assert through.flow.frame()["docno"].tolist() == ["d3"]
    assert through.qrels is QRELS


class Asked:
    """Stands in for an index: remembers what it was asked, and finds nothing."""

    def search(self, queries, k, similarity, **how):
        from irkit.lucene import Found

        self.asked = (queries, k, similarity, how)
        n = len(queries)
        return Found(np.zeros(n + 1, dtype=np.int64), np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32))

    docnos = given({}).run(pd.DataFrame({"qid": []})).docnos
    fingerprint = "asked"


def test_a_retriever_asks_for_terms_where_there_are_and_text_where_not():
    index = Asked()
    queries = pd.DataFrame({"qid": ["1", "2"], "query": ["a b", "c"], "query_toks": [{"a": 2.0}, None]})
    Retrieve(index=index, model="ql-dirichlet", mu=500, n=7)(queries)
    asked, k, similarity, how = index.asked
    assert (asked, k, similarity.name, similarity.mu) == ([{"a": 2.0}, "c"], 7, "ql-dirichlet", 500)
    assert how == {"threads": None, "scorer": "auto", "ties": "trec"}
    Retrieve(index=index)(queries[:1].drop(columns="query"))
    assert index.asked[0] == [{"a": 2.0}]
    with pytest.raises(FrameError, match="lucene: query '2' has neither text nor weighted terms"):
        Retrieve(index=index)(queries.drop(columns="query"))


def test_a_cut_limits_the_retrieval_itself():
    index = Asked()
    (Retrieve(index=index) % 10 % 20)("a")
    assert index.asked[1] == 10
    (Retrieve(index=index, n=5) % 10)("a")
    assert index.asked[1] == 5


def test_a_parameter_of_another_model_is_refused():
    with pytest.raises(ConfigError, match="bm25: unknown field 'mu'"):
        Retrieve(index=Asked(), mu=500)

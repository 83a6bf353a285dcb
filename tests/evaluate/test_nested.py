"""Tests of irkit.evaluate.nested, and of tuning what learns from judgements: loops written out, and what is hidden."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from irkit.errors import CompositionError, ConfigError
from irkit.evaluate import evaluate, experiment, folds, load_space, tune
from irkit.evaluate.nested import InnerFolds, Prefixes, judged, part_of
from irkit.evaluate.space import Space
from irkit.hits import Hits
from irkit.lucene import build_index
from irkit.pipeline import Learned, Rescore, Retrieve, Topics
from irkit.pipeline.fit import before_learning
from irkit.recipe import Recipe, load_recipe

PARTS = [[{"use": "rescore"}], [{"use": "rescore", "model": "tf-idf"}], [{"use": "lengths"}]]
RECIPE = Recipe(
    name="toy",
    needs=("index", "train"),
    stages=[{"use": "lucene", "n": 25}, {"use": "features", "of": PARTS}, {"use": "learned", "model": "linear"}],
)
SPACE = Space(
    name="toy-search",
    recipe="toy",
    parameters={"k1": {"names": ("0.k1",), "values": (0.2, 3.0)}, "model": {"values": ("linear", "logistic")}},
)
CANDIDATES = [{"k1": k1, "model": model} for k1 in (0.2, 3.0) for model in ("linear", "logistic")]


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    rng = np.random.default_rng(3)
    words = [f"w{i}" for i in range(12)]
    documents = [(f"d{i}", " ".join(rng.choice(words, int(rng.integers(3, 30))))) for i in range(60)]
    index = build_index(tmp_path_factory.mktemp("nested") / "index", documents, analyzer="whitespace", threads=1)
    queries = pd.DataFrame(
        {"qid": [f"q{i}" for i in range(14)], "query": [" ".join(rng.choice(words, 3)) for _ in range(14)]}, dtype="str"
    )
    rows = [(f"q{i}", f"d{j}", 1) for i in range(14) for j in rng.choice(60, 12, replace=False)]
    qrels = pd.DataFrame(rows, columns=["qid", "docno", "label"]).astype({"qid": "str", "docno": "str"})
    yield {"index": index}, queries, qrels
    index.close()


def run(job, qrels=None, **options):
    resources, queries, own = job
    own = own if qrels is None else qrels
    return tune(RECIPE, SPACE, queries, own, "AP P@5", resources=resources, folds=3, inner=2, **options)


@pytest.fixture(scope="module")
def tuned(job):
    return run(job)


def some(frame, qids):
    return frame[frame["qid"].isin(qids)].reset_index(drop=True)


def fitted(job, values, train):
    resources, queries, qrels = job
    pipeline = SPACE.applied(RECIPE, values).build(**resources)
    return pipeline.fit(Topics(some(queries, train), some(qrels, train)))


def inner_value(job, values, train):
    """The mean over the training queries of AP, each ranked by what was fitted on the other inner fold."""
    _, queries, qrels = job
    inner = folds(train, 2, 42)
    found = [fitted(job, values, inner.train(fold))(some(queries, inner.test(fold))) for fold in range(2)]
    return evaluate(pd.concat(found), some(qrels, train), "AP", queries=some(queries, train)).means["AP"]


def test_it_is_the_loops_written_out(job, tuned):
    _, queries, qrels = job
    assert tuned.candidates == CANDIDATES
    values = np.array([
        [inner_value(job, candidate, tuned.folds.train(fold)) for fold in range(3)] for candidate in CANDIDATES
    ])  # fmt: skip
    np.testing.assert_allclose(tuned.means, values.mean(axis=1), rtol=1e-12)
    for fold in range(3):
        chosen = CANDIDATES[int(np.argmax(values[:, fold]))]
        assert tuned.chosen[fold] == chosen
        test = some(queries, tuned.folds.test(fold))
        found = fitted(job, chosen, tuned.folds.train(fold))(test)
        want = evaluate(found, qrels, "AP P@5", queries=test).per_query
        pd.testing.assert_frame_equal(tuned.evaluation.per_query.loc[test["qid"]], want)
    assert tuned.notes()[0] == "tuned: 4 candidates of toy-search by AP, 3 folds and 2 inner folds of the others"
    assert str(tuned).startswith("toy-search: 4 candidates, 3 folds, 2 inner folds, chosen by AP\n")


@pytest.mark.parametrize("fold", [0, 2])
def test_what_a_fold_holds_out_has_no_say_in_its_choice(job, tuned, fold):
    _, _, qrels = job
    before = tuned
    held_out = qrels["qid"].isin(before.folds.test(fold))
    shuffled = qrels.copy()
    shuffled.loc[held_out, "docno"] = [f"d{59 - i % 60}" for i in range(int(held_out.sum()))]
    assert not shuffled.equals(qrels)
    after = run(job, qrels=shuffled)
    assert after.folds == before.folds
    assert after.chosen[fold] == before.chosen[fold]
    how = {"k": 2, "seed": 42, "exclude_self": False}
    inner = [InnerFolds(Prefixes(job[1], own), before.folds.train(fold), own, "AP", **how) for own in (qrels, shuffled)]
    values = [one.value(SPACE.applied(RECIPE, CANDIDATES[1]).build(**job[0])) for one in inner]
    assert values[0] == values[1]


def test_the_judgements_that_fit_sees_are_those_of_its_training_queries(job, monkeypatch):
    seen = []
    real = Learned.fit

    def fit(self, train, valid=None):
        seen.append((set(train.flow.queries["qid"]), set(train.qrels["qid"])))
        return real(self, train, valid)

    monkeypatch.setattr(Learned, "fit", fit)
    tuned = run(job)
    assert len(seen) == 4 * 3 * 2 + 3
    assert all(flow == labelled for flow, labelled in seen)
    outer = [set(tuned.folds.train(fold)) for fold in range(3)]
    assert [flow for flow, _ in seen[-3:]] == outer
    assert all(any(flow < train for train in outer) for flow, _ in seen[:-3])


def test_a_candidate_that_was_fitted_on_a_query_it_is_measured_on_is_refused(job, monkeypatch):
    real = Learned.fit

    def fit(self, train, valid=None):
        out = real(self, train, valid)
        out.fitted_on = frozenset(job[1]["qid"])
        return out

    monkeypatch.setattr(Learned, "fit", fit)
    with pytest.raises(ConfigError, match="tune: a candidate was fitted on 5 of the 5 test queries, such as 'q"):
        run(job)


def test_a_stage_before_what_learns_that_was_fitted_on_a_query_is_refused(job, monkeypatch):
    monkeypatch.setattr(Rescore, "fitted_on", frozenset(["q3"]), raising=False)
    with pytest.raises(ConfigError, match="tune: a candidate was fitted on 1 of the 14 test queries, such as 'q3'"):
        run(job)


@pytest.mark.parametrize("order", ["k1 model", "model k1"])
def test_what_candidates_have_in_common_is_run_once(job, monkeypatch, order):
    counts = {"lucene": 0, "rescore": 0}
    for kind in (Retrieve, Rescore):
        real = kind.run

        def counted(self, flow, real=real):
            counts[self.name] += 1
            return real(self, flow)

        monkeypatch.setattr(kind, "run", counted)
    space = SPACE.changed(parameters={name: SPACE.parameters[name] for name in order.split()})
    resources, queries, qrels = job
    tuned = tune(RECIPE, space, queries, qrels, "AP", resources=resources, folds=3, inner=2)
    k1s = [values["k1"] for values in tuned.chosen]
    changes = sum(one != other for one, other in pairwise(k1s))  # the first may be that of the last candidate
    assert counts["lucene"] - changes in (2, 3)  # twice to choose among four, whatever the folds and the order
    assert counts["rescore"] == 2 * counts["lucene"]


def test_the_stage_runs_each_query_with_what_was_chosen_and_fitted_without_it(job, tuned):
    resources, queries, qrels = job
    stage = tuned.stage(resources)
    found = evaluate(stage.run(queries), qrels, "AP P@5", queries=queries)
    pd.testing.assert_frame_equal(found.per_query, tuned.evaluation.per_query)
    measured = experiment({"tuned": stage}, queries, qrels, "AP").evaluations["tuned"]
    assert measured.means["AP"] == tuned.evaluation.means["AP"]


def test_a_prefix_is_taken_up_to_the_stage_that_differs(job):
    resources, queries, _ = job
    prefixes = Prefixes(queries, job[2])
    build = lambda **settings: RECIPE.with_settings(settings).build(**resources)  # noqa: E731
    first, rest = prefixes.split(build())
    assert rest == build().parts[-1]
    assert prefixes.split(build(model="logistic"))[0] is first
    other, _ = prefixes.split(build(**{"0.k1": 3.0}))
    assert isinstance(other, Hits)
    assert not np.array_equal(other.doc, first.doc)
    again, _ = prefixes.split(build())
    np.testing.assert_array_equal(again.columns["features"], first.columns["features"])


def test_a_pipeline_is_split_before_the_first_stage_that_learns(job):
    bm25, learned = Retrieve(index=job[0]["index"]), Learned(model="linear")
    ranker = bm25 % 20 >> Rescore(index=bm25.index) ** bm25_score(bm25) >> learned
    before, rest = before_learning(ranker % 5)
    assert [stage.name for stage in before] == ["lucene", "features"]
    assert before[0].config.n == 20
    assert rest == learned % 5
    assert before_learning(ranker + bm25) == ((), ranker + bm25)
    with pytest.raises(CompositionError, match="lucene: no stage of it learns from judgements; put such a one at its"):
        before_learning(bm25)


def bm25_score(bm25):
    return Rescore(index=bm25.index, model="tf-idf")


def test_parts_of_a_flow_and_of_judgements_keep_their_order_and_what_is_said_of_them(job):
    resources, queries, qrels = job
    qrels = qrels.copy()
    qrels.attrs["exclude_self"] = True
    assert part_of(queries, ["q3", "q1"])["qid"].tolist() == ["q1", "q3"]
    hits = Retrieve(index=resources["index"], n=5).run(queries)
    part = part_of(hits, ["q3", "q1"])
    pd.testing.assert_frame_equal(part.frame(), some(hits.frame(), ["q3", "q1"]))
    assert judged(qrels, ["q3"]).attrs == {"exclude_self": True}
    assert set(judged(qrels, ["q3"])["qid"]) == {"q3"}


def test_too_few_queries_for_the_inner_folds_are_refused(job):
    resources, queries, qrels = job
    with pytest.raises(ConfigError, match="tune: 5 inner folds need as many queries to learn from, got 4; take fewer"):
        tune(RECIPE, SPACE, queries[:6], qrels, "AP", resources=resources, folds=3)


def test_a_shipped_space_fits_its_recipe():
    space = load_space("bm25-features-linear-search")
    assert space.candidates_for(load_recipe(space.recipe), "grid", 50, 42)


def test_a_search_sees_each_fold_by_its_inner_folds_alone(job, tuned, monkeypatch):
    asked = []

    def search(space, value, trials, seed, *, lower):
        """Try the last candidates first, as no grid does."""
        scores = {number: value(CANDIDATES[number]) for number in (3, 1, 3)}
        asked.append(scores)
        return CANDIDATES[max(scores, key=scores.__getitem__)]

    monkeypatch.setattr("irkit.evaluate.tuning.search", search)
    found = run(job, method="optuna", trials=3)
    assert found.candidates == [CANDIDATES[3], CANDIDATES[1]]
    assert len(asked) == 3
    for fold, scores in enumerate(asked):
        assert found.chosen[fold] == CANDIDATES[max(scores, key=scores.__getitem__)]
    means = [np.mean([scores[number] for scores in asked]) for number in (3, 1)]
    np.testing.assert_allclose(found.means, means)
    np.testing.assert_allclose(found.means, [tuned.means[3], tuned.means[1]])

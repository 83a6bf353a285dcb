"""Tests of irkit.evaluate.tuning, with a retriever whose quality depends on one setting and the query."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, IrkitError, MissingExtraError
from irkit.evaluate import evaluate, load_space, tune
from irkit.evaluate.space import Parameter, Space
from irkit.lucene import build_index
from irkit.recipe import load_recipe

SPACE = Space(
    name="toy-search", recipe="bm25", parameters={"b": {"values": (0.0, 0.5, 1.0)}, "k1": {"values": (0.2, 2.0)}}
)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    rng = np.random.default_rng(3)
    words = [f"w{i}" for i in range(30)]
    documents = [(f"d{i}", " ".join(rng.choice(words, int(rng.integers(3, 40))))) for i in range(120)]
    index = build_index(tmp_path_factory.mktemp("tuning") / "index", documents, analyzer="whitespace", threads=1)
    queries = pd.DataFrame(
        {"qid": [f"q{i}" for i in range(15)], "query": [" ".join(rng.choice(words, 3)) for _ in range(15)]}, dtype="str"
    )
    rows = [(f"q{i}", f"d{j}", 1) for i in range(15) for j in rng.choice(120, 6, replace=False)]
    qrels = pd.DataFrame(rows, columns=["qid", "docno", "label"]).astype({"qid": "str", "docno": "str"})
    yield {"resources": {"index": index}}, queries, qrels
    index.close()


def run(job, qrels=None, **options):
    resources, queries, own = job
    return tune(
        load_recipe("bm25"), SPACE, queries, own if qrels is None else qrels, "AP P@5", folds=3, **resources, **options
    )


def by_hand(job, values):
    resources, queries, qrels = job
    pipeline = load_recipe("bm25").with_settings(values).build(**resources["resources"])
    return evaluate(pipeline.run(queries), qrels, "AP P@5", queries=queries).per_query


def test_each_fold_takes_the_candidate_best_on_the_other_folds(job):
    tuned = run(job)
    assert tuned.candidates == [{"b": b, "k1": k1} for b in (0.0, 0.5, 1.0) for k1 in (0.2, 2.0)]
    tables = [by_hand(job, values) for values in tuned.candidates]
    for fold in range(3):
        means = [table.loc[tuned.folds.train(fold), "AP"].mean() for table in tables]
        assert tuned.chosen[fold] == tuned.candidates[int(np.argmax(means))]
        chosen = tables[tuned.candidates.index(tuned.chosen[fold])].loc[tuned.folds.test(fold)]
        pd.testing.assert_frame_equal(tuned.evaluation.per_query.loc[tuned.folds.test(fold)], chosen)
    np.testing.assert_allclose(tuned.means, [table["AP"].mean() for table in tables])
    assert tuned.evaluation.means["AP"] == pytest.approx(tuned.evaluation.per_query["AP"].mean())


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_the_judgements_of_a_fold_have_no_say_in_its_choice(job, fold):
    _, _, qrels = job
    before = run(job)
    held_out = qrels["qid"].isin(before.folds.test(fold))
    shuffled = qrels.copy()
    shuffled.loc[held_out, "docno"] = [f"d{119 - i % 120}" for i in range(int(held_out.sum()))]
    after = run(job, qrels=shuffled)
    assert after.folds == before.folds
    assert after.chosen[fold] == before.chosen[fold]


def test_the_stage_runs_each_query_with_the_settings_chosen_without_it(job):
    resources, queries, qrels = job
    tuned = run(job)
    found = evaluate(tuned.stage(resources["resources"]).run(queries), qrels, "AP P@5", queries=queries)
    pd.testing.assert_frame_equal(found.per_query, tuned.evaluation.per_query)
    assert "tuned: 6 candidates of toy-search by AP, 3 folds" in tuned.notes()
    for values in tuned.chosen:  # both values of k1 are ends of its two
        edges = "b, k1" if values["b"] != 0.5 else "k1"
        said = f"b={values['b']:.4g}, k1={values['k1']:.4g}, at the edge of its space: {edges}"
        assert any(note.endswith(said) for note in tuned.notes())


def test_random_draws_are_distinct_and_repeat(job):
    first, again = run(job, method="random", trials=4), run(job, method="random", trials=4)
    assert first.candidates == again.candidates
    assert len(first.candidates) == 4
    assert len(run(job, method="random", trials=50).candidates) == 6


def test_ranges_are_drawn_from():
    parameters = {"mu": Parameter(low=10, high=1000, log=True), "n": Parameter(low=1, high=3, whole=True)}
    draws = Space(name="s", recipe="r", parameters=parameters).candidates("random", 200, seed=1)
    mus = np.array([values["mu"] for values in draws])
    assert ((mus >= 10) & (mus <= 1000)).all()
    assert abs(np.log(mus).mean() - np.log(100)) < 0.3
    assert {values["n"] for values in draws} == {1, 2, 3}


def test_one_parameter_may_set_several_settings():
    space = Space(name="s", recipe="ql-rm3", parameters={"mu": Parameter(names=("0.mu", "2.mu"), values=(5,))})
    recipe = load_recipe("ql-rm3")
    assert space.applied(recipe, {"mu": 5}) == recipe.with_settings({"0.mu": 5, "2.mu": 5})


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({}, "needs values, or low and high"),
        ({"values": (1,), "low": 1}, "needs values, or low and high"),
        ({"low": 2, "high": 1}, "low must be less than high, got 2.0 and 1.0"),
        ({"low": 0, "high": 1, "log": True}, "low must be positive where log is true, got 0.0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameter, message):
    with pytest.raises(ConfigError, match=message):
        Parameter(**parameter)


def test_a_grid_needs_values():
    with pytest.raises(ConfigError, match="space s: a grid needs values, but mu has a range"):
        Space(name="s", recipe="r", parameters={"mu": Parameter(low=1, high=2)}).candidates()


def test_a_space_is_read_with_lines_in_its_errors(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("recipe: bm25\nparameters:\n  k1: [0.5, 1]\n  b: {low: 1, high: 0}\n")
    with pytest.raises(IrkitError, match=r"mine\.yaml:4: low must be less than high"):
        load_space(path)
    path.write_text("recipe: bm25\nparameters:\n  k1: [0.5, 1]\n")
    assert load_space(path).candidates() == [{"k1": 0.5}, {"k1": 1}]
    with pytest.raises(IrkitError, match="is a recipe, not a tuning space, which has parameters; try bm25-search"):
        load_space("bm25")


def test_a_setting_the_recipe_lacks_is_refused(job):
    resources, queries, qrels = job
    space = Space(name="s", recipe="bm25", parameters={"k9": {"values": (1,)}})
    with pytest.raises(ConfigError, match="there is no setting 'k9'"):
        tune(load_recipe("bm25"), space, queries, qrels, "AP", folds=3, **resources)


def test_more_folds_than_queries_are_refused(job):
    resources, queries, qrels = job
    with pytest.raises(ConfigError):
        tune(load_recipe("bm25"), SPACE, queries, qrels, "AP", folds=16, **resources)


def test_optuna_is_asked_for_by_name(job):
    try:
        import optuna  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtraError, match=r"pip install 'irkit\[tune\]'"):
            run(job, method="optuna", trials=3)
    else:
        tuned = run(job, method="optuna", trials=3)
        assert all(values in tuned.candidates for values in tuned.chosen)


def test_a_method_that_is_none_is_refused():
    queries, qrels = QUERIES_OF_ONE
    with pytest.raises(ConfigError, match="tune: there is no method 'gird'; did you mean grid"):
        tune("bm25", {"k1": [1, 2]}, queries, qrels, "AP", method="gird")


QUERIES_OF_ONE = (
    pd.DataFrame({"qid": ["1"], "query": ["storm"]}),
    pd.DataFrame({"qid": ["1"], "docno": ["d"], "label": [1]}),
)

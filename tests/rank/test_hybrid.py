"""Tests of irkit.rank.hybrid: beside a version in plain numpy, ends and ties of the weight, folds of a suite."""

import json

import numpy as np
import pandas as pd
import pytest

from irkit.errors import CompositionError, ConfigError, FrameError, NotFittedError
from irkit.evaluate import evaluate, experiment, run_suite
from irkit.evaluate.splits import folds
from irkit.evaluate.suite import parse_suite
from irkit.io import load_collection
from irkit.pipeline import Learned, Topics
from irkit.pipeline.fit import can_learn
from irkit.rank import Hybrid
from irkit.rank.effectiveness import EFFECTIVENESS
from irkit.rank.hybrid import WEIGHTS, HybridConfig
from irkit.recipe import load_recipe
from irkit.recipe.indexes import collection_index
from irkit.testing import check_stage
from irkit.yamlfile import parse_yaml
from tests.pipeline.toy import given, toy

DOCNOS = [f"d{n:02}" for n in range(12)]
QIDS = [f"q{n}" for n in range(9)]
QUERIES = pd.DataFrame({"qid": QIDS, "query": QIDS}, dtype="str")


def random_lists(seed, lacking=0.3):
    """Lists over the same documents of which each lacks some."""
    rng = np.random.default_rng(seed)
    return {
        qid: {docno: float(rng.normal()) for docno in DOCNOS if rng.random() >= lacking or docno == "d00"}
        for qid in QIDS
    }


def random_qrels(seed=5):
    rng = np.random.default_rng(seed)
    rows = [(qid, docno, int(rng.integers(-1, 4))) for qid in QIDS[:-1] for docno in DOCNOS if rng.random() < 0.5]
    return pd.DataFrame(rows, columns=["qid", "docno", "label"]).astype({"qid": "str", "docno": "str"})


def scaled(scores):
    low, high = min(scores.values()), max(scores.values())
    return {docno: (score - low) / (high - low) if high > low else 1.0 for docno, score in scores.items()}


def by_hand(a, b, weight, missing=0.0):
    """The mixture of one query's lists, docno to score."""
    a, b = scaled(a), scaled(b)
    return {one: (1 - weight) * a.get(one, missing) + weight * b.get(one, missing) for one in {*a, *b}}


def slow_ap(scores, labels):
    ranked = sorted(scores, key=lambda docno: (scores[docno], docno), reverse=True)
    relevant = [docno for docno, label in labels.items() if label >= 1]
    found = [
        sum(other in relevant for other in ranked[: at + 1]) / (at + 1)
        for at, docno in enumerate(ranked)
        if docno in relevant
    ]
    return sum(found) / max(len(relevant), 1)


def slow_choice(a, b, qrels, qids):
    labels = {qid: dict(zip(own["docno"], own["label"], strict=True)) for qid, own in qrels.groupby("qid")}
    means = [
        np.mean([slow_ap(by_hand(a[qid], b[qid], w), labels[qid]) for qid in qids if qid in labels]) for w in WEIGHTS
    ]
    return max(WEIGHTS, key=lambda w: (round(means[WEIGHTS.index(w)], 12), -w))


def scores(frame, qid):
    own = frame[frame["qid"] == qid]
    return dict(zip(own["docno"], own["score"], strict=True))


A, B = random_lists(1), random_lists(2)


@pytest.mark.parametrize("weight", [0, 0.3, 1])
@pytest.mark.parametrize("missing", ["auto", "lowest", -0.5])
def test_scores_are_those_of_plain_numbers(weight, missing):
    found = Hybrid((given(A), given(B)), weight=weight, missing=missing)(QUERIES)
    counted = missing if isinstance(missing, float) else 0.0
    for qid in QIDS:
        assert scores(found, qid) == pytest.approx(by_hand(A[qid], B[qid], weight, counted), rel=1e-12, abs=1e-15)


def test_a_factor_on_one_of_the_lists_changes_nothing_unless_it_turns_it_round():
    plain, factor, turned = (Hybrid((x * given(A), given(B)), weight=0.5)(QUERIES) for x in (1.0, 4.0, -1.0))
    pd.testing.assert_frame_equal(plain, factor)
    for qid in QIDS:
        negative = {docno: -score for docno, score in A[qid].items()}
        assert scores(turned, qid) == pytest.approx(by_hand(negative, B[qid], 0.5), rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_the_weight_learned_is_that_of_a_search_in_plain_numbers(seed):
    a, b, qrels = random_lists(seed, 0), random_lists(seed + 50), random_qrels(seed)
    for qid, docno, label in qrels.itertuples(index=False):  # so that both say something
        a[qid][docno] += 0.7 * label
        if docno in b[qid]:
            b[qid][docno] += 0.7 * label
    stage = Hybrid((given(a), given(b)))
    fitted = stage.fit(Topics(QUERIES, qrels))
    assert fitted.weight_of_second == slow_choice(a, b, qrels, QIDS)
    assert fitted.fitted_on == frozenset(QIDS[:-1])
    assert stage.learned is None, "fit returns a copy"


@pytest.mark.parametrize("measure", EFFECTIVENESS)
def test_measures_are_those_of_evaluation(measure):
    qrels = random_qrels()
    stage = Hybrid((given(A), given(B)), weight=0.4)
    expected = evaluate(stage.run(QUERIES), qrels, measure).means[measure]
    found = Hybrid((given(A), given(B)), measure=measure)._effectiveness(
        0.4, [given(A).run(QUERIES), given(B).run(QUERIES)], QUERIES, qrels
    )
    assert found == pytest.approx(expected, rel=1e-12)
    assert found > 0.1


def test_of_equal_weights_the_smaller_is_learned_and_a_useless_list_gets_none():
    qrels = pd.DataFrame({"qid": ["q0"], "docno": ["a"], "label": [1]})
    good, bad = {"q0": {"a": 3.0, "b": 2.0, "c": 1.0}}, {"q0": {"a": 1.0, "b": 2.0, "c": 3.0}}
    for parts, weight in (((good, good), 0.0), ((good, bad), 0.0), ((bad, good), 0.6)):
        fitted = Hybrid(tuple(map(given, parts))).fit(Topics({"q0": "x"}, qrels))
        assert fitted.weight_of_second == weight  # at .5 all are equal, and the last docno is first


def test_a_query_s_own_document_is_left_out_where_the_judgements_say_so():
    lists = {"q0": {"q0": 3.0, "a": 2.9, "b": 0.0}}
    others = {"q0": {"q0": 0.0, "a": 0.9, "b": 1.0}}  # b is above a at weight 1 only, where q0 is last
    qrels = pd.DataFrame({"qid": ["q0", "q0"], "docno": ["q0", "b"], "label": [1, 1]})
    stage = Hybrid((given(lists), given(others)))
    assert stage.fit(Topics({"q0": "x"}, qrels)).weight_of_second == 0.0
    qrels.attrs["exclude_self"] = True
    assert stage.fit(Topics({"q0": "x"}, qrels)).weight_of_second == 1.0


def test_parts_that_learn_are_fitted_first_and_the_weight_on_what_they_give():
    qrels = random_qrels()
    features = given(A) ** given(B)
    stage = Hybrid((features >> Learned(model="linear"), given(B)))
    fitted = stage.fit(Topics(QUERIES, qrels))
    alone = (features >> Learned(model="linear")).fit(Topics(QUERIES, qrels))
    assert fitted.parts[0] == alone
    assert fitted.weight_of_second == Hybrid((alone, given(B))).fit(Topics(QUERIES, qrels)).weight_of_second
    fixed = Hybrid((features >> Learned(model="linear"), given(B)), weight=0.5)
    assert fixed.learns
    assert can_learn(fixed, Topics(QUERIES, qrels))
    assert fixed.fit(Topics(QUERIES, qrels)).parts[0] == alone


def test_it_is_fitted_within_a_chain_and_over_results():
    qrels = random_qrels()
    chain = (Hybrid((given(A), given(B))) % 5).fit(Topics(QUERIES, qrels))
    assert chain.parts[0].weight_of_second == Hybrid((given(A), given(B))).fit(Topics(QUERIES, qrels)).weight_of_second
    assert not Hybrid((given(A), given(B)), weight=0.5).learns
    assert max(chain(QUERIES)["rank"]) == 4


def test_an_experiment_refuses_queries_that_it_was_fitted_on():
    qrels = random_qrels()
    half = Topics(QUERIES[:4], qrels)
    fitted = Hybrid((given(A), given(B))).fit(half)
    assert fitted.fitted_on == frozenset(QIDS[:4])
    done = experiment({"hybrid": fitted, "a": given(A)}, QUERIES[4:8].reset_index(drop=True), qrels, "AP")
    assert set(done.frame()["system"]) == {"hybrid", "a"}
    with pytest.raises(ConfigError, match="hybrid was fitted on 4 of the 8 test queries"):
        experiment({"hybrid": fitted}, QUERIES[:8], qrels, "AP")


def test_a_suite_learns_the_weight_on_the_other_folds(tmp_path):
    texts = ["rain storm", "rain rain storm sun", "sun", "rain storm storm wind", "wind rain", "sun wind storm"]
    lines = [json.dumps({"id": f"d{i}", "text": text}) for i, text in enumerate(texts)]
    (tmp_path / "documents.jsonl").write_text("\n".join(lines))
    (tmp_path / "queries.tsv").write_text("".join(f"{i}\t{'rain sun storm'.split()[i % 3]} wind\n" for i in range(6)))
    (tmp_path / "qrels.txt").write_text("".join(f"{i} 0 d{i} 1\n" for i in range(6)))
    recipe = tmp_path / "mixed.yaml"
    recipe.write_text(
        "needs: [index, train]\nstages:\n"
        "- {use: hybrid, of: [[{use: lucene}], [{use: lucene, model: tf-idf}, {use: scale, weight: -1}]]}\n"
    )
    value = {"name": "r", "collections": [str(tmp_path)], "measures": "AP", "systems": [str(recipe)], "folds": 3}
    (board,) = run_suite(parse_suite(parse_yaml(json.dumps(value), "r.yaml"))).boards
    collection = load_collection(str(tmp_path))
    with collection_index(collection, "english") as index:
        queries, qrels, stage = collection.queries(), collection.qrels(), load_recipe(str(recipe)).build(index=index)
        split, each = folds(queries["qid"], 3, 42), []
        for fold in range(3):
            train, test = (queries[queries["qid"].isin(part(fold))] for part in (split.train, split.test))
            fitted = stage.fit(Topics(train.reset_index(drop=True), qrels))
            found = evaluate(fitted.run(test.reset_index(drop=True)), qrels, "AP", test)
            each += found.per_query["AP"].tolist()
    assert board.rows[0].cells["AP"].mean == pytest.approx(np.mean(each), rel=1e-12)


def test_it_keeps_to_the_contract_of_stages():
    one = Hybrid((toy(), toy(boost=-1.0)), weight=0.3)
    queries = pd.DataFrame({"qid": ["1", "2"], "query": ["heat wing", "speed"]}, dtype="str")
    check_stage(one, queries, others=[Hybrid((toy(), toy(boost=-1.0)), weight=0.4)], named=False)
    fitted = Hybrid((given(A), given(B))).fit(Topics(QUERIES, random_qrels()))
    assert fitted.fingerprint != Hybrid((given(A), given(B))).fingerprint


def test_it_says_what_a_list_counted_for_a_document_that_it_lacks():
    lists = {"q0": {"a": 4.0, "b": 2.0}}, {"q0": {"b": 2.0, "c": 1.0}}
    found = Hybrid(tuple(map(given, lists)), weight=0.25).explain(QUERIES[:1], "a")
    assert found.score == 0.75
    assert found.steps[-1].parts[1][-1].counted == "counts 0, its list has no negative score"


def test_errors():
    with pytest.raises(NotFittedError, match=r"hybrid: is not fitted; call pipeline.fit\(Topics\(queries, qrels\)\)"):
        Hybrid((given(A), given(B)))(QUERIES)
    with pytest.raises(CompositionError, match="hybrid: joins two pipelines, got 3"):
        Hybrid((given(A), given(B), given(A)))
    with pytest.raises(FrameError, match="hybrid: no query of the topics has a judgement, got those of 'x'"):
        Hybrid((given(A), given(B))).fit(Topics(QUERIES, pd.DataFrame({"qid": ["x"], "docno": ["a"], "label": [1]})))
    with pytest.raises(FrameError, match="hybrid: train must be Topics, got int"):
        Hybrid((given(A), given(B))).fit(3)
    with pytest.raises(ConfigError, match="takes a HybridConfig or its fields by name, got both"):
        Hybrid((given(A), given(B)), HybridConfig(weight=0.5), weight=0.5)

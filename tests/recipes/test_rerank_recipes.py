"""Learning to rank, over folds of real queries: each is ranked by what was learned without it."""

import pandas as pd
import pytest

from irkit import locate
from irkit.errors import ConfigError
from irkit.evaluate import evaluate, experiment
from irkit.evaluate.splits import folds
from irkit.io import load_collection
from irkit.pipeline import Topics
from irkit.recipe import collection_index, load_recipe, setting_names, to_recipe

OVER_AN_INDEX = [path.stem for path in sorted(locate.shipped("pipelines").glob("rank/bm25-features-*.yaml"))]
FEWER = {"epochs": 2, "rounds": 1, "discriminator_passes": 1, "generator_passes": 1, "trees": 10, "threads": 1,
         "device": "cpu"}  # fmt: skip
"Enough to see that it runs."


@pytest.fixture(scope="module")
def lee():
    collection = load_collection("lee")
    with collection_index(collection) as index:
        yield index, collection.queries(), collection.qrels()


def some(queries, qids):
    return queries[queries["qid"].isin(qids)].reset_index(drop=True)


def test_what_is_learned_from_three_scores_ranks_better_than_the_one_it_began_with(lee):
    index, queries, qrels = lee
    pipeline, split = load_recipe("learned-bm25-ql-tf-idf").build(index=index), folds(queries["qid"], 5, seed=42)
    found = [
        pipeline.fit(Topics(some(queries, split.train(fold)), qrels))(some(queries, split.test(fold)))
        for fold in range(5)
    ]
    learned = evaluate(pd.concat(found), qrels, "AP nDCG@10", queries=queries).means
    bm25 = evaluate(pipeline.parts[0](queries), qrels, "AP nDCG@10", queries=queries).means
    assert learned["AP"] > bm25["AP"] + 0.05
    assert learned["nDCG@10"] > bm25["nDCG@10"] + 0.1


def test_it_is_not_measured_on_what_it_learned_from(lee):
    index, queries, qrels = lee
    fitted = load_recipe("learned-bm25-ql-tf-idf").build(index=index).fit(Topics(queries[:30], qrels))
    with pytest.raises(ConfigError, match="experiment: learned was fitted on 10 of the 30 test queries"):
        experiment({"learned": fitted}, queries[20:], qrels, "AP")


def test_features_of_an_index_rank_better_than_the_scores_of_three_models(lee):
    index, queries, qrels = lee
    split = folds(queries["qid"], 2, seed=42)
    found = {}
    for name in ("learned-bm25-ql-tf-idf", "bm25-features-linear"):
        pipeline = load_recipe(name).build(index=index)
        parts = [
            pipeline.fit(Topics(some(queries, split.train(fold)), qrels))(some(queries, split.test(fold)))
            for fold in range(2)
        ]
        found[name] = evaluate(pd.concat(parts), qrels, "AP", queries=queries).means["AP"]
    assert found["bm25-features-linear"] > found["learned-bm25-ql-tf-idf"] + 0.03


@pytest.mark.parametrize("name", OVER_AN_INDEX)
def test_a_ranker_over_an_index_orders_the_same_documents(lee, name):
    index, queries, qrels = lee
    recipe = load_recipe(name)
    assert recipe.stages[0] == load_recipe("bm25-features-linear").stages[0]
    fields = {place: place.rpartition(".")[2] for place in setting_names(recipe.stages)}
    quick = recipe.with_settings({place: FEWER[field] for place, field in fields.items() if field in FEWER})
    pipeline = quick.build(index=index)
    fitted = pipeline.fit(Topics(queries[:20], qrels)) if pipeline.learns else pipeline
    found, first = (one(queries[20:30]) for one in (fitted, pipeline.parts[0]))
    assert set(zip(found["qid"], found["docno"], strict=True)) == set(zip(first["qid"], first["docno"], strict=True))
    assert found["docno"].tolist() != first["docno"].tolist()
    assert to_recipe(fitted, quick.name, quick.about, quick.source).hash == quick.hash

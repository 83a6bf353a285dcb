"""An index in shards gives what one index of all documents gives, to the bit, whatever asks it."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irkit.frames import queries_frame
from irkit.io import load_collection
from irkit.lucene import (
    BM25,
    TFIDF,
    Index,
    LuceneQLD,
    LuceneQLJM,
    QLDirichlet,
    QLJelinekMercer,
    add_shard,
    build_index,
)
from irkit.pipeline.fit import Topics
from irkit.rank.cross_encoder import CrossEncoder
from irkit.recipe import list_recipes, load_recipe
from irkit.recipe.encoders import open_encoder
from irkit.recipe.vectors import open_vectors

MODELS = (BM25(), TFIDF(), LuceneQLD(), LuceneQLJM(), QLDirichlet(), QLDirichlet(mu="auto"), QLJelinekMercer())
QUERIES = 20
SEARCHING = """bm25 tf-idf ql-dirichlet ql-jelinek-mercer lucene-qld lucene-qljm combmnz-bm25-ql rrf-bm25-ql sum-bm25-ql
    bm25-rm3 bm25-rm3-anserini bm25-rocchio bm25-bo1 bm25-kl ql-rm3 qld-rm3-anserini rfmf
    eqe1 eqe2 eqe1-erm eqe1-rm1 eqe2-erm eqe2-rm1 mle-erm""".split()
"Recipes that need an index, and vectors at most."


def same(one, many, queries, similarity, k=50, ties="trec"):
    """Search both and compare ids and scores."""
    left, right = (index.search(queries, k, similarity, ties=ties) for index in (one, many))
    assert left.ptr.tolist() == right.ptr.tolist()
    assert left.score.tobytes() == right.score.tobytes()
    assert one.docnos.take(left.doc).to_pylist() == many.docnos.take(right.doc).to_pylist()


words = st.text("abcdefg", min_size=1, max_size=2)
texts = st.lists(words, max_size=12).map(" ".join)


@pytest.mark.slow
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(texts, min_size=3, max_size=30).filter(any),
    shards=st.integers(1, 3),
    later=st.integers(0, 4),
    queries=st.lists(st.one_of(texts, st.dictionaries(words, st.floats(0, 4))), min_size=1, max_size=4),
    ties=st.sampled_from(("trec", "anserini")),
)
def test_random_splits_of_random_collections(tmp_path_factory, texts, shards, later, queries, ties):
    folder = tmp_path_factory.mktemp("split")
    documents = [(f"d{i * 7 % len(texts)}-{i}", text) for i, text in enumerate(texts)]
    first = max(len(documents) - later, shards)
    one = build_index(folder / "one", documents, analyzer="whitespace")
    many = build_index(folder / "many", documents[:first], analyzer="whitespace", shards=shards, memory_mb=16)
    for document in documents[first:]:  # each a shard of its own
        many = add_shard(folder / "many", [document])
    assert many.stats == one.stats
    for similarity in MODELS:
        same(one, many, queries, similarity, ties=ties)
        some = [docno for docno, _ in documents[:3]]
        ptr = np.arange(len(queries) + 1) * len(some)
        scores = [
            index.score(queries, ptr, np.tile(index.docnos.rows(some), len(queries)), similarity)
            for index in (one, many)
        ]
        assert scores[0].tobytes() == scores[1].tobytes()
        assert [one.explain(query, some[0], similarity) for query in queries] == [
            many.explain(query, some[0], similarity) for query in queries
        ]
    assert many.vocabulary.terms.equals(one.vocabulary.terms)
    assert many.vocabulary.df.tolist() == one.vocabulary.df.tolist()
    assert many.vocabulary.cf.tolist() == one.vocabulary.cf.tolist()
    for docno, text in documents:
        assert many.texts([docno]) == [text]
        rows = [index.forward[index.docnos.row(docno)].toarray().tolist() for index in (one, many)]
        assert rows[0] == rows[1]


def equal_on(name, folder, shards):
    """Compare all recipes on a collection, each shard count with one index."""
    collection = load_collection(name)
    one = build_index(folder / "one", collection.documents())
    many = [build_index(folder / f"in-{n}", collection.documents(), shards=n) for n in shards]
    texts = collection.queries()["query"].tolist()[:QUERIES]
    frame = queries_frame(texts)
    vectors = open_vectors("trained:ppmi-svd", collection, one)
    for recipe in map(load_recipe, SEARCHING):
        given = {"index", "vectors"} & set(recipe.needs)
        found = []
        for index in (one, *many):
            held = {"index": index, "vectors": vectors}
            hits = recipe.build(**{what: held[what] for what in given}).run(frame)
            found.append(hits.frame()[["qid", "docno", "score", "rank"]])
        assert len(found[0]), recipe.name
        for other in found[1:]:
            assert other.equals(found[0]), (name, recipe.name)
    for similarity in MODELS:
        for index in many:
            same(one, index, texts, similarity, 1000)


@pytest.mark.slow
def test_every_query_model_on_lee(tmp_path):
    equal_on("lee", tmp_path, (2, 3, 8))


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", ["cranfield", "npl"])
def test_every_query_model_on_real_collections(name, tmp_path):
    equal_on(name, tmp_path, (3,) if name == "npl" else (2, 8))


@pytest.mark.slow
def test_every_recipe_that_ranks_on_lee(tmp_path):
    """Features, what is learned of them, encoders, cross-encoders and their mixtures; queries plain and weighted."""
    collection = load_collection("lee")
    indexes = [build_index(tmp_path / str(n), collection.documents(), shards=n) for n in (None, 3)]
    asked, judged = collection.queries()[["qid", "query"]].iloc[:QUERIES], collection.qrels()
    topics = Topics(asked, judged[judged["qid"].isin(set(asked["qid"]))])
    weighted = asked.assign(query_toks=[dict.fromkeys(words, 0.5) for words in indexes[0].analyze(asked["query"])])
    others = [one.name for one in list_recipes() if {"index", "encoder"} & set(one.needs) and one.name not in SEARCHING]
    assert len(others) > 10
    for recipe in map(load_recipe, others):
        found = []
        for index in indexes:
            held = {"index": index, "cross_encoder": CrossEncoder(by_length, name="toy", keep=False, progress=False)}
            if "encoder" in recipe.needs:
                held["encoder"] = open_encoder("lda" if recipe.name == "smoothed-ql" else "lsa", index)
            stage = recipe.build(**{need: held[need] for need in recipe.needs if need != "train"})
            stage = stage.fit(topics) if "train" in recipe.needs else stage
            given = load_recipe("bm25").build(index=index).run(asked) if stage.takes == "results" else asked
            found.append([stage.run(given).frame()[["qid", "docno", "score", "rank"]]])
            if stage.takes != "results" and "encoder" not in recipe.needs:  # which reads words
                found[-1].append(stage.run(weighted).frame()[["qid", "docno", "score", "rank"]])
        assert len(found[0][0]), recipe.name
        assert all(one.equals(other) for one, other in zip(*found, strict=True)), recipe.name


def by_length(query, texts):
    return [len(text) % 97 + len(query) / 1000 for text in texts]


def test_whole_sidecar_survives_a_rebuilt_shard(tmp_path):
    documents = [(f"d{i}", f"red {'fox ' * (i % 3)}") for i in range(9)]
    build_index(tmp_path / "many", documents, shards=3).vocabulary.df.tolist()
    again = Index.open(tmp_path / "many")
    assert again.vocabulary.terms.to_pylist() == ["fox", "red"]

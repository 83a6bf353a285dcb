"""A shard that is told the statistics of the whole scores as the whole does; hits are joined by the tie rule."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irkit.deadline import check_deadline
from irkit.errors import ConfigError, DeadlineError, JavaError
from irkit.hits import rank_order
from irkit.io import load_collection
from irkit.lucene import BM25, TFIDF, LuceneQLD, LuceneQLJM, QLDirichlet, QLJelinekMercer, bridge, build_index
from irkit.lucene.engine import Joiner, Whole, bags
from irkit.lucene.manifest import commit_key
from irkit.lucene.shard_alone import Shard
from irkit.lucene.shards import shard_folders
from irkit.lucene.wire import pack

MODELS = (BM25(), TFIDF(), LuceneQLD(), LuceneQLJM(), QLDirichlet(), QLJelinekMercer())
QUERIES = ["storm damage in Sydney", "the", "", {"sydnei": 0.25, "storm": 2.0, "unheard": 1.0}, "yacht race Hobart"]


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    path = tmp_path_factory.mktemp("shards") / "many"
    with build_index(path, load_collection("lee").documents(), shards=3) as index:
        yield index


@pytest.fixture(scope="module")
def shards(many):
    stats = many.stats
    whole = Whole(stats.documents, stats.documents - stats.empty, stats.tokens, stats.postings)
    folders = shard_folders(many.path)
    return [Shard(str(folder), many.analyzer.name, commit_key(folder), whole, 1) for folder in folders]


@pytest.fixture(scope="module")
def told(shards):
    """The queries as bags, and what is known of their terms."""
    block, terms = bags("english", [bridge.encode(query, "query") for query in QUERIES])
    return block, (pack(terms), sum(shard.counts(pack(terms)) for shard in shards))


@pytest.mark.parametrize("similarity", MODELS, ids=lambda one: one.name)
@pytest.mark.parametrize("scorer", ["auto", "taat", "wand"])
@pytest.mark.parametrize("ties", ["trec", "anserini"])
def test_search_joined_is_search_of_the_whole(many, shards, told, similarity, scorer, ties):
    exact = bridge.is_exact(similarity)
    if exact and scorer == "wand":
        scorer = "maxscore"
    line = bridge.model_line(similarity, many.stats.mean_length)
    found = [shard.search(told[1], told[0], len(QUERIES), line, scorer, ties, 20) for shard in shards]
    starts = np.cumsum([0, *(shard.size() for shard in shards)])
    joined = Joiner(many.docnos.rank, starts[:-1]).join(found, len(QUERIES), 20, ties, exact=exact)
    want = many.search(QUERIES, 20, similarity, ties=ties)
    assert joined.ptr.tolist() == want.ptr.tolist()
    assert joined.doc.tolist() == want.doc.tolist()
    assert joined.score.tobytes() == want.score.tobytes()
    assert len(want.doc) > 40


@pytest.mark.parametrize("similarity", MODELS, ids=lambda one: one.name)
def test_score_and_explain_are_those_of_the_whole(many, shards, told, similarity):
    exact = bridge.is_exact(similarity)
    line = bridge.model_line(similarity, many.stats.mean_length)
    size, ptr = shards[0].size(), np.arange(len(QUERIES) + 1) * 2
    for i, shard in enumerate(shards[:2]):
        doc = np.tile([0, shard.size() - 1], len(QUERIES))
        got = shard.score(told[1], told[0], line, ptr, doc, exact).score
        want = many.score(QUERIES, ptr, doc + i * size, similarity)
        assert got.astype(np.float64).tobytes() == want.tobytes()
    query = bridge.encode(QUERIES[0], "query")
    shares = shards[1].explain(told[1], line, query, 3)
    want = many.explain(QUERIES[0], many.docnos[size + 3], similarity)
    assert sorted(shares) == sorted(want)


def test_counts_add_up_to_those_of_the_vocabulary(many, shards):
    some = ["storm", "sydnei", "unheard"]
    counts = sum(shard.counts(pack([term.encode() for term in some])) for shard in shards)
    ids = many.vocabulary.ids(some)
    assert counts[:2, 0].tolist() == many.vocabulary.df[ids[:2]].tolist()
    assert counts[:2, 1].tolist() == many.vocabulary.cf[ids[:2]].tolist()
    assert (ids[2], counts[2].tolist()) == (-1, [0, 0])


def test_a_term_of_which_nothing_was_told_is_an_error(many, shards):
    line = bridge.model_line(QLDirichlet(), 100)
    with pytest.raises(JavaError, match="nothing was told of the term 'never'"):
        shards[0].search(
            (pack([]), np.zeros((0, 2))), pack([bridge.encode({"never": 1}, "q")]), 1, line, "auto", "trec", 5
        )


def test_another_commit_is_refused(many, shards):
    folder = shard_folders(many.path)[0]
    with pytest.raises(ConfigError, match="was built again since the index was opened; open it again"):
        Shard(str(folder), "english", "another", Whole(1, 1, 1, 1), 1).size()


@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_joining_is_sorting_by_score_and_tie_rule(data):
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    n, k = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 9))
    exact, ties = data.draw(st.booleans()), data.draw(st.sampled_from(("trec", "anserini")))
    starts, total = np.cumsum([0, *sizes])[:-1], sum(sizes)
    rank = np.array(data.draw(st.permutations(range(total))), dtype=np.int32)
    kind = np.float64 if exact else np.float32
    blocks, everything = [], []
    for start, size in zip(starts, sizes, strict=True):
        ptr, docs, scores = [0], [], []
        for query in range(n):
            some = data.draw(st.lists(st.integers(0, size - 1), unique=True))
            score = np.array([data.draw(st.sampled_from((0.5, 1.0, 1.5, 2.0))) for _ in some], dtype=kind)
            doc = np.array(some, dtype=np.int64)
            order = rank_order(np.zeros(len(doc), int), score, rank[doc + start], ties)
            docs += doc[order].tolist()
            scores += score[order].tolist()
            ptr.append(len(docs))
            everything += [(query, start + d, s) for d, s in zip(doc[order], score[order], strict=True)]
        head = np.array(ptr, dtype="<i8").tobytes() + np.array(docs, dtype="<i4").tobytes()
        blocks.append(np.frombuffer(head + b"\0" * (-len(head) % 8) + np.array(scores, dtype=kind).tobytes(), np.uint8))
    found = Joiner(rank, starts).join(blocks, n, k, ties, exact=exact)
    query = np.array([one[0] for one in everything], dtype=np.int64)
    doc = np.array([one[1] for one in everything], dtype=np.int64)
    score = np.array([one[2] for one in everything], dtype=kind)
    order = rank_order(query, score, rank[doc], ties)
    want = [order[query[order] == i][:k] for i in range(n)]
    assert [found.doc[a:b].tolist() for a, b in zip(found.ptr, found.ptr[1:], strict=False)] == [
        doc[one].tolist() for one in want
    ]
    assert found.score.tolist() == [value for one in want for value in score[one].tolist()]


def test_a_question_is_answered_in_time_or_not_at_all(many, shards, told):
    line = bridge.model_line(BM25(), many.stats.mean_length)
    question = (told[1], told[0], len(QUERIES), line, "auto", "trec", 20)
    assert shards[0].asked("search", 60.0, *question).tolist() == shards[0].search(*question).tolist()
    assert shards[0].asked("search", None, *question).tolist() == shards[0].search(*question).tolist()

    class Slow(Shard):
        def slow(self):
            check_deadline()
            return "done"

    slow = Slow(str(many.path), "english", "another", Whole(1, 1, 1, 1), 1)
    assert (slow.asked("slow", None), slow.asked("slow", 60.0)) == ("done", "done")
    with pytest.raises(DeadlineError, match="was not done within 0 s"):
        slow.asked("slow", 0.0)

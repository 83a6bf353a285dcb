"""Tests of explanations of rewritten queries: where each term came from."""

import numpy as np
import pytest

from irkit.expand import EQE1, EQE2, ERM, KL, RFMF, RM3, Bo1, Rocchio
from irkit.expand.feedback import gather, query_counts
from irkit.pipeline import Retrieve

QUERY = "wing flutter plate"
MODELS = [
    (RM3, {}), (RM3, {"compatible": "anserini"}), (Rocchio, {}), (Bo1, {}), (KL, {}), (ERM, {}),
    (ERM, {"query_model": "eqe2"}), (RFMF, {}), (RFMF, {"weighting": "vsm"}), (RFMF, {"start": "random"}), (EQE2, {}),
]  # fmt: skip


def ql(index):
    return Retrieve(index=index, model="ql-dirichlet", mu=20)


def first_search(index, settings):
    """Anserini's RM3 weights documents by their scores, which are then no log-likelihoods."""
    return Retrieve(index=index) if settings.get("compatible") else ql(index)


def stage(kind, index, vectors, **settings):
    held = {"index": index, "vectors": vectors} if "vectors" in kind.needs else {"index": index}
    return kind(**held, fb_terms=8, **settings)


def explained(kind, index, vectors, **settings):
    """The origins of a pipeline with the stage, and the query it made."""
    made = stage(kind, index, vectors, **settings)
    first = [first_search(index, settings)] if made.takes == "results" else []
    pipeline = made
    for part in first:
        pipeline = part >> made
    found = (pipeline >> ql(index)).explain(QUERY, "flight-1")
    return found, found.origins(), pipeline(QUERY)["query_toks"].iloc[0]


@pytest.mark.parametrize(("kind", "settings"), MODELS)
def test_the_shares_of_every_term_add_up(kind, settings, topical, vectors):
    _, origins, toks = explained(kind, topical, vectors, **settings)
    assert origins.groupby("term")["weight"].first().to_dict() == pytest.approx(toks)
    np.testing.assert_allclose(origins.groupby("term")["amount"].sum(), 1, rtol=1e-9)
    assert set(origins["unit"]) == {"share"}
    assert (origins["amount"] > 0).all()
    weights = origins.drop_duplicates("term")["weight"].tolist()
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(("kind", "settings"), [case for case in MODELS if case[0] is not EQE2])
def test_sources_of_feedback_are_its_documents_or_factors(kind, settings, topical, vectors):
    _, origins, toks = explained(kind, topical, vectors, **settings)
    hits = first_search(topical, settings).run(ql(topical).read(QUERY))
    top = [hits.docnos[doc] for doc in hits.doc[:10]]
    sources = set(origins["source"]) - {"query"}
    assert sources <= ({"factor 1", "factor 2"} if kind is RFMF else set(top))
    for term, source in zip(origins["term"], origins["source"], strict=True):
        if source in top and kind is not ERM:  # which smooths: each of its documents gives every term a little
            assert term in topical.texts([source])[0].split()
    if settings.get("query_model") is None:
        assert set(origins.loc[origins["source"] == "query", "term"]) == set(QUERY.split())
    assert set(origins["term"]) == set(toks)


def test_shares_of_rm3_are_those_of_a_slow_sum(topical):
    origins = explained(RM3, topical, None, keep=0.4, mu=20)[1].set_index(["term", "source"])["amount"]
    hits = ql(topical).run(ql(topical).read(QUERY))
    f = gather(topical, hits, 0, query_counts(topical, hits.queries)[0], 10)
    used = f.query > 0
    likelihood = np.array(
        [np.prod((f.counts[d, used] + 20 * f.collection[used]) / (f.lengths[d] + 20)) for d in range(len(f.docs))]
    )
    names = topical.vocabulary.terms.take(f.terms).to_pylist()
    given = {
        (names[w], hits.docnos[f.docs[d]]): likelihood[d] * f.counts[d, w] / f.lengths[d]
        for d in range(len(f.docs))
        for w in range(len(names))
    }
    for term in {term for term, _ in origins.index}:
        whole = sum(value for (name, _), value in given.items() if name == term)
        rest = 1 - origins.get((term, "query"), 0.0)
        for (name, source), share in origins.items():
            if name == term and source != "query":
                assert share == pytest.approx(rest * given[name, source] / whole, rel=1e-9)


def test_keeping_everything_leaves_the_query_as_the_only_source(topical, vectors):
    for kind in (RM3, EQE1, EQE2):
        origins = explained(kind, topical, vectors, keep=1)[1]
        assert (set(origins["source"]), set(origins["amount"])) == ({"query"}, {1.0})
    assert "query" not in set(explained(RM3, topical, vectors, keep=0)[1]["source"])


def test_eqe2_names_the_query_term_a_term_is_close_to(topical, vectors):
    made = EQE2(index=topical, vectors=vectors, fb_terms=20, a=30, c=0.9)
    origins = (made >> ql(topical)).explain("wing heat", "flight-1").origins()
    first = origins[origins["source"] != "query"].drop_duplicates("term").set_index("term")["source"]
    assert first["lift"] == "wing"
    assert first["wall"] == "heat"


def test_information_of_eqe1_adds_up_to_the_log_weight(topical, vectors):
    _, origins, toks = explained(EQE1, topical, vectors, keep=0.3)
    nats = origins[origins["unit"] == "nats"]
    assert set(nats["source"]) == {"wing", "flutter", "prior"}
    total = nats.groupby("term")["amount"].sum()
    # A query term's weight is the estimate's only in part.
    suggested = {term: weight - (0.1 if term in QUERY.split() else 0) for term, weight in toks.items()}
    logs = np.log([suggested[term] for term in total.index])
    np.testing.assert_allclose(total - total.iloc[0], logs - logs[0], atol=1e-4)
    kept = origins[origins["source"] == "query"]
    assert dict(zip(kept["term"], kept["amount"] * kept["weight"], strict=True)) == pytest.approx(
        dict.fromkeys(QUERY.split(), 0.1)
    )


def test_a_rewritten_query_prints_a_line_per_term(topical, vectors):
    text = str(explained(RM3, topical, vectors, keep=0.4, fb_docs=2)[0])
    hits = ql(topical).run(ql(topical).read(QUERY))
    first = hits.docnos[hits.doc[0]]
    lines = text.splitlines()
    (own,) = [line for line in lines if " flutter from " in line]
    assert own.split()[1:5] == ["flutter", "from", "query", own.split()[4]]
    assert f"{first} " in text
    assert max(len(line) for line in lines if " from " in line) < 120
    nats = str(explained(EQE1, topical, vectors)[0])
    assert any(line.endswith(" nats") and " from flutter +" in line for line in nats.splitlines())


def test_long_queries_are_printed_in_part(topical, vectors):
    made = RM3(index=topical, fb_terms=30)
    found = (ql(topical) >> made >> ql(topical)).explain(QUERY, "flight-1")
    lines = str(found).splitlines()
    assert sum(" from " in line for line in lines) == 12
    assert any(line.strip() == f"and {found.origins()['term'].nunique() - 12} more terms" for line in lines)
    assert any(" more" in line.partition(" from ")[2] for line in lines)


@pytest.mark.parametrize("kind", [RM3, EQE1, EQE2])
def test_a_query_that_cannot_be_expanded_has_no_origins(kind, topical, vectors):
    made = stage(kind, topical, vectors)
    pipeline = ql(topical) >> made >> ql(topical) if made.takes == "results" else made >> ql(topical)
    assert not len(pipeline.explain("unheardof", "flight-1").origins())

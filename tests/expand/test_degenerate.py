"""Expansion from little: documents without a term, of one term, all alike; queries without a known term; odd scores.

Every model is compared with its formula written as loops over words; where the formula says nothing,
with what `irkit.expand.feedback` says instead.
"""

import math
from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest

from irkit.errors import FrameError
from irkit.expand import EQE1, EQE2, ERM, KL, RFMF, RM3, Bo1, Rocchio
from irkit.io import read_run, write_run
from irkit.lucene import build_index
from irkit.pipeline import Retrieve
from irkit.text.vectors import Vectors

DOCS = {
    "empty": "",
    "stop": "the of and",
    "one": "storm",
    "twin": "rain storm coast",
    "twin2": "rain storm coast",
    "long": "wing lift drag rain coast heat storm storm",
}
WORDS = {name: [word for word in text.split() if word not in ("the", "of", "and")] for name, text in DOCS.items()}
SETS = [
    ["empty"], ["stop"], ["one"], ["twin", "twin2"], ["empty", "stop"], ["empty", "one"], ["one", "long"],
    ["empty", "twin", "stop", "long"], ["long", "one", "twin", "stop", "twin2", "empty"],
]  # fmt: skip
QUERIES = ["storm", "rain wing rain", "storm zzz", "zzz", "the", ""]
SCORES = {"falling": lambda i: 9.0 - i, "log": lambda i: -1.0 - i, "zero": lambda i: 0.0}
CASES = list(product(range(len(SETS)), range(len(QUERIES)), SCORES))
VECTORS = Vectors(["storm", "rain", "wing", "lift"], np.array([[1.0, 0], [0.9, 0.1], [0, 1], [-1, 0]]))
MU, FB = 7.0, 3


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("little") / "index", DOCS.items()) as built:
        yield built


@pytest.fixture(scope="module")
def results():
    rows = [
        (f"{s}-{q}-{kind}", QUERIES[q], docno, SCORES[kind](place))
        for s, q, kind in CASES
        for place, docno in enumerate(SETS[s])
    ]
    return pd.DataFrame(rows, columns=["qid", "query", "docno", "score"])


# ---------------------------------------------------------------------- the models as loops

CF = Counter(word for words in WORDS.values() for word in words)
DF = Counter(word for words in WORDS.values() for word in set(words))
TOTAL = sum(CF.values())


def scaled(weights):
    total = sum(weights.values())
    return {word: weight / total for word, weight in weights.items() if weight > 0} if total > 0 else {}


def likelihood(query, words, mu=MU):
    out = 1.0
    for term, n in query.items():
        out *= ((words.count(term) + mu * CF[term] / TOTAL) / (len(words) + mu)) ** n
    return out


def rm1(query, lists):
    weights = [likelihood(query, words) for words in lists]
    out = Counter()
    for words, weight in zip(lists, weights, strict=True):
        for word in words:
            out[word] += weight / sum(weights) / len(words)
    return out


def centroid(query, lists):
    out = Counter()
    for words in lists:
        own = {w: (1 + math.log(n)) * math.log(len(DOCS) / DF[w]) for w, n in Counter(words).items()}
        length = math.sqrt(sum(value**2 for value in own.values()))
        for word, value in own.items():
            out[word] += value / length if length else 0.0
    return out


def bose_einstein(query, lists):
    out = {}
    for word, tf in Counter(word for words in lists for word in words).items():
        p = CF[word] / len(DOCS)
        out[word] = tf * math.log2((1 + p) / p) + math.log2(1 + p)
    return out


def divergence(query, lists):
    tf = Counter(word for words in lists for word in words)
    shares = {word: n / sum(tf.values()) for word, n in tf.items()}
    ratio = {word: p / (CF[word] / TOTAL) for word, p in shares.items()}
    return {word: p * math.log2(ratio[word]) for word, p in shares.items() if ratio[word] > 1}


def similar(v, w, a=10.0, c=0.8):
    cosine = float(v == w)
    if v in VECTORS.rows and w in VECTORS.rows:
        x, y = (np.asarray(VECTORS.matrix[VECTORS.rows[word]], dtype=np.float64) for word in (v, w))
        cosine = float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
    return 1 / (1 + math.exp(-a * ((cosine + 1) / 2 - c)))


def semantic(query, lists, beta=0.1):
    out = Counter()
    for words in lists:
        size, term = len(words), likelihood(query, words)
        for w in {word for other in lists for word in other}:
            near = 1.0
            for q, n in query.items():
                t = similar(q, w) * words.count(q) / sum(similar(v, w) for v in words)
                near *= ((size * t + MU * CF[q] / TOTAL) / (size + MU)) ** n
            p = (words.count(w) + MU * CF[w] / TOTAL) / (size + MU)
            out[w] += ((1 - beta) * term + beta * near) * p
    return out


def expanded(model, query, docnos, keep=0.5):
    known = Counter(word for word in query.split() if word in CF)
    own = scaled(known)
    lists = [WORDS[docno] for docno in docnos[:FB] if WORDS[docno]]
    found = scaled(model(known, lists)) if lists else {}
    if not own or not found:
        return own or found
    return {w: keep * own.get(w, 0) + (1 - keep) * found.get(w, 0) for w in {*own, *found}}


MODELS = {
    "rm3": (RM3, {"mu": MU}, rm1),
    "rocchio": (Rocchio, {}, centroid),
    "bo1": (Bo1, {}, bose_einstein),
    "kl": (KL, {}, divergence),
    "erm": (ERM, {"mu": MU}, semantic),
}


def stage(kind, index, **settings):
    more = {"vectors": VECTORS} if kind in (ERM, EQE1, EQE2) else {}
    return kind(index=index, **({} if kind in (EQE1, EQE2) else {"fb_docs": FB}), **settings, **more)


def toks(frame):
    return dict(zip(frame["qid"], frame["query_toks"], strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_every_model_equals_its_loops(name, index, results):
    kind, settings, model = MODELS[name]
    found = toks(stage(kind, index, **settings)(results))
    assert len(found) == len(CASES)
    for s, q, scores in CASES:
        # Scores order documents; equal ones go by docno descending.
        docnos = sorted(SETS[s], reverse=True) if scores == "zero" else SETS[s]
        want = expanded(model, QUERIES[q], docnos)
        assert found[f"{s}-{q}-{scores}"] == pytest.approx(want, rel=1e-6), (SETS[s], QUERIES[q], scores)


FORMS = [
    *({"weighting": w, "objective": o} for w in ("lm", "vsm") for o in ("kl", "frobenius")),
    {"rank": None, "masked": True, "start": "random"},
    {"rank": 7, "weighting": "vsm"},
]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        *((kind, settings) for kind, settings, _ in MODELS.values()),
        *((RFMF, form) for form in FORMS),
        (RM3, {"compatible": "anserini"}),
        *((ERM, {"query_model": model, "smooth": smooth}) for model in ("eqe1", "eqe2") for smooth in (True, False)),
        (ERM, {"beta": 1, "smooth": False}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else ",".join(map(str, value.values())),
)
def test_a_document_without_a_term_suggests_nothing(kind, settings, index, results):
    if settings.get("compatible"):
        results = results[results["score"] >= 0]
    made = stage(kind, index, **settings)
    best = results[results.groupby("qid", sort=False)["score"].rank(method="first", ascending=False) <= FB]
    best = best[~best["qid"].str.endswith("zero")]
    filled = best[[bool(WORDS[docno]) for docno in best["docno"]]]
    with_empty, without = toks(made(best)), toks(made(filled))
    for qid, model in without.items():
        assert with_empty[qid] == pytest.approx(model, rel=1e-9), qid
    for qid, model in with_empty.items():
        weights = np.array(list(model.values()))
        assert np.isfinite(weights).all()
        assert (weights > 0).all(), qid
        known = [word for word in QUERIES[int(qid.split("-")[1])].split() if word in CF]
        assert set(known) <= set(model), qid  # what was asked is not lost


def test_scores_below_zero_are_no_weights_for_anserinis_rm3(index, results):
    with pytest.raises(
        FrameError, match=r"rm3: compatible='anserini' weights documents by their scores, which must be "
    ):
        stage(RM3, index, compatible="anserini")(results)


def test_a_query_of_words_that_every_document_holds_is_not_lost(tmp_path):
    with build_index(tmp_path / "alike", [("a", "storm"), ("b", "storm")]) as alike:
        for settings in ({"weighting": "vsm"}, {}):
            out = RFMF(index=alike, **settings)(Retrieve(index=alike)("storm"))
            assert out["query_toks"].tolist() == [{"storm": 1.0}]
        assert Rocchio(index=alike)(Retrieve(index=alike)("storm"))["query_toks"].tolist() == [{"storm": 1.0}]


@pytest.mark.parametrize("kind", [RM3, Rocchio, Bo1, KL, RFMF, ERM, EQE1, EQE2])
def test_a_term_of_weight_zero_is_left_out(kind, index):
    frame = pd.DataFrame({"qid": ["1", "2"], "query": ["x", "y"]})
    frame["query_toks"] = [{"storm": 0.0}, {"storm": 1.0, "rain": 0.0}]
    if kind not in (EQE1, EQE2):
        frame = frame.assign(docno="one", score=1.0)
    # Without a query the feedback stands alone; RFMF, which recommends to the query, has nobody to recommend to.
    first = {} if kind in (RFMF, EQE1, EQE2) else {"storm": pytest.approx(1.0)}
    made = stage(kind, index, keep=1)(frame)["query_toks"].tolist()
    assert made == [first, {"storm": 1.0}]


@pytest.mark.parametrize("kind", [EQE1, EQE2])
def test_embedding_models_keep_queries_that_they_cannot_expand(kind, index):
    found = toks(stage(kind, index)(dict(enumerate_texts(["zzz", "the", "", "heat", "storm"]))))
    assert [found[qid] for qid in "1234"] == [{}, {}, {}, {"heat": 1.0}]
    assert found["5"]["storm"] > 0.5
    strangers = Vectors(["martian", "venusian"], np.eye(2))
    alone = kind(index=index, vectors=strangers)({"1": "storm rain"})["query_toks"].tolist()
    assert alone == [{"rain": 0.5, "storm": 0.5}]


def enumerate_texts(texts):
    return ((str(place), text) for place, text in enumerate(texts, 1))


@pytest.mark.parametrize("kind", [RM3, Rocchio, Bo1, KL, RFMF, ERM])
def test_a_run_file_has_no_queries_to_expand(kind, index, tmp_path):
    write_run(Retrieve(index=index)({"q7": "storm"}), tmp_path / "run")
    run = read_run(tmp_path / "run")
    with pytest.raises(FrameError) as error:
        stage(kind, index)(run)
    assert str(error.value) == (
        f"{kind.name}: query 'q7' has neither text nor weighted terms, got the columns qid; add the texts, which a run "
        "file does not hold: results.merge(queries, on='qid')"
    )
    whole = run.merge(pd.DataFrame({"qid": ["q7"], "query": ["storm"]}), on="qid")
    assert "storm" in stage(kind, index)(whole)["query_toks"].iloc[0]


def test_an_index_of_empty_documents_expands_nothing(tmp_path):
    with build_index(tmp_path / "void", [("a", ""), ("b", "the")]) as void:
        frame = pd.DataFrame({"qid": ["1"], "query": ["storm"], "docno": ["a"], "score": [1.0]})
        for kind in (RM3, Rocchio, Bo1, KL, RFMF, ERM):
            assert stage(kind, void)(frame)["query_toks"].tolist() == [{}]
        for kind in (EQE1, EQE2):
            assert stage(kind, void)("storm")["query_toks"].tolist() == [{}]

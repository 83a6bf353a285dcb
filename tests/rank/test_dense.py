"""Tests of irkit.rank: bags of an index beside bags of texts, and dense retrieval beside all cosines by hand."""

import os
import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, DamagedError, FrameError, NotFoundError, ShapeError
from irkit.hits import Docnos, Hits
from irkit.lucene import build_index
from irkit.rank import Dense, IndexEncoder, bags_of_index, bags_of_texts, frequent_words
from irkit.represent import LSA
from irkit.testing import check_stage
from tests.rank.toy import QUERIES, TEXTS, ToyEncoder


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("dense") / "index", TEXTS.items(), analyzer="english", threads=1) as built:
        yield built


@pytest.fixture(scope="module")
def encoder(index):
    return IndexEncoder(LSA(dimensions=2).fit(bags_of_index(index, frequent_words(index))), index)


def test_frequent_words_are_those_of_most_documents(index):
    assert frequent_words(index) == ("bird", "flutter", "wing")
    assert frequent_words(index, min_df=3) == ("bird", "flutter", "wing")
    assert frequent_words(index, max_terms=2) == ("bird", "flutter"), "of equals the earlier"
    with pytest.raises(ConfigError, match="words: no term occurs in 9 documents or more; lower min_df, got 9"):
        frequent_words(index, min_df=9)


def test_bags_of_the_index_are_bags_of_its_texts(index):
    words = ("wing", "absent", "bird", "sing")
    found = bags_of_index(index, words)
    texts = [TEXTS[name] for name in index.docnos.names.to_pylist()]
    again = bags_of_texts(index.analyzer, texts, words)
    np.testing.assert_array_equal(found.inputs()["x"], again.inputs()["x"])
    assert found.inputs()["x"][index.docnos.names.to_pylist().index("d1")].tolist() == [2, 0, 1, 0]
    assert found.words == again.words == words


def test_the_nearest_documents_are_found_in_the_order_of_cosines(encoder, index):
    found = Dense(encoder=encoder, n=3)(QUERIES)
    documents, asked = encoder.documents, encoder.encode(QUERIES["query"].tolist())
    names = index.docnos.names.to_pylist()
    for at, qid in ((0, "q1"), (2, "q3")):
        cosines = {
            name: float(asked[at] @ one / np.linalg.norm(asked[at]) / np.linalg.norm(one))
            for name, one in zip(names, documents, strict=True)
            if one.any()
        }
        best = sorted(cosines, key=lambda name: -cosines[name])[:3]
        own = found[found["qid"] == qid]
        assert own["docno"].tolist() == best
        np.testing.assert_allclose(own["score"], [cosines[name] for name in best], rtol=1e-5)
    assert "q2" not in set(found["qid"]), "a query without a known word finds nothing"
    everything = Dense(encoder=encoder)(QUERIES)
    assert set(everything["docno"]) == {"d1", "d2", "d4", "d6"}, "nor is a document without one found"


def test_fewer_documents_are_the_best_of_more_and_no_query_is_no_trouble(encoder):
    stage = Dense(encoder=encoder, n=4)
    assert len(stage(QUERIES.iloc[:0])) == len(stage(QUERIES.iloc[1:2])) == 0
    pd.testing.assert_frame_equal((stage % 2)(QUERIES), Dense(encoder=encoder, n=2)(QUERIES))
    assert stage.limited(9) is stage


def test_what_depends_on_the_vectors_has_another_fingerprint(encoder, index):
    other = IndexEncoder(LSA(dimensions=1).fit(bags_of_index(index, frequent_words(index))), index)
    assert Dense(encoder=encoder).fingerprint != Dense(encoder=other).fingerprint
    with pytest.raises(ConfigError, match="encoder: toy does not know its words; fit it on bags with words="):
        IndexEncoder(SimpleNamespace(name="toy"), index)


def test_a_model_of_other_words_than_the_index_has_is_refused(index):
    model = SimpleNamespace(name="toy", words=("Wings", "Birds"))
    with pytest.raises(ConfigError, match=r"none of the 2 words of toy, such as .* is a term of .* analysed by engl"):
        IndexEncoder(model, index)


# ---------------------------------------------------------------------- what FAISS builds, and its files

ASKED = pd.DataFrame({"qid": [f"q{i}" for i in range(6)], "query": [f"t{i}" for i in range(6)]}, dtype="str")


class Counting:
    """Random vectors that say how often those of the documents were asked for."""

    fingerprint = "f" * 32

    def __init__(self):
        rng = np.random.default_rng(0)
        self.vectors = rng.normal(size=(200, 8)).astype(np.float32)
        self.vectors[7] = 0
        self.vectors[9] = self.vectors[8]  # a tie
        self.of = {f"t{i}": rng.normal(size=8).astype(np.float32) for i in range(5)}
        self.docnos = Docnos([f"d{row:03}" for row in range(200)])
        self.times = 0

    @property
    def documents(self):
        self.times += 1
        return self.vectors

    def encode(self, texts):
        return np.array([self.of.get(text, np.zeros(8)) for text in texts], dtype=np.float32)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_cosines_do_not_depend_on_how_long_vectors_are(scale):
    encoder = Counting()
    expected = Dense(encoder=encoder)(ASKED)
    encoder.vectors = encoder.vectors * np.float32(scale)
    found = Dense(encoder=encoder)(ASKED)
    assert found["docno"].tolist() == expected["docno"].tolist()
    np.testing.assert_allclose(found["score"], expected["score"], atol=1e-6)


def test_queries_of_another_width_than_the_documents_are_refused(tmp_path):
    encoder = Counting()
    Dense(encoder=encoder).save(tmp_path / "d.faiss")
    encoder.of = {"t0": np.ones(5, dtype=np.float32)}
    with pytest.raises(ShapeError, match="dense: documents have vectors of 8 numbers, got 5 of a query; encode both"):
        Dense.load(tmp_path / "d.faiss", encoder=encoder)(ASKED.head(1))


EXHAUSTIVE = {"flat": {}, "hnsw": {"m": 16, "ef_search": 400}, "ivf": {"nlist": 10, "nprobe": 10}}


def cosines(encoder, text):
    """All of a loop, best first, equal ones by docno descending as trec_eval has them."""
    asked = np.float64(encoder.of[text])
    found = []
    for row, one in enumerate(np.float64(encoder.vectors)):
        if one.any():
            found.append((float(one @ asked / np.linalg.norm(one) / np.linalg.norm(asked)), f"d{row:03}"))
    return [name for _, name in sorted(found, key=lambda pair: (round(pair[0], 12), pair[1]), reverse=True)]


@pytest.mark.parametrize("kind", EXHAUSTIVE)
def test_every_kind_finds_what_a_loop_does_where_it_looks_at_everything(kind):
    encoder = Counting()
    found = Dense(encoder=encoder, index=kind, n=150, **EXHAUSTIVE[kind])(ASKED)
    for qid, text in zip(ASKED["qid"][:5], ASKED["query"], strict=False):
        assert found[found["qid"] == qid]["docno"].tolist() == cosines(encoder, text)[:150]
    assert "q5" not in set(found["qid"]), "a text without a vector"
    pd.testing.assert_frame_equal(found, Hits.from_frame(found, ASKED).frame(), check_exact=True)


def test_one_list_of_many_finds_fewer_documents_and_these_are_right():
    encoder = Counting()
    found = Dense(encoder=encoder, index="ivf", nlist=10, nprobe=1, n=150)(ASKED)
    exact = Dense(encoder=encoder, n=199)(ASKED).set_index(["qid", "docno"])["score"]
    assert 0 < len(found) < 5 * 100
    np.testing.assert_allclose(
        found["score"], exact.loc[list(zip(found["qid"], found["docno"], strict=True))], rtol=1e-5
    )


def test_a_graph_is_walked_with_as_many_documents_as_are_wanted():
    encoder = Counting()
    narrow, wide = (Dense(encoder=encoder, index="hnsw", ef_search=ef, n=120)(ASKED) for ef in (1, 120))
    assert narrow.groupby("qid").size().tolist() == [120] * 5
    pd.testing.assert_frame_equal(narrow, wide, check_exact=True)


@pytest.mark.parametrize("kind", EXHAUSTIVE)
def test_of_documents_that_tie_those_are_kept_that_would_stand_first(kind):
    vectors = {f"d{i:02}": [0.0, 1.0] for i in range(40)} | {
        "far": [-1.0, 0.5],
        "near": [0.25, 1.0],
        "none": [0.0, 0.0],
    }
    encoder = ToyEncoder(vectors, {"t0": [0.0, 2.0], "t1": [1.0, 1.0], "t2": [-1.0, 0.0]})
    many = {"flat": {}, "hnsw": {"ef_search": 100}, "ivf": {"nlist": 2, "nprobe": 2}}[kind]
    whole = Dense(encoder=encoder, index=kind, **many)(ASKED)
    assert whole.groupby("qid").size().tolist() == [42] * 3
    assert whole[whole["qid"] == "q0"]["docno"].tolist()[:3] == ["d39", "d38", "d37"]
    for n in (1, 2, 3, 41, 42):
        found = Dense(encoder=encoder, index=kind, n=n, **many)(ASKED)
        assert found["docno"].tolist() == whole[whole["rank"] < n]["docno"].tolist()


@pytest.mark.parametrize("kind", EXHAUSTIVE)
def test_it_keeps_to_the_contract_of_stages(kind):
    stage = Dense(encoder=Counting(), index=kind, n=5, **EXHAUSTIVE[kind])
    others = [Dense(encoder=Counting(), index=kind, n=6, **EXHAUSTIVE[kind])]
    check_stage(stage, ASKED, others=others, rtol=1e-5)


@pytest.mark.parametrize("kind", EXHAUSTIVE)
def test_a_saved_index_gives_the_same_bits_and_encodes_no_document(kind, tmp_path):
    encoder = Counting()
    stage = Dense(encoder=encoder, index=kind, n=20, **EXHAUSTIVE[kind])
    stage.save(tmp_path / "mine.faiss")
    assert encoder.times == 1
    again = Dense.load(tmp_path / "mine.faiss", encoder=encoder, n=20, **EXHAUSTIVE[kind])
    assert again == stage
    pd.testing.assert_frame_equal(again(ASKED), stage(ASKED), check_exact=True)
    built = {name: value for name, value in EXHAUSTIVE[kind].items() if name in ("m", "nlist")}
    assert Dense.load(tmp_path / "mine.faiss", encoder=encoder).config.given() == {
        **({} if kind == "flat" else {"index": kind}),
        **built,
    }
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(again))(ASKED), stage(ASKED), check_exact=True)
    assert encoder.times == 1
    Dense(encoder=encoder, index=kind, **EXHAUSTIVE[kind]).save(tmp_path / "other.faiss")
    assert (tmp_path / "mine.faiss").read_bytes() == (tmp_path / "other.faiss").read_bytes(), "built the same each time"


def test_a_retriever_of_fewer_documents_builds_nothing_anew():
    encoder = Counting()
    stage = Dense(encoder=encoder, n=50)
    few = stage % 3
    assert few(ASKED)["docno"].tolist() == [name for i in range(5) for name in cosines(encoder, f"t{i}")[:3]]
    assert stage.limited(4).limited(2)(ASKED)["rank"].max() == 1
    stage(ASKED)
    assert encoder.times == 1
    assert few.parts[0] == stage
    assert stage.limited(4) == Dense(encoder=encoder, n=4)


def test_where_the_encoder_has_a_folder_the_index_is_kept_there(tmp_path):
    def opened():
        encoder = Counting()
        encoder.folder, encoder.name = tmp_path / "encoders", "toy"
        return encoder

    first, second, third = opened(), opened(), opened()
    found = Dense(encoder=first, n=5)(ASKED)
    pd.testing.assert_frame_equal(Dense(encoder=second, n=5)(ASKED), found, check_exact=True)
    assert (first.times, second.times) == (1, 0)
    (path,) = (tmp_path / "encoders").iterdir()
    assert path.name.startswith("toy-")
    assert path.suffix == ".faiss"
    damaged = bytearray(path.read_bytes())
    damaged[60] ^= 1
    path.write_bytes(damaged)
    pd.testing.assert_frame_equal(Dense(encoder=third, n=5)(ASKED), found, check_exact=True)
    assert third.times == 1, "a damaged one is built again"
    Dense(encoder=third, n=5, index="hnsw")(ASKED)
    assert len(os.listdir(tmp_path / "encoders")) == 2


def test_a_file_of_something_else_is_refused_in_one_line(tmp_path):
    encoder = Counting()
    Dense(encoder=encoder, index="ivf", nlist=5).save(tmp_path / "a.faiss")
    other = Counting()
    other.fingerprint = "e" * 32
    with pytest.raises(
        ConfigError, match=r"dense: .*a.faiss is of the fingerprint eeeeeeee, got ffffffff, of other doc"
    ):
        Dense.load(tmp_path / "a.faiss", encoder=other)
    with pytest.raises(ConfigError, match=r"was built with .*'nlist': 5.*, got .*'nlist': 6.*; leave these out"):
        Dense.load(tmp_path / "a.faiss", encoder=encoder, nlist=6)
    whole = (tmp_path / "a.faiss").read_bytes()
    for content in (whole[:-1], whole[:-60] + b"x" + whole[-59:], b""):
        (tmp_path / "b.faiss").write_bytes(content)
        with pytest.raises(DamagedError, match=r"dense: .*b.faiss is not as Dense wrote it; build it again"):
            Dense.load(tmp_path / "b.faiss", encoder=encoder)
    with pytest.raises(NotFoundError, match=r"dense: there is no file .*c.faiss'; build it with"):
        Dense.load(tmp_path / "c.faiss", encoder=encoder)


def test_a_setting_of_another_kind_and_queries_without_text_are_refused():
    with pytest.raises(ConfigError, match="nprobe is a setting of index='ivf', got 3 with 'hnsw'; remove it"):
        Dense(encoder=Counting(), index="hnsw", nprobe=3)
    with pytest.raises(ConfigError, match="index is not valid, got 'lsh'"):
        Dense(encoder=Counting(), index="lsh")
    weighted = pd.DataFrame({"qid": ["1"], "query_toks": [{"wing": 1.0}]})
    with pytest.raises(
        FrameError, match="dense: reads the texts of queries, got the columns qid, query_toks; add them"
    ):
        Dense(encoder=Counting())(weighted)


def test_documents_without_any_vector_are_not_found_and_save_and_load(tmp_path):
    encoder = ToyEncoder({"a": [0.0, 0.0], "b": [0.0, 0.0]}, {"t0": [1.0, 0.0]})
    for kind in EXHAUSTIVE:
        Dense(encoder=encoder, index=kind).save(tmp_path / kind)
        assert Dense.load(tmp_path / kind, encoder=encoder)(ASKED).empty

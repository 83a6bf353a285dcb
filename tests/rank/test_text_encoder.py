"""Tests of irkit.rank.text_encoder and irkit.rank.remembered: what a model is asked for, once, and what it may give."""

import io
import os
import pickle
import sys

import numpy as np
import pytest

from irkit.errors import ConfigError, FrameError, ShapeError
from irkit.lucene import build_index
from irkit.rank import Dense, Latent, TextEncoder, remembered
from irkit.rank.remembered import Remembered, key_of
from tests.rank.toy import QUERIES, TEXTS, hits, ranking


def letters(texts):
    """How often a, e, i, o occur in each text."""
    return np.array([[text.count(letter) for letter in "aeio"] for text in texts], dtype=np.float64)


class Model:
    """The same as an object that remembers what it was given, and may fail after some texts."""

    def __init__(self, stop=None):
        self.batches, self.stop = [], stop

    @property
    def read(self):
        return [text for batch in self.batches for text in batch]

    def encode(self, texts):
        if self.stop is not None and len(self.read) >= self.stop:
            raise KeyboardInterrupt
        self.batches.append(texts)
        return letters(texts).tolist()


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("texts") / "index", TEXTS.items(), threads=1) as built:
        yield built


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def given(index):
    """The texts in the order of docnos."""
    return [TEXTS[docno] for docno in index.docnos.names.to_pylist()]


def test_documents_are_what_the_model_gives_for_their_texts_whatever_the_batches(index):
    expected = letters(given(index)).astype(np.float32)
    for size in (1, 2, 4, 100):
        model = Model()
        encoder = TextEncoder(model, index, name="letters", batch_size=size, keep=False)
        np.testing.assert_array_equal(encoder.documents, expected)
        assert encoder.documents.dtype == np.float32
        assert sorted(model.read) == sorted(text for text in TEXTS.values() if text), "an empty one is not asked for"
        assert max(map(len, model.batches)) <= size
        np.testing.assert_array_equal(encoder.encode(["", "area", " "]), [[0] * 4, [2, 1, 0, 0], [0] * 4])
    assert len(encoder.encode([])) == 0


def test_texts_that_were_read_once_are_not_read_again(index, home):
    first, second, third = Model(), Model(), Model()
    before = TextEncoder(first, index, name="letters", batch_size=2)
    vectors, asked = before.documents, before.encode(["area", TEXTS["d2"], "area"])
    assert first.read.count("area") == 1
    assert len(first.read) == 6
    after = TextEncoder(second, index, name="letters")
    np.testing.assert_array_equal(after.documents, vectors)
    np.testing.assert_array_equal(after.encode(["area", TEXTS["d2"], "area"]), asked)
    assert second.read == []
    assert before.fingerprint == after.fingerprint
    other = TextEncoder(third, index, name="other")
    assert other.documents.any()
    assert len(third.read) == 5, "another name is another model"
    assert other.fingerprint != before.fingerprint
    assert len(os.listdir(home / "texts")) == 2


def test_what_was_cut_goes_on_where_it_was(index):
    cut, rest = Model(stop=2), Model()
    with pytest.raises(KeyboardInterrupt):
        _ = TextEncoder(cut, index, name="letters", batch_size=1).documents
    assert len(cut.read) == 2
    encoder = TextEncoder(rest, index, name="letters", batch_size=1)
    np.testing.assert_array_equal(encoder.documents, letters(given(index)))
    assert sorted(cut.read + rest.read) == sorted(text for text in TEXTS.values() if text)


def test_one_that_is_frozen_answers_and_keeps_nothing_more(index, home):
    model = Model()
    encoder = TextEncoder(model, index, name="letters")
    assert len(encoder.documents)
    files = sorted(home.rglob("*.npy"))
    encoder.freeze()
    for _ in range(2):
        asked = ["aee", TEXTS["d2"], "aee", "io"]
        np.testing.assert_array_equal(encoder.encode(asked), letters(asked))
    assert model.read.count("aee") == model.read.count("io") == 2
    assert model.read.count(TEXTS["d2"]) == 1
    assert sorted(home.rglob("*.npy")) == files


def test_queries_and_documents_may_be_read_in_two_ways(index):
    model = Model()
    encoder = TextEncoder(model, index, name="e", query_prefix="query: ", document_prefix="passage: ")
    np.testing.assert_array_equal(encoder.encode(["oo"]), letters(["query: oo"]))
    np.testing.assert_array_equal(encoder.documents[:1], letters(["passage: " + given(index)[0]]))
    both = TextEncoder(model, index, name="e", query_prefix="query: ", encode_queries=lambda texts: -letters(texts))
    np.testing.assert_array_equal(both.encode(["oo"]), -letters(["query: oo"]))
    own = TextEncoder(Model(), index, name="e")
    assert len({one.fingerprint for one in (encoder, both, own)}) == 3


def test_it_is_an_encoder_for_every_stage(index, home):
    encoder = TextEncoder(letters, index, name="letters")
    found = Dense(encoder=encoder, n=3)(QUERIES)
    documents, asked = letters(given(index)), letters(["birds' wings"])[0]
    with np.errstate(invalid="ignore"):
        cosines = documents @ asked / np.linalg.norm(documents, axis=1) / np.linalg.norm(asked)
    known = [docno for docno in TEXTS if TEXTS[docno]]
    best = sorted(known, key=lambda docno: (cosines[index.docnos.row(docno)].round(9), docno), reverse=True)[:3]
    assert list(ranking(found, "q1")) == best
    again = ranking(Latent(encoder=encoder, weight=1).run(hits({"q1": {"d2": 3.0, "d4": 2.0}})), "q1")
    assert again == pytest.approx({name: cosines[index.docnos.row(name)] for name in ("d2", "d4")})
    assert [path.suffix for path in (home / "encoders").iterdir()] == [".faiss"]
    back = pickle.loads(pickle.dumps(Dense(encoder=encoder, n=3)))
    np.testing.assert_array_equal(back(QUERIES)["score"], found["score"])


def test_a_bar_is_drawn_on_a_terminal_only_and_only_where_it_is_wanted(index, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for screen, progress, drawn in ((Terminal(), True, True), (Terminal(), False, False), (io.StringIO(), True, False)):
        monkeypatch.setattr(sys, "stderr", screen)
        _ = TextEncoder(letters, index, name="letters", keep=False, progress=progress).documents
        assert ("encoding by letters: 100%" in screen.getvalue() and "6/6" in screen.getvalue()) == drawn
        assert bool(screen.getvalue()) == drawn


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda texts: np.zeros(len(texts)), r"'m': must give a vector for each of the 5 texts, got \(5,\)"),
        (lambda texts: np.zeros((len(texts) + 1, 3)), r"must give a vector for each of the 5 texts, got \(6, 3\)"),
        (lambda texts: np.zeros((len(texts), 0)), r"must give a vector for each of the 5 texts, got \(5, 0\)"),
        (lambda texts: ["x"] * len(texts), r"'m': must give numbers, got list \['x'"),
        (lambda texts: [[1.0], [1.0, 2.0]], r"'m': must give numbers, got list \[\[1.0\]"),
    ],
)
def test_what_is_no_vector_for_each_text_is_refused_and_nothing_of_it_kept(model, message, index, home):
    with pytest.raises(ShapeError, match=message):
        _ = TextEncoder(model, index, name="m").documents
    assert not (home / "texts").exists()


def test_what_is_not_finite_is_refused_with_its_text(index):
    model = TextEncoder(lambda texts: [[1.0] if "sing" not in text else [np.nan] for text in texts], index, name="m")
    with pytest.raises(
        FrameError, match=r"'m': vectors must be finite in float32, got one that is not for str 'birds flutter, bi"
    ):
        _ = model.documents
    with pytest.raises(FrameError, match="vectors must be finite in float32"):
        TextEncoder(lambda texts: letters(texts) * 1e39, index, name="large").encode(["aeio"])


def test_a_model_of_another_width_wants_another_name(index):
    _ = TextEncoder(letters, index, name="m").documents
    with pytest.raises(
        ShapeError, match=r"'m': gave vectors of 4 numbers before, got 2; give a model of another width"
    ):
        TextEncoder(lambda texts: np.ones((len(texts), 2)), index, name="m").encode(["new"])


def test_what_the_model_raises_comes_through_with_a_note(index):
    def broken(texts):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory") as caught:
        _ = TextEncoder(broken, index, name="m").documents
    assert caught.value.__notes__ == ["irkit: in encoder 'm', given 5 texts"]


def test_a_model_must_be_one_and_be_named(index):
    with pytest.raises(ConfigError, match=r"got str 'models/e5'; open a path by .*open_encoder\('sentence-transf"):
        TextEncoder("models/e5", index, name="e5")
    with pytest.raises(ConfigError, match="encoder: name must say which model it is, got ''; what it gives is kept"):
        TextEncoder(letters, index, name="")
    with pytest.raises(ConfigError, match="encoder: batch_size must be a whole number of 1 or more, got 0"):
        TextEncoder(letters, index, name="m", batch_size=0)


# ---------------------------------------------------------------------- what is kept


def rows_of(memory, names, asked=None):
    def make(places):
        if asked is not None:
            asked.extend(names[place] for place in places)
        return np.array([[float(names[place])] * 3 for place in places])

    return memory.rows([key_of(one) for one in names], make, batch_size=2, order=np.arange(len(names)))


def test_rows_are_found_again_bit_by_bit_and_damaged_files_made_anew(tmp_path):
    names = ["3", "1", "4", "1", "5"]
    first = rows_of(Remembered(tmp_path / "kept", np.float64), names)
    np.testing.assert_array_equal(first[:, 0], [3, 1, 4, 1, 5])
    asked = []
    np.testing.assert_array_equal(rows_of(Remembered(tmp_path / "kept", np.float64), names, asked), first)
    assert asked == []
    (path,) = (tmp_path / "kept").iterdir()
    damaged = bytearray(path.read_bytes())
    damaged[-80] ^= 4
    path.write_bytes(damaged)
    np.testing.assert_array_equal(rows_of(Remembered(tmp_path / "kept", np.float64), names, asked), first)
    assert asked == ["3", "1", "4", "5"], "each once, in the order given"


def test_many_files_become_one_and_a_folder_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch):
    monkeypatch.setattr(remembered, "FILES", 3)
    folder = tmp_path / "kept"
    for name in "12345":
        rows_of(Remembered(folder, np.float64), [name])
    assert len(os.listdir(folder)) == 2, "four of them were put together"
    asked = []
    assert rows_of(Remembered(folder, np.float64), list("12345"), asked)[:, 2].tolist() == [1, 2, 3, 4, 5]
    assert asked == []
    (tmp_path / "file").write_text("no folder")
    assert rows_of(Remembered(tmp_path / "file", np.float64), ["7", "8"])[:, 0].tolist() == [7, 8]


def test_rows_are_written_while_more_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(remembered, "SECONDS", -1.0)
    memory = Remembered(tmp_path / "kept", np.float64)
    assert rows_of(memory, list("123456789"))[:, 0].tolist() == list(range(1, 10))
    assert len(os.listdir(tmp_path / "kept")) == 5
    assert rows_of(memory, list("912"))[:, 0].tolist() == [9, 1, 2]


def test_no_key_is_another_because_texts_run_into_one_another():
    assert len({key_of("ab", "c"), key_of("a", "bc"), key_of("abc"), key_of("", "abc")}) == 4

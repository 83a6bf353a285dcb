"""Tests of irkit.lucene.build."""

import json
import os
import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irkit.documents import Document
from irkit.errors import ConfigError, DataError, LockedError
from irkit.lucene import Index, build, build_index
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java, start
from irkit.lucene.wire import pack

DOCUMENTS = [("d1", "red fox"), ("d2", "red dogs and cats"), ("d3", ""), ("d4", "Fox, fox; FOX's")]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index"


def leftovers(path):
    """Whatever lies beside an index, apart from the lock."""
    return sorted(set(os.listdir(path.parent)) - {path.name, f".{path.name}.lock"})


def ranked(index, query):
    found = index.search([query], 10)
    return [index.docnos[row] for row in found.doc]


def test_a_small_index_by_hand(path):
    index = build_index(path, DOCUMENTS)
    assert index.path == path
    assert index.stats == (4, 4, 8, 6, 2.0, 1)  # red fox dog cat
    assert ranked(index, "FOX") == ["d4", "d1"]
    assert index.texts(["d4", "d3"]) == ["Fox, fox; FOX's", ""]
    assert index.analyzer.name == "english"
    assert leftovers(path) == []


@pytest.mark.parametrize("kind", ["frame", "dicts", "documents", "generator"])
def test_sources(path, kind):
    sources = {
        "frame": pd.DataFrame(DOCUMENTS, columns=["docno", "text"]),
        "dicts": [{"_id": docno, "contents": text} for docno, text in DOCUMENTS],
        "documents": [Document(docno, text, "somewhere") for docno, text in DOCUMENTS],
        "generator": (pair for pair in DOCUMENTS),
    }
    index = build_index(path, sources[kind])
    assert sorted(index.docnos.names.to_pylist()) == ["d1", "d2", "d3", "d4"]


def test_fields_are_anserinis(path):
    build_index(path, DOCUMENTS, positions=True)
    import jnius

    searcher = jnius.autoclass("io.anserini.search.SimpleSearcher")(str(path))
    hits = searcher.search("foxes", 10)
    assert [hit.docid for hit in hits] == ["d4", "d1"]
    assert searcher.doc_raw("d2") == "red dogs and cats"
    assert searcher.doc("d2").get("id") == "d2"
    searcher.close()
    reader = jnius.autoclass("io.anserini.index.IndexReaderUtils").getReader(str(path))
    counts = jnius.autoclass("io.anserini.index.IndexReaderUtils").getTermCounts(reader, "fox")
    assert (counts.get("docFreq"), counts.get("collectionFreq")) == (2, 4)
    reader.close()


def test_scores_are_anserinis(path):
    texts = [f"{'fox ' * (i % 5)} {'dog ' * (i % 3)} {'filler ' * (i % 7)}" for i in range(200)]
    index = build_index(path, [(f"d{i:03}", text) for i, text in enumerate(texts)])
    import jnius

    searcher = jnius.autoclass("io.anserini.search.SimpleSearcher")(str(path))
    hits = searcher.search("fox dogs", 50)
    found = index.search(["fox dogs"], 50, ties="anserini")
    assert [hit.docid for hit in hits] == [index.docnos[row] for row in found.doc]
    assert [hit.score for hit in hits] == pytest.approx(found.score.tolist(), abs=2e-4)  # Anserini shaves ties
    searcher.close()


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("store_text", [False, True])
def test_options_reach_the_index_and_the_manifest(path, positions, store_text):
    index = build_index(path, DOCUMENTS, analyzer="whitespace", positions=positions, store_text=store_text, threads=1)
    manifest = json.loads((path / "irkit" / "manifest.json").read_text())
    assert (manifest["positions"], manifest["text"], manifest["analyzer"]) == (positions, store_text, "whitespace")
    assert any(name.endswith(".pos") for name in os.listdir(path)) == positions
    assert ranked(index, "FOX's") == ["d4"]
    if not store_text:
        with pytest.raises(ConfigError, match="store_text=True"):
            index.texts(["d1"])


def test_text_survives_exactly(path):
    texts = [
        "a\nb\r\nc",
        "tab\tand \x00 \x01 \x1f \x7f \x85 \u2028",
        "😀 e\u0301 \ufeff \uffff \U0010ffff",
        " ",
        "x" * 100_000,
    ]
    index = build_index(path, [(f"d{i}", text) for i, text in enumerate(texts)])
    assert index.texts([f"d{i}" for i in range(len(texts))]) == texts


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc", "Cf", "Cn"]), min_size=1, max_size=12),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
        min_size=1,
        max_size=12,
    )
)
def test_any_id_and_text_survive(path, documents):
    with build_index(path, documents.items(), overwrite=True) as index:
        assert index.texts(list(documents)) == list(documents.values())
        assert index.docnos.names.take(index.docnos.rank.argsort()).to_pylist() == sorted(documents, key=str.encode)


def test_many_batches_and_threads(path, monkeypatch):
    monkeypatch.setattr(build, "BATCH_TEXTS", 7)
    documents = [(f"d{i}", f"common w{i} w{i % 10}") for i in range(1000)]
    index = build_index(path, documents, threads=4)
    assert index.stats[:4] == (1000, 1001, 3000, 2990)  # w0 to w9 stand twice in d0 to d9
    for i in (0, 6, 7, 500, 999):
        assert index.texts([f"d{i}"]) == [f"common w{i} w{i % 10}"]
        assert ranked(index, f"w{i}")[0] == f"d{i}" or i < 10


def test_long_texts_end_a_batch(monkeypatch):
    monkeypatch.setattr(build, "BATCH_CHARACTERS", 10)
    documents = ([Document(str(i), "x" * 4)] for i in range(10))
    assert [len(batch.docnos) for batch in build._batches(build._columns(documents))] == [3, 3, 3, 1]


@pytest.mark.parametrize(("texts", "characters"), [(5000, 30), (4, 1 << 20), (3, 12), (1, 1)])
def test_batches_are_the_same_however_documents_come(texts, characters, monkeypatch):
    monkeypatch.setattr(build, "BATCH_TEXTS", texts)
    monkeypatch.setattr(build, "BATCH_CHARACTERS", characters)
    rng = np.random.default_rng(0)
    documents = [Document(f"d{i}", "é" * int(rng.integers(9)), f"f:{i}") for i in range(40)]
    wanted: list[list[str]] = [[]]
    for document in documents:  # the rule, document by document
        wanted[-1].append(document.docno)
        if len(wanted[-1]) == texts or sum(len(documents[int(d[1:])].text) for d in wanted[-1]) > characters:
            wanted.append([])
    wanted = [batch for batch in wanted if batch]
    for _ in range(20):
        blocks, start = [], 0
        while start < 40:
            some = documents[start : start + int(rng.integers(1, 15))]
            blocks.append(build._in_columns(some, start) if rng.random() < 0.5 else some)
            start += len(some)
        batches = list(build._batches(build._columns(blocks)))
        assert [batch.docnos.to_pylist() for batch in batches] == wanted
        assert [batch.where(row) for batch in batches for row in range(len(batch.docnos))] == [
            d.where for d in documents
        ]
        assert [text for batch in batches for text in batch.texts.to_pylist()] == [d.text for d in documents]


def test_the_same_content_has_the_same_fingerprint(path):
    one = build_index(path, DOCUMENTS).fingerprint
    assert build_index(path, iter(DOCUMENTS), memory_mb=64, overwrite=True).fingerprint == one
    others = [
        build_index(path, DOCUMENTS[::-1], overwrite=True),
        build_index(path, DOCUMENTS[:3], overwrite=True),
        build_index(path, [*DOCUMENTS[:3], ("d4", "Fox, fox; FOX 's")], overwrite=True),
        build_index(path, DOCUMENTS, analyzer="english-nostem", overwrite=True),
        build_index(path, DOCUMENTS, positions=True, overwrite=True),
        build_index(path, DOCUMENTS, store_text=False, overwrite=True),
    ]
    assert len({one, *(index.fingerprint for index in others)}) == 7


BAD = [
    ([("a", "x"), Document("", "y", "docs.jsonl:2")], "docs.jsonl:2: the id of a document is empty"),
    ([Document("a\tb", "y", "f:1")], r"f:1: the id of a document holds white space, got 'a\\tb'"),
    ([("a\n", "y")], r"row 1: the id of a document holds white space, got 'a\\n'"),
    ([("a", "x"), ("b\u00a0c", "y")], r"row 2: the id of a document holds white space"),
    ([Document("x" * 40_000, "y", "f:9")], "f:9: the id of a document has at most 32766 bytes, got 40000; shorten it"),
    ([Document(7, "y", "f:1")], "f:1: the id of a document must be a string, got int 7"),
    ([Document(None, "y", "f:1")], "f:1: the id of a document is empty"),
    ([Document("a\x1b[2J", "y", "f:1")], r"f:1: the id of a document holds the control or invisible character U\+001B"),
    ([Document("a", None, "f:1")], "f:1: the text of a must be a string, got NoneType None"),
    ([Document("a", 5)], "document 1: the text of a must be a string, got int 5"),
    (
        [("a", "ok"), ("b", "x\udc00y")],
        r"row 2: the text of b is not valid Unicode, got the lone surrogate '\\udc00' at",
    ),
    ([("a\ud800", "ok")], r"row 1: the id of a document is not valid Unicode"),
    (
        [Document("a", "1", "f:1"), Document("b", "2", "f:2"), Document("a", "3", "g:1")],
        "g:1: the id 'a' comes a second",
    ),
    ([], "build_index: there are no documents"),
    ("text.jsonl", "documents: needs an iterable of documents, got str"),
]


@pytest.mark.parametrize(("documents", "message"), BAD)
def test_bad_documents_leave_the_old_index(path, documents, message):
    build_index(path, DOCUMENTS).close()
    with pytest.raises(DataError, match=message) as caught:
        build_index(path, documents, overwrite=True)
    assert "\n" not in str(caught.value)
    assert leftovers(path) == []
    assert ranked(Index.open(path), "dog") == ["d2"]


def test_bad_documents_make_no_index(path):
    with pytest.raises(DataError):
        build_index(path, [("a", "x"), ("a", "y")], overwrite=True)
    assert not path.exists()
    assert leftovers(path) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_a_late_duplicate_is_named_by_its_own_place(path, monkeypatch, threads):
    monkeypatch.setattr(build, "BATCH_TEXTS", 10)
    documents = [Document(f"d{i}", "text", f"f:{i}") for i in range(95)] + [Document("d17", "again", "f:95")] * 2
    with pytest.raises(DataError, match="f:95: the id 'd17' comes a second time; ids must be unique"):
        build_index(path, documents, threads=threads)


def test_a_text_beyond_javas_arrays_is_refused(path, monkeypatch):
    monkeypatch.setattr(build, "LONGEST_TEXT", 6)
    with pytest.raises(DataError, match="row 2: the text of d2 has at most 6 bytes, got 8; split it"):
        build_index(path, [("d1", "ää"), ("d2", "ääää")])


def test_equal_hashes_are_no_duplicates(path, monkeypatch):
    """Rows that the hash set suspects are looked up in the index, and let through."""
    real = build._Writer.add
    monkeypatch.setattr(build._Writer, "add", lambda self, block: real(self, block) or [0])
    assert len(build_index(path, DOCUMENTS)) == 4


def test_the_hash_set_grows_and_finds_exactly_the_repeats(tmp_path):
    start()
    builders = java("IndexBuilder")
    builder = builders.start(str(tmp_path / "raw"), "whitespace", 1, 0, 0, 16)
    ids = [str(i).encode() for i in range(20_000)]
    assert builders.room(builder, 1000, 0)
    first = builders.add(builder, pack([part for name in ids for part in (name, b"")])).tostring()
    assert builders.room(builder, 1000, 0)
    again = builders.add(builder, pack([b"new", b"", b"19999", b"", b"-1", b"", b"0", b""])).tostring()
    interruptible(builders.abort, builder)
    assert first == b""
    assert list(memoryview(again).cast("i")) == [1, 3]


@pytest.mark.parametrize(
    "error", [KeyError("boom"), FileNotFoundError(2, "gone", "x.jsonl"), KeyboardInterrupt(), OSError("odd")]
)
def test_a_failing_source_is_reported_as_it_is(path, error):
    build_index(path, DOCUMENTS).close()

    def source():
        yield from [(f"n{i}", "text") for i in range(6000)]
        raise error

    with pytest.raises(type(error)) as caught:
        build_index(path, source(), overwrite=True)
    assert caught.value is error
    assert leftovers(path) == []
    assert len(Index.open(path)) == 4


def test_interrupting_the_commit(path, monkeypatch):
    build_index(path, DOCUMENTS).close()

    def interrupted(writer, content):
        writer._java.finish(writer._builder, content)
        raise KeyboardInterrupt

    monkeypatch.setattr(build._Writer, "finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_index(path, ((f"n{i}", "text") for i in range(20_000)), overwrite=True)
    assert leftovers(path) == []
    assert len(Index.open(path)) == 4


def threads_that_stay():
    """Name the threads of builds that are still there after a while."""
    start()
    import jnius

    def alive():
        found = jnius.autoclass("java.lang.Thread").getAllStackTraces().keySet().toArray()
        return {thread.getName() for thread in found} & {"irkit-index", "irkit-commit"}

    deadline = time.monotonic() + 20
    while alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    return alive()


def test_no_thread_outlives_a_build(path):
    build_index(path, DOCUMENTS)
    with pytest.raises(DataError):
        build_index(path, [("a", "x"), ("a", "x")], overwrite=True)
    assert threads_that_stay() == set()


def test_no_thread_outlives_a_build_that_is_given_up_while_batches_wait(tmp_path):
    builders = java("IndexBuilder")
    builder = builders.start(str(tmp_path / "new"), "english", 1, 0, 0, 64)
    words = " ".join(f"word{i % 977}" for i in range(5_000))
    for batch in range(2):  # one is written while the other waits
        assert builders.room(builder, 1000, 0)
        builders.add(builder, pack([text for i in range(400) for text in (f"{batch}-{i}".encode(), words.encode())]))
    builders.finish(builder, "")
    interruptible(builders.abort, builder)
    assert threads_that_stay() == set()


def test_overwrite(path):
    build_index(path, DOCUMENTS)
    with pytest.raises(ConfigError, match=r"there is an index already, got .*; pass overwrite=True"):
        build_index(path, DOCUMENTS[:1])
    assert len(build_index(path, DOCUMENTS[:1], overwrite=True)) == 1


def test_an_open_index_outlives_its_replacement(path):
    old = build_index(path, DOCUMENTS)
    new = build_index(path, [("n", "nothing else")], overwrite=True)
    assert ranked(old, "fox") == ["d4", "d1"]
    assert old.texts(["d1"]) == ["red fox"]
    assert ranked(new, "fox") == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"analyzer": "englsh"}, "there is no analyser 'englsh'; did you mean english"),
        ({"threads": 0}, "build_index: threads must be a whole number from 1 up, got 0"),
        ({"threads": 1.5}, "build_index: threads must be a whole number from 1 up, got 1.5"),
        ({"memory_mb": 4}, "build_index: memory_mb must be a whole number from 16 up, got 4"),
        ({"memory_mb": True}, "build_index: memory_mb must be a whole number from 16 up, got True"),
    ],
)
def test_bad_options(path, options, message):
    with pytest.raises(ConfigError, match=message):
        build_index(path, DOCUMENTS, **options)
    assert not path.exists()


def test_progress_counts_documents(path, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    build_index(path, DOCUMENTS, progress=True)
    assert "4/4" in capsys.readouterr().err
    build_index(path, (one for one in DOCUMENTS), progress=True, overwrite=True)
    assert "4 documents" in capsys.readouterr().err


def test_a_locked_path_is_refused_before_reading(path):
    from irkit.lucene.swap import locked

    documents = iter(DOCUMENTS)
    with locked(path), pytest.raises(LockedError, match="is building"):
        build_index(path, documents)
    assert len(list(documents)) == 4


def test_parents_are_made_and_links_followed(tmp_path):
    real = tmp_path / "disk" / "deep" / "index"
    build_index(real, DOCUMENTS[:1])
    link = tmp_path / "link"
    link.symlink_to(real)
    assert build_index(link, DOCUMENTS, overwrite=True).path == real
    assert link.is_symlink()
    assert len(Index.open(link)) == 4

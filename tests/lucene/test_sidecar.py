"""Tests of irkit.lucene.sidecar, manifest, making, storage, transpose and vocabulary."""

import errno
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import random as random_matrix

from irkit.config import digest
from irkit.errors import ConfigError, DamagedError, DataError, JavaError, NotFoundError
from irkit.lucene import Analyzer, Index, build_index, making, manifest, sidecar, storage
from irkit.lucene.jvm import start
from irkit.lucene.sidecar import Sidecar
from irkit.lucene.transpose import transpose
from irkit.lucene.vocabulary import Vocabulary

DOCUMENTS = [("b", "red fox"), ("a", "red dogs and cats"), ("Z", ""), ("é", "Fox, fox; FOX's 東京")]


@pytest.fixture
def path(tmp_path):
    build_index(tmp_path / "index", DOCUMENTS).close()
    return tmp_path / "index"


def oracle(texts, analyzer):
    """Count terms the slow way: vocabulary, one counter a document."""
    counts = [Counter(terms) for terms in Analyzer(analyzer).analyze(texts)]
    return sorted({term for count in counts for term in count}, key=str.encode), counts


def check(side, documents, analyzer="english"):
    """Compare every part of a sidecar with the oracle."""
    texts = dict(documents)
    docnos = side.docnos.names.to_pylist()
    assert sorted(docnos) == sorted(texts)
    assert [docnos[row] for row in np.argsort(side.docnos.rank)] == sorted(docnos, key=str.encode)
    terms, counts = oracle([texts[docno] for docno in docnos], analyzer)
    dense = np.array([[count[term] for term in terms] for count in counts], dtype=np.int32).reshape(
        len(docnos), len(terms)
    )
    assert side.vocabulary.terms.to_pylist() == terms
    for matrix in (side.forward, side.postings):
        np.testing.assert_array_equal(matrix.toarray(), dense)
        assert matrix.dtype == np.int32
    np.testing.assert_array_equal(side.lengths, dense.sum(axis=1))
    np.testing.assert_array_equal(side.vocabulary.df, (dense > 0).sum(axis=0))
    np.testing.assert_array_equal(side.vocabulary.cf, dense.sum(axis=0))
    assert side.vocabulary.ids(terms).tolist() == list(range(len(terms)))
    facts = side.manifest
    assert (facts.documents, facts.terms) == dense.shape
    assert (facts.tokens, facts.postings) == (dense.sum(), np.count_nonzero(dense))
    assert facts.empty == (dense.sum(axis=1) == 0).sum()


def test_every_part_by_hand(path):
    side = Sidecar.open(path)
    assert side.docnos.names.to_pylist() == ["b", "a", "Z", "é"]
    assert side.docnos.rank.tolist() == [2, 1, 0, 3]
    assert side.vocabulary.terms.to_pylist() == ["cat", "dog", "fox", "red", "京", "東"]
    assert side.vocabulary.df.tolist() == [1, 1, 2, 2, 1, 1]
    assert side.vocabulary.cf.tolist() == [1, 1, 4, 2, 1, 1]
    assert side.lengths.tolist() == [2, 3, 0, 5]
    assert side.forward.toarray().tolist() == [[0, 0, 1, 1, 0, 0], [1, 1, 0, 1, 0, 0], [0] * 6, [0, 0, 3, 0, 1, 1]]
    check(side, DOCUMENTS)


WORDS = ["fox", "foxes", "dog", "the", "of", "cat", "東京", "naïve", "x1", "running"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), min_size=1, max_size=9)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS, name=st.sampled_from(["english", "whitespace", "english-nostem"]))
def test_any_collection_agrees_with_counting(tmp_path, texts, name):
    documents = [(f"d{row}", text) for row, text in enumerate(texts)]
    build_index(tmp_path / "index", documents, analyzer=name, overwrite=True).close()
    check(Sidecar.open(tmp_path / "index"), documents, name)


def test_real_news_agrees_with_counting(tmp_path):
    folder = Path(importlib.util.find_spec("gensim").submodule_search_locations[0])
    texts = (folder / "test" / "test_data" / "lee_background.cor").read_text().splitlines()
    documents = [(f"news{row}", text) for row, text in enumerate(texts)]
    build_index(tmp_path / "index", documents).close()
    side = Sidecar.open(tmp_path / "index")
    check(side, documents)
    assert side.manifest.documents == 300


def test_several_segments(tmp_path, monkeypatch):
    """Small batches on four threads leave several segments, whose postings must be merged."""
    monkeypatch.setattr("irkit.lucene.build.BATCH_TEXTS", 3)
    documents = [(f"d{i * 7919 % 1000}", f"w{i % 17} w{i % 5} common") for i in range(400)]
    for _ in range(20):  # on a busy machine one thread may happen to take every batch
        build_index(tmp_path / "index", documents, threads=4, analyzer="whitespace", overwrite=True).close()
        segments = [name for name in os.listdir(tmp_path / "index") if name.endswith(".si")]
        if len(segments) > 1:
            break
    assert len(segments) > 1
    check(Sidecar.open(tmp_path / "index"), documents, "whitespace")


def test_parts_are_made_when_asked_for_and_kept(path):
    folder = path / "irkit"
    visible = {name for name in os.listdir(folder) if not name.startswith(".")}
    assert visible == {"manifest.json", "docnos.arrow", "rank.npy"}
    side = Sidecar.open(path)
    assert len(side.lengths) == 4
    made = {name for name in os.listdir(folder) if not name.startswith(".")} - visible
    by_term = {"terms.arrow", "df.npy", "cf.npy", "csc_ptr.npy", "csc_doc.npy", "csc_tf.npy", "lengths.npy"}
    assert made == by_term
    assert side.forward.shape == (4, 6)
    stamps = {name: os.stat(folder / name).st_mtime_ns for name in os.listdir(folder)}
    assert {"csr_ptr.npy", "csr_term.npy", "csr_tf.npy"} <= set(stamps)
    again = Sidecar.open(path)
    check(again, DOCUMENTS)
    assert {name: os.stat(folder / name).st_mtime_ns for name in stamps} == stamps
    for name in (name for name in stamps if name.endswith(".npy")):
        with open(folder / name, "rb") as file:
            assert np.lib.format.read_magic(file) == (1, 0)


def test_matrices_share_the_memory_maps_and_are_read_only(path):
    side = Sidecar.open(path)
    for matrix, (_, index, tf) in ((side.postings, side.columns), (side.forward, side.rows)):
        assert np.shares_memory(matrix.indices, index)
        assert np.shares_memory(matrix.data, tf)
        assert not matrix.data.flags.writeable
    assert isinstance(side.columns[1].base, np.memmap)
    assert side.columns[0].dtype == side.rows[0].dtype == np.int64
    assert side.forward[[3, 0]].toarray().tolist() == [[0, 0, 3, 0, 1, 1], [0, 0, 1, 1, 0, 0]]


def test_a_second_opening_needs_no_jvm(path):
    Sidecar.open(path).forward.sum()
    code = (
        "import sys; from irkit.lucene.sidecar import Sidecar; from irkit.lucene import jvm;"
        "assert 'scipy' not in sys.modules and 'pandas' not in sys.modules;"
        "side = Sidecar.open(sys.argv[1]); print(side.docnos.names.to_pylist()[0], side.forward.sum());"
        "assert jvm._starter is None"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "b 10\n"


def test_no_terms_at_all(tmp_path):
    documents = [("a", "the"), ("b", "")]
    build_index(tmp_path / "index", documents).close()
    check(Sidecar.open(tmp_path / "index"), documents)


def foreign(path, documents=DOCUMENTS, threads=1):
    """Build an index with Anserini itself; it leaves out empty documents."""
    start()
    import jnius

    texts = [json.dumps({"id": docno, "contents": text}) for docno, text in documents]
    indexer = jnius.autoclass("io.anserini.index.SimpleIndexer")(str(path), threads)
    for text in texts:
        indexer.addRawDocument(text)
    indexer.close()


def test_an_index_of_anserini(tmp_path):
    foreign(tmp_path / "index")
    side = Sidecar.open(tmp_path / "index")
    assert side.manifest.assumed
    assert side.analyzer == "english"
    check(side, [pair for pair in DOCUMENTS if pair[1]])
    assert (tmp_path / "index" / "irkit" / "manifest.json").is_file()
    other = Sidecar.open(tmp_path / "index", "english-nostem")
    assert other.analyzer == "english-nostem"
    assert other.fingerprint != side.fingerprint
    assert other.key == side.key


def test_our_index_is_known_without_its_sidecar(path):
    """Analyser and content are noted in the commit itself, so that a lost sidecar loses nothing."""
    before = Sidecar.open(path).manifest
    for name in os.listdir(path / "irkit"):
        (path / "irkit" / name).unlink()
    assert Sidecar.open(path).manifest == before
    assert not before.assumed


def test_an_index_that_cannot_be_written_has_its_sidecar_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    foreign(tmp_path / "index")
    (tmp_path / "index" / "irkit").write_text("in the way, as a read-only folder would be")
    side = Sidecar.open(tmp_path / "index")
    assert side.folder.parent == tmp_path / "home" / "sidecars"
    check(side, [pair for pair in DOCUMENTS if pair[1]])
    stamp = os.stat(side.folder / "manifest.json").st_mtime_ns
    assert Sidecar.open(tmp_path / "index").folder == side.folder
    assert os.stat(side.folder / "manifest.json").st_mtime_ns == stamp
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "blocked"))
    with pytest.raises(
        ConfigError, match=r"sidecar: can be written neither in .* nor in .*; make room, or set IRKIT_HOME"
    ):
        Sidecar.open(tmp_path / "index")


def refuse(monkeypatch, module, name, inside, number=errno.ENOSPC):
    """Have a function of a module fail, as a read-only or full disk would, where a path lies in a folder."""
    real = getattr(module, name)

    def fail(*args, **options):
        if any(isinstance(arg, Path) and arg.is_relative_to(inside) for arg in args):
            raise OSError(number, os.strerror(number))
        return real(*args, **options)

    monkeypatch.setattr(module, name, fail)


@pytest.mark.parametrize(
    ("module", "name", "number"),
    [
        (sidecar, "work_folder", errno.EROFS),
        (storage, "write_strings", errno.ENOSPC),
        (sidecar, "put", errno.EACCES),
        (sidecar, "write_manifest", errno.ENOSPC),
    ],
)
def test_parts_that_cannot_be_written_beside_the_index_are_kept_at_home(
    path, tmp_path, monkeypatch, module, name, number
):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    side = Sidecar.open(path)
    assert side.folder == path / "irkit"
    with monkeypatch.context() as broken:
        refuse(broken, module, name, path, number)
        check(side, DOCUMENTS)
        assert [name for name in os.listdir(side.folder) if name.startswith(".")] == []
        assert "terms.arrow" not in manifest.read_manifest(side.folder).parts
    monkeypatch.setattr(Sidecar, "_export", None)  # what lies at home is found again
    monkeypatch.setattr(Sidecar, "_transpose", None)
    check(Sidecar.open(path), DOCUMENTS)


@pytest.mark.parametrize("how", ["of the system", "of Java"])
def test_a_lost_manifest_on_a_full_disk(path, tmp_path, monkeypatch, how):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    (path / "irkit" / "manifest.json").unlink()
    if how == "of the system":
        refuse(monkeypatch, storage, "write_strings", path)
    else:
        real = making.java

        def java(name):
            def docnos(ticket, index, folder):
                if Path(folder).is_relative_to(path):
                    raise JavaError("index: the ids cannot be read: No space left on device")
                return real(name).docnos(ticket, index, folder)

            return SimpleNamespace(describe=real(name).describe, docnos=docnos)

        monkeypatch.setattr(making, "java", java)
    side = Sidecar.open(path)
    assert side.folder.parent == tmp_path / "home" / "sidecars"
    check(side, DOCUMENTS)


@pytest.mark.parametrize("name", ["notes.txt", "rank.npy/notes.txt", ".work-1-0123abcd/notes.txt", "manifest.json"])
def test_a_folder_of_that_name_that_is_not_ours_is_left_alone(tmp_path, monkeypatch, name):
    """A Lucene index may lie in somebody's project, beside a folder irkit/ of theirs."""
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    path = tmp_path / "index"
    foreign(path)
    (path / "irkit" / name).parent.mkdir(parents=True)
    (path / "irkit" / name).write_text("years of work")
    side = Sidecar.open(path)
    check(side, [pair for pair in DOCUMENTS if pair[1]])
    assert side.folder.parent == tmp_path / "home" / "sidecars"
    assert [file for file in (path / "irkit").rglob("*") if file.is_file()] == [path / "irkit" / name]
    assert (path / "irkit" / name).read_text() == "years of work"


def test_work_folders_of_dead_processes_go_when_they_are_old(path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name, pid, inside, age in [
        ("left", dead.pid, "docnos.ptr", 7200),
        ("young", dead.pid, "docnos.ptr", 60),  # another machine may have a process of this number
        ("alive", os.getpid(), "docnos.ptr", 7200),
        ("strange", dead.pid, "notes.txt", 7200),
    ]:
        work = path / "irkit" / f".work-{pid}-{sum(name.encode()):08x}"
        work.mkdir()
        (work / inside).write_text(name)
        for one in (work / inside, work):
            os.utime(one, (time.time() - age,) * 2)
    manifest.clear_work(path / "irkit")
    kept = {file.read_text() for file in (path / "irkit").glob(".work-*/*")}
    assert kept == {"young", "alive", "strange"}


def test_a_manifest_of_another_version_is_made_again(path):
    before = Sidecar.open(path).manifest
    file = path / "irkit" / "manifest.json"
    values = json.loads(file.read_text())
    for change in ({"format": 99}, {"terms": 6.0}, {"positions": 0}, {"more": 1}):
        other = {name: value for name, value in {**values, **change}.items() if name != "digest"}
        file.write_text(json.dumps({**other, "digest": digest(other)}))
        with pytest.raises(manifest.OtherVersion, match=r"another version of irkit wrote it, "):
            manifest.parse(file.read_bytes())
        assert Sidecar.open(path).manifest == before
    old = {name: value for name, value in values.items() if name not in ("digest", "format", "files", "parts")}
    with pytest.raises(manifest.OtherVersion):
        manifest.parse(json.dumps(old).encode())


def writer(path):
    """Open a plain Lucene writer on an index."""
    import jnius

    paths = jnius.autoclass("java.nio.file.Paths")
    directory = jnius.autoclass("org.apache.lucene.store.FSDirectory").open(paths.get(str(path)))
    return jnius.autoclass("org.apache.lucene.index.IndexWriter")(
        directory, jnius.autoclass("org.apache.lucene.index.IndexWriterConfig")()
    )


def test_deleted_documents_are_refused(tmp_path):
    path = tmp_path / "index"
    build_index(path, [("b", "one"), *((f"d{i}", "text") for i in range(40))])  # few deletions are not merged away
    import jnius

    lucene = writer(path)
    term = jnius.autoclass("org.apache.lucene.index.Term")("id", "b")
    lucene.deleteDocuments(jnius.autoclass("org.apache.lucene.search.TermQuery")(term))
    lucene.close()
    with pytest.raises(ConfigError, match=r"has deleted documents, got 1; Lucene's statistics still count them"):
        Sidecar.open(path)


def test_a_changed_index_gets_a_new_sidecar(path):
    old = Sidecar.open(path)
    assert len(old.lengths) == 4
    foreign(path.parent / "more", [("more", "red kites")])
    import jnius

    paths = jnius.autoclass("java.nio.file.Paths")
    more = jnius.autoclass("org.apache.lucene.store.FSDirectory").open(paths.get(str(path.parent / "more")))
    lucene = writer(path)
    lucene.addIndexes(more)
    lucene.close()
    new = Sidecar.open(path)
    assert new.key != old.key
    assert new.fingerprint != old.fingerprint
    check(new, [*DOCUMENTS, ("more", "red kites")])
    assert old.lengths.tolist() == [2, 3, 0, 5]  # mapped before the change
    with pytest.raises(ConfigError, match=r"was rebuilt since it was opened; open it again"):
        _ = old.postings


def test_parts_of_a_replaced_index_are_never_mixed(path):
    """An index opened before a rebuild may not read or write parts of the new one."""
    old = Sidecar.open(path)
    build_index(path, [("n", "one two three")], overwrite=True).close()
    for part in ("vocabulary", "lengths", "postings", "forward"):
        with pytest.raises(ConfigError, match="was rebuilt since it was opened"):
            getattr(old, part)
    assert old.docnos.names.to_pylist() == ["b", "a", "Z", "é"]
    check(Sidecar.open(path), [("n", "one two three")])


def test_a_rebuild_during_an_export_keeps_nothing(path, monkeypatch):
    old = Sidecar.open(path)
    real = storage.write_strings

    def rebuild(*args):
        real(*args)
        monkeypatch.setattr(storage, "write_strings", real)
        build_index(path, [("n", "one two three")], overwrite=True).close()

    monkeypatch.setattr(storage, "write_strings", rebuild)
    with pytest.raises(ConfigError, match="was rebuilt since it was opened"):
        _ = old.lengths
    assert not (path / "irkit" / "lengths.npy").exists()
    check(Sidecar.open(path), [("n", "one two three")])


def test_a_rebuild_after_an_export_is_said(path, monkeypatch):
    old = Sidecar.open(path)
    real = Sidecar._make

    def make(side, fill):
        real(side, fill)
        build_index(path, [("n", "one two three")], overwrite=True).close()

    monkeypatch.setattr(Sidecar, "_make", make)
    with pytest.raises(ConfigError, match="was rebuilt since it was opened; open it again"):
        _ = old.lengths


def test_a_rebuild_during_an_opening_is_followed(path, monkeypatch):
    """A reader that sees the old commit and the new folder must not label the new index with the old commit."""
    keys = [sidecar.commit_key(path)]
    build_index(path, [("n", "one two three")], overwrite=True).close()
    real = sidecar.commit_key
    monkeypatch.setattr(sidecar, "commit_key", lambda index: keys.pop() if keys else real(index))
    side = Sidecar.open(path)
    check(side, [("n", "one two three")])
    assert not side.manifest.assumed


@pytest.mark.parametrize(
    "name", ["rank.npy", "docnos.arrow", "manifest.json", "lengths.npy", "csc_doc.npy", "csr_tf.npy", "terms.arrow"]
)
@pytest.mark.parametrize("damage", ["cut", "gone", "pickle"])
def test_damaged_parts_are_made_again(path, name, damage):
    Sidecar.open(path).forward.sum()
    file = path / "irkit" / name
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-9])
    elif damage == "gone":
        file.unlink()
    else:
        with file.open("wb") as out:
            np.save(out, np.array([{"a": print}], dtype=object), allow_pickle=True)
    check(Sidecar.open(path), DOCUMENTS)


def test_two_documents_of_one_id_are_refused(tmp_path):
    foreign(tmp_path / "index", [("a", "one"), ("b", "two"), ("a", "three")])
    with pytest.raises(DataError, match=r"two documents in .* have the id 'a'; ids must be unique"):
        Sidecar.open(tmp_path / "index")


def test_what_is_no_index_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match=r"there is no folder .*; build one with"):
        Sidecar.open(tmp_path / "nowhere")
    with pytest.raises(NotFoundError, match=r"holds no Lucene index; build one with"):
        Sidecar.open(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotFoundError, match="is a file and no index; build one of it with"):
        Sidecar.open(tmp_path / "file")


def test_a_dangling_link_is_one_line(path):
    (path / "segments_2").symlink_to(path / "gone")
    with pytest.raises(ConfigError, match=r"index: .* cannot be read: No such file or directory"):
        Sidecar.open(path)


def test_a_broken_index_is_one_line(path):
    segments = path / "segments_1"
    segments.write_bytes(segments.read_bytes()[:-20])
    with pytest.raises(DamagedError, match=r"^index: .* is damaged \(segments_1: .*\); build it again$") as caught:
        Index.open(path)
    assert "\n" not in str(caught.value)


def test_the_latest_commit_counts(path):
    key = manifest.commit_key(path)
    (path / "segments_z").write_text("35")
    later = manifest.commit_key(path)
    (path / "segments_10").write_text("36 in base 36")
    assert len({key, later, manifest.commit_key(path)}) == 3
    (path / "segments_9").write_text("an old one")
    (path / "pending_segments_zz").write_text("unfinished")
    assert manifest.commit_key(path) not in (key, later)


@pytest.mark.parametrize("window", [1, 7, 50, 1 << 20])
def test_transposing_in_windows_is_scipys(tmp_path, window):
    columns = random_matrix(23, 41, density=0.2, format="csc", rng=np.random.default_rng(3))
    columns.data = np.arange(1, columns.nnz + 1, dtype=np.int32)
    transpose(columns.indptr.astype(np.int64), columns.indices.astype(np.int32), columns.data, 23, tmp_path, window)
    rows = columns.tocsr()
    for name, expected in (("ptr", rows.indptr), ("term", rows.indices), ("tf", rows.data)):
        np.testing.assert_array_equal(np.load(tmp_path / f"csr_{name}.npy"), expected)


def test_vocabulary_looks_up_few_and_many(monkeypatch):
    terms = sorted(["a", "b", "é", "東", "😀", "zz", "\uffff"], key=str.encode)
    table = Vocabulary(pa.array(terms, pa.large_string()), np.arange(7, dtype=np.int32), np.arange(7))
    asked = ["zz", "nope", "", "😀", "\uffff", "é", "a", "~~"]
    expected = [terms.index(term) if term in terms else -1 for term in asked]
    assert table.ids(asked).tolist() == expected
    assert table.ids(pa.array(asked)).tolist() == expected
    assert table.ids(asked * 500).tolist() == expected * 500
    assert table.ids([]).tolist() == []
    assert table.ids(["😀"] * 40).tolist() == [terms.index("😀")] * 40
    assert [table[row] for row in range(len(table))] == terms
    assert Vocabulary(table.terms.slice(0, 0), table.df[:0], table.cf[:0]).ids(pa.array(asked)).tolist() == [-1] * 8

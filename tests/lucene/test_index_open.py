"""Tests of irkit.lucene.index: opening, closing, other people's indexes, texts."""

import gc
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from irkit.errors import ConfigError, IrkitError, JavaError, NotFoundError
from irkit.lucene import Analyzer, Index, build_index
from irkit.lucene.jvm import java, java_home, lucene_jar, start
from tests.oracles.lucene_search import LuceneSearch, bag

DOCUMENTS = [("b", "Red foxes"), ("a", "red dogs"), ("c", "")]


@pytest.fixture
def path(tmp_path):
    build_index(tmp_path / "index", DOCUMENTS, threads=1).close()
    return tmp_path / "index"


def ids(index, query):
    return index.docnos.take(index.search([query], 10).doc).to_pylist()


# ------------------------------------------------------------------------------------------ opening


def test_what_an_index_tells(path):
    with Index.open(path) as index:
        assert index.path == path
        assert len(index) == 3
        assert repr(index) == f"Index({str(path)!r}, 3 documents)"
        assert index.stats._asdict() == {
            "documents": 3, "terms": 3, "tokens": 4, "postings": 4, "mean_length": 4 / 3, "empty": 1,
        }  # fmt: skip
        assert index.analyzer == Analyzer("english")
        assert index.analyze(["The foxes", ""]) == [["fox"], []]
        assert sorted(index.docnos.names.to_pylist()) == ["a", "b", "c"]
        assert index.vocabulary.terms.to_pylist() == ["dog", "fox", "red"]
        assert index.lengths.sum() == index.postings.sum() == index.forward.sum() == 4


def test_the_same_content_has_the_same_fingerprint(path, tmp_path):
    with Index.open(path) as one, build_index(tmp_path / "again", DOCUMENTS) as other:
        assert one.fingerprint == other.fingerprint
    with Index.open(path, analyzer="whitespace") as other:
        assert one.fingerprint != other.fingerprint


def test_another_analyser_for_the_queries(path):
    with Index.open(path, analyzer="whitespace") as index:
        assert ids(index, "fox") == ["b"]
        assert ids(index, "foxes") == []
    with pytest.raises(ConfigError, match="there is no analyser 'englisch'; did you mean english"):
        Index.open(path, analyzer="englisch")


def test_paths_may_be_strings_links_and_relative(path, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    for form in (str(path), tmp_path / "link", "index"):
        with Index.open(form) as index:
            assert ids(index, "red") == ["b", "a"]


def test_an_interrupted_replacement_is_undone(path, tmp_path):
    os.rename(path, tmp_path / ".index.old-1-00000000")
    with Index.open(path) as index:
        assert ids(index, "fox") == ["b"]


def test_an_open_index_stays_as_it_was_while_its_folder_is_rebuilt(path):
    with Index.open(path) as old, build_index(path, [("z", "red wolf")], overwrite=True) as new:
        assert ids(old, "red") == ["b", "a"]
        assert ids(new, "red") == ["z"]


def test_a_pickled_index_opens_again(path):
    with Index.open(path, analyzer="whitespace") as index:
        again = pickle.loads(pickle.dumps(index))
    with again:
        assert again.analyzer.name == "whitespace"
        assert ids(again, "red") == ["b", "a"]


# ------------------------------------------------------------------------------------------ refusals


def test_no_folder(tmp_path):
    with pytest.raises(NotFoundError, match=r"index: there is no folder .*nowhere; build one"):
        Index.open(tmp_path / "nowhere")


def test_a_folder_without_an_index(tmp_path):
    with pytest.raises(NotFoundError, match="holds no Lucene index; build one"):
        Index.open(tmp_path)


def test_a_file(tmp_path):
    (tmp_path / "file").write_text("no index")
    with pytest.raises(NotFoundError, match="is a file and no index; build one of it with"):
        Index.open(tmp_path / "file")


@pytest.mark.parametrize("sidecar", [True, False])
@pytest.mark.parametrize("harm", ["cut", "removed", "overwritten"])
@pytest.mark.parametrize("victim", ["segments_*", "*.si", "*.fnm", "*.tim", "*.dvd", "*.nvd", "*.doc", "*.fdt"])
def test_a_damaged_index_is_one_line_or_a_good_answer(path, victim, harm, sidecar):
    if not sidecar:
        shutil.rmtree(path / "irkit")
    for file in path.glob(victim):
        if harm == "removed":
            file.unlink()
        elif harm == "cut":
            os.truncate(file, file.stat().st_size // 2)
        else:
            file.write_bytes(b"\xff" * file.stat().st_size)
    said, found = "", None
    try:
        with Index.open(path) as index:
            found = [ids(index, "red"), index.texts(["a"])]
    except IrkitError as error:
        said = str(error)
    assert found == [["b", "a"], ["red dogs"]] or (str(path) in said and "\n" not in said)


def test_deleted_documents_are_explained(path):
    start()
    import jnius

    core = "org.apache.lucene"
    directory = jnius.autoclass(f"{core}.store.FSDirectory").open(jnius.autoclass("java.io.File")(str(path)).toPath())
    config = jnius.autoclass(f"{core}.index.IndexWriterConfig")()
    config.setMergePolicy(jnius.autoclass(f"{core}.index.NoMergePolicy").INSTANCE)  # a merge would make them vanish
    writer = jnius.autoclass(f"{core}.index.IndexWriter")(directory, config)
    writer.deleteDocuments(
        jnius.autoclass(f"{core}.search.TermQuery")(jnius.autoclass(f"{core}.index.Term")("id", "a"))
    )
    writer.close()
    with pytest.raises(ConfigError, match=r"index: .* has deleted documents, got 1; .* build it again"):
        Index.open(path)


# ------------------------------------------------------------------------------------------- closing


@pytest.mark.skipif(not Path("/proc/self/maps").is_file(), reason="needs /proc")
def test_closing_leaves_nothing_behind(path):
    start()
    import jnius

    handles = jnius.autoclass("irkit.Handle").OPEN
    cache = jnius.autoclass("irkit.ByteCache").SHARED
    gc.collect()
    before = handles.size(), cache.size()
    for _ in range(5):
        index = Index.open(path)
        assert ids(index, "red fox") == ["b", "a"]
        assert handles.size() == before[0] + 1
        assert cache.size() > before[1]
        index.close()
        assert (handles.size(), cache.size()) == before
        Index.open(path)  # dropped, not closed
        gc.collect()
        assert handles.size() == before[0]
    del index
    gc.collect()
    files = [line for line in Path("/proc/self/maps").read_text().splitlines() if f"{path}/_" in line]
    assert files == []


# --------------------------------------------------------------------------------------------- texts


def test_texts_come_back_in_order(path):
    with Index.open(path) as index:
        assert index.texts(["a", "c", "b", "a"]) == ["red dogs", "", "Red foxes", "red dogs"]
        assert index.texts([]) == []
        with pytest.raises(NotFoundError, match="there is no document 'bb'"):
            index.texts(["a", "bb"])


def test_many_texts(tmp_path):
    texts = {f"D{i}": f"Grüße 😀 {i}\n" * (i % 7) for i in range(2500)}
    with build_index(tmp_path / "index", texts.items()) as index:
        names = [f"D{i}" for i in np.random.default_rng(0).permutation(2500)]
        assert index.texts(names) == [texts[name] for name in names]


def test_an_index_without_texts_says_so(tmp_path):
    with (
        build_index(tmp_path / "index", DOCUMENTS, store_text=False) as index,
        pytest.raises(ConfigError, match="has no stored text of 'a'; build it with store_text=True"),
    ):
        index.texts(["a"])


# ----------------------------------------------------------------------------------------- Anserini's


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """An index by Anserini's own indexer, in a process of its own."""
    folder = tmp_path_factory.mktemp("anserini")
    (folder / "json").mkdir()
    rows = [{"id": docno, "contents": f"{text} the number {docno}"} for docno, text in DOCUMENTS]
    (folder / "json" / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [str(java_home() / "bin" / "java"), "-cp", str(lucene_jar()), "io.anserini.index.IndexCollection"]
    command += ["-collection", "JsonCollection", "-input", str(folder / "json"), "-index", str(folder / "index")]
    command += ["-generator", "DefaultLuceneDocumentGenerator", "-threads", "1", "-storeRaw"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "index"


@pytest.mark.slow
def test_an_index_of_anserinis(theirs, tmp_path, monkeypatch):
    with Index.open(theirs) as index:
        assert index.stats.documents == 3
        assert ids(index, "red fox") == ["b", "a"]
        assert index.texts(["a"]) == ["red dogs the number a"]
        doc, score = LuceneSearch(theirs).search(bag(index.analyze(["red number b"])[0]), 10, *_bm25())
        found = index.search(["red number b"], 10)
        assert found.doc.tolist() == doc.tolist()
        assert found.score.tolist() == score.tolist()
        assert index.fingerprint
    shutil.copytree(theirs, tmp_path / "prebuilt", ignore=shutil.ignore_patterns("irkit"))
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    os.chmod(tmp_path / "prebuilt", 0o555)  # prebuilt indexes may be read-only
    try:
        with Index.open(tmp_path / "prebuilt") as index:
            assert ids(index, "red fox") == ["b", "a"]
    finally:
        os.chmod(tmp_path / "prebuilt", 0o755)


def _bm25():
    from irkit.lucene import BM25

    return BM25(), "trec"


# ---------------------------------------------------------------------------------------------- quiet


def test_the_jvm_prints_nothing(path):
    code = f"""
from irkit.lucene import Index, QLDirichlet
with Index.open({str(path)!r}) as index:
    print(len(index.search(["red fox"], 10).doc), len(index.search(["red fox"], 10, QLDirichlet()).doc))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == "2 2\n"


def test_searching_needs_no_heavy_packages(path):
    code = f"""
import sys
from irkit.lucene import Index
with Index.open({str(path)!r}) as index:
    index.search(["red fox"], 10)
    index.docnos[0]
print([name for name in ("pandas", "scipy", "torch", "pyserini") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_java_errors_are_one_line(path):
    with Index.open(path) as index:
        search = java("Search")
        from irkit.lucene.wire import java_errors

        with pytest.raises(JavaError) as error, java_errors("texts"):
            search.texts(index._engine._handle, np.array([7], dtype="<i4").tobytes())
        assert str(error.value).startswith("texts: ")
        assert "\n" not in str(error.value)

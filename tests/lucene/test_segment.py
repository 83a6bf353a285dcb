"""Tests of Segment.java: the index is what Lucene's IndexWriter writes of the same documents, byte for byte."""

import numpy as np
import pytest

from irkit.errors import DataError
from irkit.lucene import build_index
from irkit.lucene.jvm import java
from tests.lucene.test_words import BEYOND, PIECES, random_texts

NAMES = ["english", "english-krovetz", "english-nostem", "whitespace"]
FROM_READER = "(Ljava/lang/String;Ljava/io/Reader;Lorg/apache/lucene/index/IndexableFieldType;)V"


def lucenes(path, documents, *, analyzer="english", positions=False, store_text=False):
    """Write an index with Lucene's own IndexWriter and analyser, in one segment."""
    java("Analyzers")
    import jnius

    def lucene(name):
        return jnius.autoclass(f"org.apache.lucene.{name}")

    config = lucene("index.IndexWriterConfig")(java("Analyzers").byName(analyzer))
    config.setUseCompoundFile(False)
    config.setSimilarity(lucene("search.similarities.BM25Similarity")())
    body = lucene("document.FieldType")()
    options = lucene("index.IndexOptions")
    body.setIndexOptions(options.DOCS_AND_FREQS_AND_POSITIONS if positions else options.DOCS_AND_FREQS)
    folder = lucene("store.FSDirectory").open(jnius.autoclass("java.nio.file.Paths").get(str(path)))
    writer = lucene("index.IndexWriter")(folder, config)
    reader, stream = jnius.autoclass("java.io.InputStreamReader"), jnius.autoclass("java.io.ByteArrayInputStream")
    yes, ref = lucene("document.Field$Store").YES, lucene("util.BytesRef")
    for docno, text in documents:
        document = lucene("document.Document")()
        document.add(lucene("document.StringField")("id", docno, yes))
        document.add(lucene("document.BinaryDocValuesField")("id", ref(docno.encode())))
        contents = reader(stream(text.encode()), "UTF-8")
        document.add(lucene("document.Field")("contents", contents, body, signature=FROM_READER))
        if store_text:
            document.add(lucene("document.StoredField")("raw", text))
        writer.addDocument(document)
    writer.close()
    folder.close()
    return path


def parts(folder):
    """The content of a one-segment index by file extension, without what differs from run to run."""
    files = {path.suffix: path.read_bytes() for path in folder.iterdir() if path.name.startswith("_")}
    info = files.pop(".si")  # when, by whom and how it was made
    at = info.index(b"SegmentInfo") + len(b"SegmentInfo") + 4
    return {end: content.replace(info[at : at + 16], bytes(16))[:-8] for end, content in files.items()}


def check(tmp_path, documents, *, store_text=False, **options):
    options["store_text"] = store_text
    ours = build_index(tmp_path / "ours", documents, threads=1, overwrite=True, **options)
    ours.close()
    (tmp_path / "theirs").mkdir()
    ours, theirs = parts(tmp_path / "ours"), parts(lucenes(tmp_path / "theirs", documents, **options))
    assert ours.keys() == theirs.keys()
    assert ".tim" in ours
    assert [end for end in ours if ours[end] != theirs[end]] == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("store_text", "positions"), [(False, False), (True, True)])
def test_random_texts(tmp_path, name, store_text, positions):
    texts = ["", *random_texts(3, PIECES + BEYOND, 600, 80), "the of", "cat " * 3000]
    documents = [(f"d{i * 7919 % 1000:03}é", text) for i, text in enumerate(texts)]
    check(tmp_path, documents, analyzer=name, store_text=store_text, positions=positions)


@pytest.mark.parametrize("positions", [False, True])
def test_many_documents_share_terms(tmp_path, positions):
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(400)]
    texts = [" ".join(words[i] for i in rng.zipf(1.3, size=rng.integers(1, 60)) % 400) for _ in range(1500)]
    check(tmp_path, [(str(i), text) for i, text in enumerate(texts)], positions=positions)


@pytest.mark.parametrize("texts", [["cat"], ["", "the of a", "cat, cat"]])
def test_hardly_any_terms(tmp_path, texts):
    check(tmp_path, [(str(i), text) for i, text in enumerate(texts)], positions=True, store_text=True)


def test_no_terms_at_all(tmp_path):
    with build_index(tmp_path / "index", [("d1", ""), ("d2", "the")], positions=True) as index:
        assert index.stats[:4] == (2, 0, 0, 0)


def test_memory_is_kept_to_and_a_text_that_is_too_long_goes_to_the_writer(tmp_path):
    rng = np.random.default_rng(1)
    words = np.array([f"w{i}" for i in range(3000)])
    texts = [" ".join(words[rng.integers(3000, size=10_000)]) for _ in range(200)]
    documents = [("first", "cat " * 300_000), *((f"d{i}", text) for i, text in enumerate(texts)), ("last", "cat dog")]
    one = build_index(tmp_path / "one", documents, threads=1, store_text=False)
    two = build_index(tmp_path / "two", documents, threads=2, store_text=False, memory_mb=16)
    assert len(list((tmp_path / "one").glob("_*.si"))) == 2  # of the writer and of memory
    assert len(list((tmp_path / "two").glob("_*.si"))) > 2
    assert one.stats == two.stats
    for query in ("cat", "w7 w8 dog", "w2999"):
        found = [(index.search([query], 300), index) for index in (one, two)]
        ranked = [[index.docnos[row] for row in hits.doc] for hits, index in found]
        assert ranked[0] == ranked[1]
        np.testing.assert_array_equal(found[0][0].score, found[1][0].score)


def test_an_id_that_comes_twice_is_found_in_memory(tmp_path):
    documents = [(f"d{i}", "cat") for i in range(50)] + [("d7", "dog")]
    with pytest.raises(DataError, match="the id 'd7' comes a second time"):
        build_index(tmp_path / "index", documents, threads=1)

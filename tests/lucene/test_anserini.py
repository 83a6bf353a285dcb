"""Tests of irkit.lucene.anserini: the text of a document in an index that Anserini built from JSON."""

import json

import pytest

from irkit.lucene import Index, build_index
from irkit.lucene.anserini import text_of
from irkit.lucene.jvm import start

SOURCES = [
    ({"id": "d1", "contents": "Storm\nwarning é"}, "Storm\nwarning é"),
    ({"id": "d2", "title": "aside", "contents": ""}, ""),
    ({"_id": "d3", "title": "Storm", "text": "rain", "metadata": {"url": "x"}}, "Storm\nrain"),
    ({"_id": "d4", "text": "rain"}, "rain"),
    ({"pid": "d5", "passage": "wind", "spans": "(0,4)", "docid": "x"}, "wind"),
    ({"docid": "d6", "url": "u", "title": "t", "headings": "h", "body": "b"}, "u\nt\nh\nb"),
    ({"docid": "d7", "title": "t", "segment": "s", "start_char": 0}, "t\ns"),
]


@pytest.mark.parametrize(("source", "text"), SOURCES)
def test_each_form_of_anserini(source, text):
    assert text_of(json.dumps(source)) == text
    assert text_of(json.dumps(source, indent=2, ensure_ascii=False)) == text


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "plain",
        "{no json",
        '["contents"]',
        '{"contents": 3}',
        '{"text": "no id"}',
        '{"contents": ["a"]}',
        "{" * 9000,
    ],
)
def test_anything_else_comes_back_as_it_is(raw):
    assert text_of(raw) == raw


def built_by_anserini(path, sources):
    """Index JSON with Anserini's own indexer, sources stored as pyserini's --storeRaw does."""
    start()
    import jnius

    indexer = jnius.autoclass("io.anserini.index.SimpleIndexer")(
        ["-collection", "JsonCollection", "-input", "", "-index", str(path), "-storeRaw"]
    )
    for source in sources:
        indexer.addRawDocument(json.dumps(source))
    indexer.close()


def test_texts_of_an_index_of_anserini_are_the_contents(tmp_path):
    texts = {"d1": "Storm warning for the coast", "d2": '{"contents": "a text that is JSON"} storm'}
    built_by_anserini(tmp_path / "index", [{"id": docno, "contents": text} for docno, text in texts.items()])
    with Index.open(tmp_path / "index") as index:
        assert index.texts(list(texts)) == list(texts.values())


def test_texts_of_our_own_index_that_are_json_stay_as_they_are(tmp_path):
    text = json.dumps({"id": "d1", "contents": "Storm"})
    build_index(tmp_path / "index", [("d1", text)]).close()
    with Index.open(tmp_path / "index") as index:
        assert index.texts(["d1"]) == [text]

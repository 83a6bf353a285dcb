"""Tests of irkit.documents."""

import pandas as pd
import pytest

from irkit.documents import Document, as_documents
from irkit.errors import DataError


@pytest.mark.parametrize("key", ["docno", "_id", "id", "docid"])
@pytest.mark.parametrize("text", ["contents", "text", "body"])
def test_ids_and_texts_go_by_several_names(key, text):
    assert list(as_documents([{key: "7", text: "wing"}])) == [Document("7", "wing", "row 1")]


def test_a_title_goes_before_the_text():
    source = [{"id": "1", "title": "On wings", "text": "flutter"}, {"id": "2", "title": "", "text": "heat"}]
    assert [document.text for document in as_documents(source)] == ["On wings\nflutter", "heat"]
    assert next(as_documents([{"id": "1", "title": "On wings"}])).text == "On wings"


def test_frames_pairs_and_documents_are_read():
    frame = pd.DataFrame({"docno": ["a", "b"], "text": ["x", "y"]})
    assert [tuple(document)[:2] for document in as_documents(frame)] == [("a", "x"), ("b", "y")]
    assert list(as_documents([("a", "x")])) == [Document("a", "x", "row 1")]
    document = Document("a", "x", "file:3")
    assert next(as_documents([document])) is document


def test_a_missing_value_is_as_good_as_no_column_and_whole_numbers_are_ids():
    frame = pd.DataFrame({"docno": [1, 2], "title": ["a", None], "text": ["storm", "rain"]})
    assert [tuple(document)[:2] for document in as_documents(frame)] == [("1", "a\nstorm"), ("2", "rain")]
    for nothing in (None, float("nan"), pd.NA, pd.NaT):
        assert next(as_documents([{"id": "1", "title": nothing, "contents": nothing, "text": "x"}])).text == "x"
    assert next(as_documents([{"id": "1", "contents": "", "text": "storm"}])).text == "storm"
    assert next(as_documents([{"id": "1", "contents": "", "title": None}])).text == ""


def test_documents_are_streamed():
    def endless():
        while True:
            yield ("a", "x")

    assert next(as_documents(endless())).docno == "a"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            [("a", "x"), {"text": "x"}],
            "row 2: a document needs an id (docno, _id, id, docid, doc_id, pid), got the keys text",
        ),
        (
            [{"id": "1", "url": "x"}],
            "row 1: a document needs a text (contents, text, body, passage), got the keys id, url",
        ),
        ([{"id": 1.0, "text": "x"}], "row 1: the id of a document must be a string, got float 1.0"),
        ([{"id": True, "text": "x"}], "row 1: the id of a document must be a string, got bool True"),
        (
            [{"id": None, "text": "x"}],
            "row 1: a document needs an id (docno, _id, id, docid, doc_id, pid), got None as id",
        ),
        (
            [{"id": "1", "text": float("nan")}],
            "row 1: a document needs a text (contents, text, body, passage), got nan",
        ),
        ([{"id": "1", "title": None, "text": None}], "row 1: a document needs a text (contents, text, body, passage)"),
        (
            [("a\x1b[2J", "x")],
            "row 1: the id of a document holds the control or invisible character U+001B, got 'a\\x1b",
        ),
        ([{"id": "1", "text": "x", "title": 3}], "row 1: the title of a document must be a string, got int 3"),
        (["text"], "row 1: a document is a dict with docno and text, got str"),
        ("corpus.jsonl", "documents: needs an iterable of documents, got str; use read_documents for files"),
        (7, "documents: needs an iterable of documents, got int"),
        ({"id": "1", "text": "x"}, "documents: needs an iterable of documents, got dict"),
    ],
)
def test_what_is_no_document_is_refused_with_its_row(source, message):
    with pytest.raises(DataError) as error:
        list(as_documents(source))
    assert str(error.value).startswith(message)

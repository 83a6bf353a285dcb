"""What a file is taken for: its structure decides, and where two readings are possible nothing is guessed."""

# ruff: noqa: E501  (tables, one case a line)

from __future__ import annotations

import contextlib
import gzip
import json
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import DataError
from irkit.io import read_documents, read_qrels, read_queries
from irkit.io.documents.formats import sniff

TOPIC = b"<top>\n<num> Number: 1\n<title> storm\n</top>\n"
DOC = b"<DOC>\n<DOCNO>1</DOCNO>\nstorm\n</DOC>\n"


@pytest.mark.parametrize(
    ("role", "name", "content", "format"),
    [
        ("documents", "a", b'{"id": "1", "text": "in a <doc> tag"}\n', "jsonl"),
        ("documents", "a.json", b'\n {"id": "1", "text": "<DOC><DOCNO>"}\n', "jsonl"),
        ("documents", "a.txt", b"{1}\tin braces\n", "tsv"),
        ("documents", "a.txt", b"[1]\tin brackets\n", "tsv"),
        ("documents", "a.txt", b"1\twrap it in a <doc> tag\n", "tsv"),
        ("documents", "a.txt", b"1\t<b><doc> tag\n", "tsv"),
        ("documents", "a.txt", b"<http://example.org/1>\tan IRI\n", "tsv"),
        ("documents", "a.tsv", b"<doc>\tan id like a tag\n", "tsv"),
        ("documents", "a.txt", b"id,text\n1,storm\n", "csv"),
        ("documents", "a", DOC, "trec"),
        ("documents", "a", b"a word before\n" + DOC, "trec"),
        ("documents", "a", b'<?xml version="1.0"?><all><DOC><DOCNO>1</DOCNO></DOC></all>', "trec"),
        ("documents", "a", b".I 1\n.W\n<DOC>\n", "smart"),
        ("documents", "a", b"1\nwrap it in a\n<doc> tag\n/\n", "npl"),
        ("documents", "a", b"<!-- <DOC> -->\n<html><doc>x</doc></html>\n", "html"),
        ("documents", "a", b"<?xml version='1.0'?><!DOCTYPE html><p>x", "html"),
        ("documents", "a.html", b"1\n<p>x</p>\n", "html"),
        ("documents", "a.gz", gzip.compress(b'{"id": "1", "text": "x"}\n', mtime=0), "jsonl"),
        ("queries", "a", b'{"qid": "1", "query": "what is <top> in TREC"}\n', "jsonl"),
        ("queries", "a", b"1\twhat is <top> and <topic> in TREC\n", "tsv"),
        ("queries", "a", TOPIC, "trec"),
        ("queries", "a", b"QUERIES\n" + TOPIC, "trec"),
        ("queries", "a", DOC, "trec-doc"),
        ("queries", "a.xml", b'<topics><topic number="1"><title>x</title></topic></topics>', "xml"),
        ("queries", "a", b"<?xml version='1.0'?>\n<!DOCTYPE topics>\n<topics>\n <topic id='1'>x</topic>\n</topics>\n", "xml"),
        ("queries", "a", b"qid,query\n1,storm\n", "csv"),
        ("queries", "a", b"1\nSTORM\n/\n", "npl"),
        ("qrels", "a", b"1 0 d1 1\n", "trec"),
        ("qrels", "a", b"# by hand\n\n1 Q0 d1 1\n", "trec"),
        ("qrels", "a", b"#\n", "trec"),
        ("qrels", "a", b"q1 d1 1\n", "plain"),
        ("qrels", "a.tsv", b"q1\td1\t1\n", "plain"),
        ("qrels", "a", b"1 184 2\n1 29 -1\n", "plain"),
        ("qrels", "a", b"1 184 2\nx 29 1\n", "plain"),
        ("qrels", "a", b"qid docno label\n1 2 1\n", "plain"),
        ("qrels", "a", b"qid docno label\nq1 2 1\n", "plain"),
        ("qrels", "a", b"qid\tdocno\tlabel\n1\td\t1\n", "tsv"),
        ("qrels", "a.txt", b"qid,docno,label\n1,d,1\n", "csv"),
        ("qrels", "a", b"query_id iteration doc_id relevance\n1 0 d 1\n", "trec"),
        ("qrels", "a", b"1 13 0 0.000000\n1 14 0 0.000000\n", "smart"),
        ("qrels", "a", b"1 13 0 0\n1 1 5 0\n", "trec"),
        ("qrels", "a", b"1\n2 3\n/\n", "npl"),
    ],
)  # fmt: skip
def test_a_format_shows_at_the_beginning_of_a_file_or_line(tmp_path, role, name, content, format):
    (tmp_path / name).write_bytes(content)
    assert sniff(tmp_path / name, role) == format


@pytest.mark.parametrize(
    ("role", "name", "content", "says"),
    [
        ("documents", "a.tsv", b'{"id": "1", "text": "x"}\n', "by its name this is tsv, by its first lines jsonl; name the format (--format"),
        ("documents", "a.csv", b'{"id": "1", "text": "x"}\n', "by its name this is csv, by its first lines jsonl"),
        ("documents", "a.html", DOC, "by its name this is html, by its first lines trec"),
        ("documents", "a.html", b'{"id": "1", "text": "x"}\n', "by its name this is html, by its first lines jsonl"),
        ("documents", "a.tsv", b".I 1\n.W\nx\n", "by its name this is tsv, by its first lines smart"),
        ("documents", "a.txt", b"a\tpreamble\n" + DOC, "this may be trec or tsv; name the format"),
        ("queries", "a.csv", TOPIC, "by its name this is csv, by its first lines trec"),
        ("queries", "a.tsv", b"<topics>\n<topic number='1'>", "by its name this is tsv, by its first lines xml"),
        ("qrels", "a", b"1 007 1\n", "this may be smart or plain; name the format"),
        ("qrels", "a", b"1 0 7\n2 0 8\n", "a column is missing"),
        ("qrels", "a", b"1 Q0 d1 1 2.5 x\n", "these six columns are a run's"),
        ("qrels", "a", b'{"1": {"d": 1}}', "JSON is not read as judgements"),
        ("qrels", "a.jsonl", b'{"qid": "1", "docno": "d", "label": 1}\n', "JSON is not read as judgements"),
        ("qrels", "a", b"storm\n", "this is no format of qrels that irkit knows; name one of trec, plain, smart"),
        ("qrels", "a", b"a\0b c d\n", "this is no text"),
        ("documents", "a", b"a\0\tb\n", "this is no text"),
        ("documents", "a", "id\ttext\n".encode("utf-16"), "this is UTF-16; write it as UTF-8"),
        ("queries", "a", b"storm damage\n", "this is no format of queries that irkit knows"),
        ("queries", "a", b'[{"qid": 1}]', "this is one JSON array"),
    ],
)  # fmt: skip
def test_where_two_readings_are_possible_the_option_is_named(tmp_path, role, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        sniff(path, role)
    assert str(caught.value).startswith(f"{path}:1: {says}")


def test_a_format_that_is_named_is_not_questioned(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b'{"id": "1", "text": "x"}\n')
    assert [tuple(document)[:2] for document in read_documents(path, "jsonl")] == [("1", "x")]
    path.write_bytes(b"1 007 1\n")
    assert read_qrels(path, "smart")["docno"].tolist() == ["7"]
    assert read_qrels(path, "plain")["docno"].tolist() == ["007"]


@pytest.mark.parametrize(
    "header", ["topic_id\tquery", "qid\tquery", "QID\tQuery", "query_id\ttext", "id\ttitle", "query\tqid"]
)
def test_a_header_of_queries_is_no_query(tmp_path, header):
    path = tmp_path / "q.tsv"
    cells = ("storm", "1") if header.startswith("query\t") else ("1", "storm")
    path.write_text(f"{header}\n" + "\t".join(cells) + "\n")
    assert read_queries(path).to_dict("list") == {"qid": ["1"], "query": ["storm"]}


@pytest.mark.parametrize("header", ["pid\tpassage", "docid\tcontents", "doc_id\tbody", "DOCNO\tText", "id\ttext"])
def test_a_header_of_documents_is_no_document(tmp_path, header):
    path = tmp_path / "d.tsv"
    path.write_text(f"{header}\n1\tstorm\n")
    assert [tuple(document)[:2] for document in read_documents(path)] == [("1", "storm")]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (
            "topic\tq",
            "1: these look like names of columns that irkit does not know (topic, q); call them qid and query",
        ),
        (
            "queryId\tutterance",
            "2: a query needs an id (qid, query_id, _id, id, query-id, topic_id, topic-id), got queryId",
        ),
        ("userId\tname", "1: these look like names of columns that irkit does not know"),
        ("user_no\tname", "1: these look like names of columns that irkit does not know"),
        ("id\tutterance", "2: a query needs a text (query, text, title, question), got id, utterance"),
        ("passage_id\ttext", "2: a query needs an id"),
    ],
)
def test_a_header_of_unknown_names_is_refused(tmp_path, header, says):
    path = tmp_path / "q.tsv"
    path.write_text(f"{header}\n1\tstorm\n")
    with pytest.raises(DataError) as caught:
        read_queries(path)
    assert str(caught.value).startswith(f"{path}:{says}")


@pytest.mark.parametrize("first", ["q1\tstorm", "covid\tvirus", "MB001\tbbc", "1\tid", "storm\tdamage"])
def test_short_data_are_no_header(tmp_path, first):
    path = tmp_path / "q.tsv"
    path.write_text(f"{first}\n9\tlast\n")
    assert read_queries(path)["qid"].tolist() == [first.split("\t")[0], "9"]


WORDS = [
    "storm",
    "<doc>",
    "<DOC>",
    "</DOC>",
    "<top>",
    "<topic id='1'>",
    ".I 1",
    '{"id":',
    "[1]",
    "<html>",
    "1",
    "/",
    ",",
    '"',
    "qid",
    "#",
]


@st.composite
def tables(draw):
    """Draw ids with texts of words that mark formats."""
    texts = draw(
        st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join), min_size=1, max_size=4)
    )
    ids = draw(st.sampled_from([["1", "2", "3", "4"], ["q1", "q2", "q3", "q4"], ["<doc>", "{", "[", ".I"]]))
    return dict(zip(ids, texts, strict=False))


WRITERS = {
    "jsonl": lambda table: "".join(json.dumps({"id": key, "text": text}) + "\n" for key, text in table.items()),
    "tsv": lambda table: "".join(f"{key}\t{text}\n" for key, text in table.items()),
    "csv": lambda table: "id,text\n" + "".join('{},"{}"\n'.format(key, text.replace('"', '""')) for key, text in table.items()),
    "trec": lambda table: "".join(f"<DOC>\n<DOCNO>{n}</DOCNO>\na {text}\n</DOC>\n" for n, text in enumerate(table.values())),
    "smart": lambda table: "".join(f".I {n}\n.W\na {text}\n" for n, text in enumerate(table.values(), 1)),
    "npl": lambda table: "".join(f"{n}\na {text}\n/\n" for n, text in enumerate(table.values(), 1)),
    "xml": lambda table: "<t>\n" + "".join(f'<topic number="{n}">{escape(text)}</topic>\n' for n, text in enumerate(table.values())) + "</t>",
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(tables(), st.sampled_from(sorted(WRITERS)), st.sampled_from(["documents", "queries"]))
def test_a_guess_is_right_or_refused_whatever_the_texts_say(tmp_path_factory, table, format, role):
    if (role, format) in {("documents", "xml"), ("queries", "trec")}:
        return
    path = tmp_path_factory.mktemp("guess") / "a"
    path.write_text(WRITERS[format](table))
    with contextlib.suppress(DataError):
        assert sniff(path, role) == format

"""Malformed files: each gets one line with the file, the line and what to do."""

# ruff: noqa: E501  (a table, one case a line)

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from irkit.errors import DataError, IrkitError
from irkit.io import read_documents, read_qrels, read_queries, read_run

LONG = "".join(f"doc{i} text of document {i} and some more words {i * i}\n" for i in range(3000)).encode()
RUN = "".join(f"{i} Q0 d{i * i} 1 {i / 7} x\n" for i in range(3000)).encode()
CUT_GZIP = gzip.compress(b'{"id": "1", "text": "' + LONG.replace(b"\n", b" ") + b'"}\n', mtime=0)[:-4000]


def _tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        entry = tarfile.TarInfo("a.html")
        entry.size = len(LONG)
        tar.addfile(entry, io.BytesIO(LONG))
    return data.getvalue()


class Case(NamedTuple):
    name: str
    role: str
    file: str
    content: bytes
    line: int | None
    says: str
    options: Mapping[str, Any] = MappingProxyType({})


CASES = [
    # documents, JSON lines
    Case("json cut", "documents", "a.jsonl", b'{"id": "1", "text": "a"}\n{"id": "2", "te', 2, "not valid JSON"),
    Case("json array", "documents", "a.json", b'[{"id": "1", "text": "a"}]', 1, "this is one JSON array"),
    Case("json array line", "documents", "a.jsonl", b'["1", "a"]\n', 1, "a JSON object is needed on every line, got a list"),
    Case("json number", "documents", "a.jsonl", b'{"id": "1", "text": "a"}\n7\n', 2, "got a number"),
    Case("json without id", "documents", "a.jsonl", b'{"text": "a"}\n', 1, "a document needs an id"),
    Case("json without text", "documents", "a.jsonl", b'{"id": "1", "url": "a"}\n', 1, "a document needs a text"),
    Case("json text not a string", "documents", "a.jsonl", b'{"id": "1", "text": ["a"]}\n', 1, "must be a string, got [a]"),
    Case("json id not a string", "documents", "a.jsonl", b'{"id": 1.5, "text": "a"}\n', 1, "must be a string, got 1.5"),
    Case("json deep", "documents", "a.jsonl", b"[" * 100_000 + b"\n", 1, "nested too deeply"),
    Case("json wrong field", "documents", "a.jsonl", b'{"id": "1", "body": "a"}\n', 1, "there is no 'abstract'", {"fields": ["abstract"]}),
    Case("json bad UTF-8", "documents", "a.jsonl", b'{"id": "1", "text": "caf\xe9"}\n', 1, "not valid utf-8: byte 0xe9 in column 25"),
    Case("json blank", "documents", "a.jsonl", b"\n\n \n", 1, "the file holds white space alone"),
    Case("cut gzip", "documents", "a.jsonl.gz", CUT_GZIP, 1, "the gzip stream is cut short or damaged"),
    Case("damaged gzip", "documents", "a.jsonl.gz", CUT_GZIP[:2000] + b"xxxx" + CUT_GZIP[2004:], 1, "the gzip stream is cut short"),
    Case("gzip header only", "documents", "a.jsonl.gz", b"\x1f\x8b\x08", 1, "the gzip stream is cut short"),
    Case("empty", "documents", "a.jsonl", b"", 1, "the file is empty"),
    Case("empty, no suffix", "documents", "a", b"", 1, "the file is empty"),
    Case("empty gzip", "documents", "a.gz", gzip.compress(b"", mtime=0), 1, "the file is empty"),
    Case("unknown format", "documents", "a.txt", b"once upon a time\n", 1, "no format of documents that irkit knows; name one of trec, smart"),
    Case("json null", "documents", "a.jsonl", b'{"id": "1", "text": "a"}\n{"id": "2", "title": null, "text": null}\n', 2, "document '2' has no text, got null as title and text"),
    Case("json null id", "documents", "a.jsonl", b'{"id": null, "text": "a"}\n', 1, "the id must be a string, got nothing"),
    Case("json null field", "documents", "a.jsonl", b'{"id": "1", "a": null}\n', 1, "document '1' has no text, got null as a", {"fields": ["a"]}),
    Case("json id with an escape", "documents", "a.jsonl", b'{"id": "1\\u001b[2J", "text": "a"}\n', 1, "the id of a document holds the control or invisible character U+001B, got '1\\x1b[2J'"),
    Case("json id with half a pair", "documents", "a.jsonl", b'{"id": "1\\ud800", "text": "a"}\n', 1, "the id of a document is not valid Unicode, got the lone surrogate U+D800"),
    Case("json id turned round", "documents", "a.jsonl", '{"id": "\u202e1", "text": "a"}\n'.encode(), 1, "the control or invisible character U+202E"),
    # documents, tables
    Case("tsv NUL", "documents", "a.tsv", b"1\tx\n2\0\ty\n", 1, "this is no text"),
    Case("tsv id with NUL", "documents", "a.tsv", b"1\tx\n2\0\ty\n", 2, "the control or invisible character U+0000", {"format": "tsv"}),
    Case("tsv columns", "documents", "a.tsv", b"1\tone\n2\ttwo\tzwei\n", 2, "2 tab-separated columns (docno, text) are needed, got 3"),
    Case("tsv header", "documents", "a.tsv", b"id\tcontents\n1\n", 2, "2 tab-separated columns (id, contents) are needed, got 1"),
    Case("tsv no such field", "documents", "a.tsv", b"id\tt\n1\tx\n", 2, "there is no 'body', got id, t", {"fields": ["body"]}),
    Case("csv column", "documents", "a.csv", b"key,text\n1,x\n", 2, "a document needs an id"),
    Case("csv row", "documents", "a.csv", b'id,text\n1,"two\nlines"\n2,x,y\n', 4, "2 columns (id, text) are needed, got 3"),
    Case("csv quote", "documents", "a.csv", b'id,text\n1,"open\n', 2, "not valid CSV: unexpected end of data"),
    Case("csv twice", "documents", "a.csv", b"id,text,text\n1,x,y\n", 1, "the column 'text' occurs twice"),
    Case("parquet cut", "documents", "a.parquet", b"PAR1" + b"\0" * 100, 1, "not a readable Parquet file"),
    # documents, TREC, SMART, NPL, HTML
    Case("doc open", "documents", "a", b"<DOC>\n<DOCNO>1</DOCNO>\ntext\n", 1, "<DOC> is not closed before the file ends"),
    Case("doc in doc", "documents", "a", b"\n<DOC>\n<DOCNO>1</DOCNO>\n<DOC>\n", 2, "<DOC> is not closed before the next one in line 4"),
    Case("doc without docno", "documents", "a", b"<DOC>\n<TEXT>x</TEXT>\n</DOC>\n", 1, "this <DOC> has no <DOCNO>"),
    Case("doc empty docno", "documents", "a", b"<DOC>\n<DOCNO> </DOCNO>\n</DOC>\n", 1, "this <DOC> has no <DOCNO>"),
    Case("docno two words", "documents", "a", b"<DOC>\n<DOCNO>a b</DOCNO>\n</DOC>\n", 1, "may not hold white space, got 'a b'"),
    Case("doc bad UTF-8", "documents", "a", b"<DOC>\n<DOCNO>1</DOCNO>\n\xff\n</DOC>\n", 3, "not valid utf-8: byte 0xff in column 1"),
    Case("doc fields", "documents", "a", b"<DOC>\n<DOCNO>1</DOCNO>\nx\n</DOC>\n", 1, "no document has any of the fields TXT", {"fields": ["TXT"]}),
    Case("no doc", "documents", "a", b"nothing\n", 1, "there is no <DOC> in the file", {"format": "trec"}),
    Case("smart number", "documents", "a", b".I one\n.W\nx\n", 1, "the number behind .I must be a whole number, got 'one'"),
    Case("smart stray .I", "documents", "a", b".I 1\n.W\nx\n.I\n", 4, "the number behind .I must be a whole number, got ''"),
    Case("smart field first", "documents", "a", b".W\nx\n", 1, "a field comes before the first .I", {"format": "smart"}),
    Case("smart text", "documents", "a", b".I 1\nx\n", 2, "text stands behind .I and before a field"),
    Case("smart none", "documents", "a", b"\n", 1, "there is no .I in the file", {"format": "smart"}),
    Case("npl number", "documents", "a", b"1\nx\n/\ntwo\ny\n/\n", 4, "the first line of a record must be a whole number, got 'two'"),
    Case("npl cut", "documents", "a", b"1\nx\n/\n2\ny\n", 4, "record 2 does not end with a line /"),
    Case("tar cut", "documents", "a.tar.gz", _tar()[:3000], 1, "cut short or damaged"),
    Case("tar no tar", "documents", "a.tar", b"no tar at all" * 100, 1, "the tar archive is cut short or damaged"),
    # queries
    Case("query twice", "queries", "q.tsv", b"1\tone\n2\ttwo\n1\tagain\n", 3, "query '1' occurs twice, first in line 1"),
    Case("query empty", "queries", "q.tsv", b"1\tone\n2\t \n", 2, "query '2' has no text"),
    Case("query no id", "queries", "q.tsv", b"\tone\n", 1, "a query id may not be empty or hold white space, got ''"),
    Case("query id of two words", "queries", "q.tsv", b"a b\tone\n", 1, "got 'a b'"),
    Case("query one column", "queries", "q.tsv", b"1 one\n", 1, "2 tab-separated columns (qid, query) are needed, got 1"),
    Case("query json", "queries", "q.jsonl", b'{"_id": "1"}\n', 1, "a query needs a text"),
    Case("topic open", "queries", "t", b"<top>\n<num> Number: 1\n<title> x\n", 1, "<top> is not closed before the file ends"),
    Case("topic no num", "queries", "t", b"<top>\n<title> x\n</top>\n", 1, "this <top> has no <num>"),
    Case("topic field", "queries", "t", b"<top>\n<num> 9\n<title> x\n</top>\n", 1, "topic '9' has no <desc>", {"fields": ["desc"]}),
    Case("topic bytes", "queries", "t", b"<top>\n<num> 9\n<title> \xe9\n</top>\n", 3, "not valid utf-8"),
    Case("queries unknown", "queries", "t", b"what is this\n", 1, "no format of queries that irkit knows"),
    Case("query id with an escape", "queries", "q.tsv", b"1\tx\n2\x1b\ty\n", 2, "the id of a query holds the control or invisible character U+001B"),
    Case("query half a pair", "queries", "q.jsonl", b'{"qid": "1", "query": "\\udc00"}\n', 1, "query '1' is not valid Unicode, it holds the lone surrogate '\\udc00'"),
    Case("topic two titles", "queries", "t", b"<top>\n<num> 9\n<title> x\n<title> y\n</top>\n", 1, "topic '9' has two <title>"),
    # judgements
    Case("qrels id with an escape", "qrels", "q", b"1 0 d1 1\n1 0 d\x1b 1\n", 2, "the id of a document holds the control or invisible character U+001B"),
    Case("qrels id turned round", "qrels", "q", "1 0 d1 1\n1\u2066 0 d 1\n".encode(), 2, "the id of a query holds the control or invisible character U+2066"),
    Case("qrels plain label", "qrels", "q", b"q1 d1 1\nq1 d2 x\n", 2, "the label must be a whole number, got 'x'"),
    Case("qrels plain columns", "qrels", "q", b"q1 d1 1\nq1 0 d2 1\n", 2, "a judgement has 3 columns (query, document, label), got 4"),
    Case("qrels empty id", "qrels", "q.csv", b"qid,docno,label\n1,a b,1\n", 2, "the id of a document may not be empty or hold white space, got 'a b'"),
    Case("qrels three columns", "qrels", "q", b"1 0 d1 1\n1 0 d2\n", 2, "a judgement has 4 columns (query, 0, document, label), got 3"),
    Case("qrels label", "qrels", "q", b"1 0 d1 yes\n", 1, "the label must be a whole number, got 'yes'"),
    Case("qrels fraction", "qrels", "q", b"1 0 d1 0.5\n", 1, "the label must be a whole number, got '0.5'"),
    Case("qrels signs", "qrels", "q", b"1 0 d1 --1\n", 1, "the label must be a whole number, got '--1'"),
    Case("qrels twice", "qrels", "q", b"1 0 d1 1\n2 0 d1 1\n1 0 d1 0\n", 3, "'d1' is judged twice for query '1', first in line 1"),
    Case("qrels header", "qrels", "q.tsv", b"query-id\tcorpus-id\tgrad\n1\td1\t1\n", 1, "a column 'label' is needed"),
    Case("qrels cell", "qrels", "q.tsv", b"query-id\tcorpus-id\tscore\n1\td1\t\n", 2, "the score is missing"),
    Case("qrels row", "qrels", "q.tsv", b"query-id\tcorpus-id\tscore\n1\td1\n", 2, "3 tab-separated columns"),
    Case("qrels unknown label", "qrels", "q", b"1 0 d1 7\n", 1, "label 7 is not among the known ones (1, 2)", {"labels": {1: 1, 2: 2}}),
    Case("qrels smart", "qrels", "q", b"1 184 2\n1 x 2\n", 2, "the document id must be a whole number, got 'x'", {"format": "smart"}),
    Case("qrels smart columns", "qrels", "q", b"1 184 2\n1 2 3 4 5\n", 2, "has 3 or 4 columns", {"format": "smart"}),
    Case("qrels npl", "qrels", "q", b"1\n12 13x\n/\n", 2, "the document id must be a whole number, got '13x'"),
    Case("qrels npl cut", "qrels", "q", b"1\n12 13\n", 1, "record 1 does not end with a line /"),
    Case("qrels empty", "qrels", "q", b"", 1, "the file is empty"),
    Case("qrels matrix", "qrels", "q", b"1 0.5\n0 1\n0 0\n", 3, "2 rows are needed, got 3", {"format": "lee"}),
    Case("qrels matrix NaN", "qrels", "q", b"1 0.5\n0 nan\n", 2, "must be a finite number, got 'nan'", {"format": "lee"}),
    # runs
    Case("run five columns", "run", "r", b"1 Q0 d1 1 2.5\n", 1, "a run has 6 columns (query, Q0, document, rank, score, tag), got 5"),
    Case("run NaN", "run", "r", b"1 Q0 d1 1 2.5 x\n1 Q0 d2 2 nan x\n", 2, "the score must be a finite number, got 'nan'"),
    Case("run inf", "run", "r", b"1 Q0 d1 1 inf x\n", 1, "the score must be a finite number, got 'inf'"),
    Case("run too large", "run", "r", b"1 Q0 d1 1 1e999 x\n", 1, "the score must be a finite number, got '1e999'"),
    Case("run words", "run", "r", b"1 Q0 d1 1 high x\n", 1, "the score must be a finite number, got 'high'"),
    Case("run underscore", "run", "r", b"1 Q0 d1 1 1_0 x\n", 1, "the score must be a finite number, got '1_0'"),
    Case("run rank", "run", "r", b"1 Q0 d1 first 2.5 x\n", 1, "the rank must be a whole number, got 'first'"),
    Case("run twice", "run", "r", b"1 Q0 d1 1 3 x\n1 Q0 d2 2 2 x\n1 Q0 d1 3 1 x\n", 3, "'d1' of query '1' occurs twice, first in line 1"),
    Case("run twice, blank lines", "run", "r", b"1 Q0 d1 1 3 x\n\n\n1 Q0 d1 3 1 x\n", 4, "occurs twice, first in line 1"),
    Case("run bytes", "run", "r", b"1 Q0 d1 1 3 x\n1 Q0 d\xe9 2 2 x\n", 2, "not valid utf-8: byte 0xe9"),
    Case("run id with an escape", "run", "r", b"1 Q0 d1 1 3 x\n1 Q0 d\x1b 2 2 x\n", 2, "the id of a document holds the control or invisible character U+001B"),
    Case("run query id with a mark", "run", "r", "1\u200b Q0 d1 1 3 x\n".encode(), 1, "the id of a query holds the control or invisible character U+200B"),
    Case("run blank", "run", "r", b" \n", 1, "the run has no line"),
    Case("run cut gzip", "run", "r.gz", gzip.compress(RUN, mtime=0)[:-100], None, "the gzip stream is cut short"),
]  # fmt: skip


def test_there_are_many_cases_with_distinct_names():
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_malformed_input_is_explained_in_one_line(case: Case, tmp_path: Path):
    path = tmp_path / case.file
    path.write_bytes(case.content)
    with pytest.raises(IrkitError) as caught:
        {
            "documents": lambda: list(read_documents(path, **case.options)),
            "queries": lambda: read_queries(path, **case.options),
            "qrels": lambda: read_qrels(path, **case.options),
            "run": lambda: read_run(path, **case.options),
        }[case.role]()
    message = str(caught.value)
    assert isinstance(caught.value, DataError), message
    assert case.says in message
    assert message.startswith(f"{path}:{case.line}: " if case.line else f"{path}:")
    assert "\n" not in message
    assert "; " in message, "the message must say what to do"
    assert sorted(tmp_path.iterdir()) == [path], "reading writes nothing"


def test_the_good_part_of_a_stream_comes_before_the_error(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "1", "text": "good"}) + "\n{broken\n")
    stream = read_documents(path)
    assert next(stream).docno == "1"
    with pytest.raises(DataError, match=r"a\.jsonl:2: not valid JSON"):
        next(stream)

"""Tests of irkit.io.overview.recognise."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from irkit.errors import DataError
from irkit.io.overview.recognise import recognise

FORMS = {
    "my.run": ("1 Q0 d1 1 3.2 tag\n", "run", "trec"),
    "judged.txt": ("1 0 d1 1\n1 0 d2 0\n", "judgements", "trec"),
    "marks.csv": ("Query ID;Document;Relevance\r\n1;d1;1\r\n", "judgements", "csv"),
    "qrels.dev.tsv": ("query-id\tcorpus-id\tscore\n1\td1\t1\n", "judgements", "tsv"),
    "features.txt": ("1 qid:1 1:0.5 2:1\n", "pools", "letor"),
    "qa.csv": ("question,answer,label\nwho?,me,1\n", "pools", "answers"),
    "ratings.csv": ("userId,movieId,rating\n1,2,3\n", "ratings", "csv"),
    "semicolons.csv": ("user;item;rating\n1;2;3\n", "ratings", "csv"),
    "named.tsv": ("user\titem\trating\n1\t2\t3\n", "ratings", "tsv"),
    "u.data": ("1\t2\t3\t881250949\n", "ratings", "tab"),
    "ratings.dat": ("1::2::3\n", "ratings", "dat"),
    "my.jsonl": ('{"id": "d1", "text": "rain"}\n', "documents", "jsonl"),
    "texts.jsonl": ('{"text": "rain", "label": "a"}\n', "texts", "jsonl"),
    "docs.csv": ("id,text\n1,rain\n", "documents", "csv"),
    "texts.csv": ("text,label\nrain,a\n", "texts", "csv"),
    "my.trec": ("<DOC>\n<DOCNO>1</DOCNO>\nrain\n</DOC>\n", "documents", "trec"),
    "asked.txt": ("<top>\n<num> 1\n<title> rain\n</top>\n", "queries", "trec"),
    "queries.tsv": ("1\train\n", "queries", "tsv"),
    "train.queries": ("1\train\n", "queries", "tsv"),
    "cran.all": (".I 1\n.T\nrain\n", "documents", "smart"),
    "rows.csv": ("1,0,1\n0,0,1\n", "rows", "csv"),
    "glove.txt": ("storm 0.1 0.2\nrain 0.2 0.1\n", "word vectors", "glove"),
    "vectors.txt": ("2 2\nstorm 0.1 0.2\nrain 0.2 0.1\n", "word vectors", "word2vec"),
    "notes.txt": ("It rains.\nIt pours.\n", "texts", "txt"),
    "page.html": ("<html><p>rain</p></html>\n", "documents", "html"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_file_is_known_by_its_name_and_first_lines(tmp_path: Path, name: str):
    content, what, format = FORMS[name]
    (tmp_path / name).write_text(content)
    assert recognise(tmp_path / name) == (what, format)
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    assert recognise(packed) == (what, format)


def test_what_is_of_no_form_is_nothing(tmp_path: Path):
    path = tmp_path / "letter.docx"
    for content in (b"some words", b"PK\x03\x04\0\0"):
        path.write_bytes(content)
        assert recognise(path) is None


@pytest.mark.parametrize("name", ["my.csv", "my.jsonl", "queries.tsv", "qrels.txt", "my.run", "my.txt"])
def test_utf16_is_refused_with_what_to_do(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes("1,2,3\n".encode("utf-16"))
    with pytest.raises(DataError, match=rf"{name}:1: this is UTF-16; write it as UTF-8 \(iconv"):
        recognise(tmp_path / name)

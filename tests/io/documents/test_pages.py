"""Tests of irkit.io.documents.pages: folders whose files are documents."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io import load_collection, read_documents
from irkit.io.documents.formats import document_pages


def folder(at: Path, **files: str | bytes) -> Path:
    for name, text in files.items():
        path = at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return at


def read(path: Path, **options: str) -> dict[str, str]:
    return {one.docno: one.text for one in read_documents(path, **options)}


def test_every_file_is_a_document_in_the_order_of_paths(tmp_path):
    page = "<html><body>A &amp; <b>b</b></body></html>"
    notes = folder(
        tmp_path / "notes",
        **{
            "b.txt": "rain\r\nfalls\n",
            "a/z.md": "# *Snow*",
            "a/snow day.HTML": page,
            "README.md": "read",
            ".hidden.txt": "x",
            ".git/x.txt": "x",
            "empty.txt": "",
        },
    )
    found = read(notes)
    assert list(found) == ["README.md", "a/snow_day.HTML", "a/z.md", "b.txt", "empty.txt"]
    assert [found[one] for one in ("a/snow_day.HTML", "a/z.md", "b.txt", "empty.txt")] == [
        "A & b",
        "# *Snow*",
        "rain\nfalls",
        "",
    ]
    assert next(iter(read_documents(notes))).where == f"{notes / 'README.md'}:1"


def test_two_names_that_become_one_id_are_refused(tmp_path):
    notes = folder(tmp_path, **{"a b.txt": "x", "a_b.txt": "y"})
    with pytest.raises(DataError, match=r"a_b\.txt: becomes the document 'a_b\.txt', as .*/a b\.txt does; rename one"):
        read(notes)


def test_a_file_that_does_not_fit_the_encoding_is_named(tmp_path):
    notes = folder(tmp_path, **{"a.txt": "rain", "b.txt": b"x\ncaf\xe9\n", "c.txt": "snow"})
    with pytest.raises(DataError, match=r"b\.txt:2: not valid utf-8: byte 0xe9 in column 4; give the file's encoding"):
        read(notes)
    assert read(notes, encoding="latin-1")["b.txt"] == "x\ncafé"
    with pytest.raises(ConfigError, match="id_field has no meaning in the format files"):
        read(notes, id_field="x")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.txt:1: this is no text; move it out of the folder"):
        read(folder(tmp_path, **{"a.txt": b"a\0b"}))


def test_other_files_are_left_out_and_mentioned(tmp_path, caplog):
    notes = folder(
        tmp_path, **{"a.txt": "rain", "b.md": "snow", "p.pdf": "%PDF-1.4\n", "s.json": '{"a": 1}', "t.csv": "a,b\n"}
    )
    with caplog.at_level(logging.WARNING, logger="irkit"):
        assert list(read(notes)) == ["a.txt", "b.md"]
    assert caplog.messages == [f"{notes}: 2 files are documents (1 .txt, 1 .md); left out: p.pdf, s.json, t.csv"]


TREC = "<DOC>\n<DOCNO>1</DOCNO>\n</DOC>\n"


@pytest.mark.parametrize(
    "files",
    [
        {"a": TREC, "README.txt": "about"},
        {"a.txt": TREC, "b.txt": TREC.replace("1", "2"), "README.txt": "about"},
        {"a.jsonl": '{"id": "1", "text": "x"}\n', "b.html": "<p>x"},
        {"a.txt": "1\train\n", "b.txt": "2\tsnow\n"},
        {"corpus.jsonl": '{"_id": "1", "text": "x"}\n', "a.txt": "x"},
        {"README.md": "about"},
    ],
)
def test_a_folder_of_a_known_format_stays_what_it_was(tmp_path, files):
    assert document_pages(folder(tmp_path, **files)) is None


def test_texts_beside_files_of_many_documents_need_a_word(tmp_path):
    both = folder(tmp_path, **{"a.txt": "rain", "d.jsonl": '{"id": "1", "text": "x"}\n'})
    with pytest.raises(DataError, match=r"a\.txt is a text and d\.jsonl holds documents; .*\(--format files\)"):
        read(both)
    assert list(read(both, format="files")) == ["a.txt"]
    with pytest.raises(NotFoundError, match=r"the folder holds no \.txt, \.md, \.html file"):
        read(folder(tmp_path / "none", **{"d.jsonl": "{}"}), format="files")


def test_a_text_with_a_tab_or_a_number_in_its_first_line_is_a_text_among_others(tmp_path):
    assert list(read(folder(tmp_path, **{"a.txt": "rain\there", "b.txt": "1984", "c.txt": "snow"}))) == [
        "a.txt",
        "b.txt",
        "c.txt",
    ]


def test_a_folder_is_a_collection_with_the_queries_and_judgements_in_it(tmp_path):
    notes = folder(
        tmp_path, **{"a.txt": "rain", "sub/qrels.txt": "snow", "queries.tsv": "1\train\n", "qrels.txt": "1 0 a.txt 1\n"}
    )
    collection = load_collection(notes)
    assert [one.docno for one in collection.documents()] == ["a.txt", "sub/qrels.txt"]
    assert collection.holds() == {"documents": 2, "queries": 1, "judgements": 1}
    before = collection.fingerprint
    (notes / ".DS_Store").write_text("x")
    assert load_collection(notes).fingerprint == before, "what is not read does not count"
    (notes / "a.txt").write_text("hail")
    assert load_collection(notes).fingerprint != before


def test_a_folder_of_pages_among_the_usual_names(tmp_path):
    top = folder(tmp_path, **{"documents/a/x.md": "rain", "queries.tsv": "1\train\n", "qrels.txt": "1 0 a/x.md 1\n"})
    assert [one.docno for one in load_collection(top).documents()] == ["a/x.md"]

"""Tests of irkit.io.documents.jsonl_columns: what Arrow reads is what Python's json reads, or it is not asked."""

import json

import numpy as np
import pytest

from irkit.documents import Columns
from irkit.errors import DataError
from irkit.io import load_collection, read_documents
from irkit.io.documents import jsonl_columns


def in_columns(path, **options):
    """All documents, and how many of them came as columns."""
    found, quick = [], 0
    for block in read_documents(path, "jsonl", **options).document_blocks():
        if isinstance(block, Columns):
            rows = range(len(block.docnos))
            found += zip(block.docnos.to_pylist(), block.texts.to_pylist(), map(block.where, rows), strict=True)
            quick += len(rows)
        else:
            found += map(tuple, block)
    return found, quick


def one_by_one(path, **options):
    return [tuple(document) for document in read_documents(path, "jsonl", **options)]


def written(tmp_path, lines: bytes):
    path = tmp_path / "documents.jsonl"
    path.write_bytes(lines)
    return path


QUICK = {
    "plain": b'{"id": "1", "contents": "a b"}\n{"id": "2", "contents": ""}\n',
    "title": b'{"_id": "1", "title": "T", "text": "x"}\n'
    b'{"_id": "2", "text": "y"}\n{"_id": "3", "title": "", "text": ""}',
    "title alone": b'{"_id": "1", "title": "T", "text": ""}\n{"_id": "2", "title": "", "text": ""}\n',
    "escapes": b'{"id": "\\u00e9", "text": "\\ud83d\\ude00 \\" \\n \\u0000 \\/"}\n',
    "beyond ASCII": '{"id": "é", "text": "日本 \U0001f600"}\n'.encode(),
    "two ids": b'{"id": "1", "docno": "d1", "text": "x"}\n{"docno": "d2", "text": "y"}\n',
    "others": b'{"id": "1", "text": "x", "metadata": {"a": [1, {"b": "}"}]}, "n": 1e5}\n{"id": "2", "text": "null"}\n',
    "mark and line ends": b'\xef\xbb\xbf{"id": "1", "text": "x"}\r\n{"id": "2", "text": "y"}\r\n',
    "escaped key": b'{"\\u0069d": "1", "text": "x"}\n',
}
SLOW = {
    "number": b'{"id": 1, "text": "x"}\n{"id": 2, "text": "y"}\n',
    "null": b'{"id": "1", "text": null, "title": "T"}\n',
    "key twice": b'{"id": "1", "id": "2", "text": "x"}\n',
    "spaces": b' {"id": "1", "text": "x"} \n',
    "blank line": b'{"id": "1", "text": "x"}\n\n{"id": "2", "text": "y"}\n',
    "two texts": b'{"id": "1", "text": "", "body": "x"}\n{"id": "2", "text": "y", "body": "z"}\n',
    "texts under two names": b'{"id": "1", "text": "x"}\n{"id": "2", "body": "z"}\n',
    "no text but a title": b'{"id": "1", "title": "x"}\n',
    "ids under two names": b'{"id": "1", "text": "x"}\n{"_id": "2", "text": "z"}\n',
}


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_columns_hold_what_is_read_one_by_one(name, tmp_path):
    lines = (QUICK | SLOW)[name]
    path = written(tmp_path, lines)
    found, quick = in_columns(path)
    assert found == one_by_one(path)
    assert quick == (len(found) if name in QUICK else 0)


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": "1"}{"id": "2"}',
        b'{"id": "1", "text": "x"}{"id": "2", "text": "y"}',
        b'{"id": "1", "x": {}',
        b'{"id": "1", "text": "a\xff"}',
        b'{"id": "1", "text": "x", "other": "\xff"}',
        b'{"id": "1", "text": "a\x01"}',
        b'{"id": "1", "text": 3}',
        b'{"id": "1", "text": null}',
        b'{"id": true, "text": "x"}',
        b'{"id": "1"}',
        b'["id"]',
        b'{"id": "1", "text": "x",}',
        b'{"id": "1", "text": tru}',
    ],
)
def test_faults_are_said_in_the_same_words(line, tmp_path):
    path = written(tmp_path, b'{"id": "0", "text": "fine"}\n' + line + b'\n{"id": "9", "text": "fine"}\n')
    with pytest.raises(DataError) as slow:
        one_by_one(path)
    with pytest.raises(DataError) as quick:
        in_columns(path)
    assert str(quick.value) == str(slow.value)
    assert f"{path}:2: " in str(quick.value)


def test_fields_ids_and_encodings_are_read_one_by_one(tmp_path):
    path = written(tmp_path, b'{"key": "1", "a": "x", "b": "\xe9"}\n')
    options = {"fields": ["b", "a"], "id_field": "key", "encoding": "latin-1"}
    assert in_columns(path, **options) == ([("1", "é\nx", f"{path}:1")], 0)


@pytest.mark.parametrize("size", [1, 60, 1 << 22])
def test_lines_are_numbered_through_chunks_of_any_size(size, tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl_columns, "CHUNK", size)
    lines = [json.dumps({"id": f"d{i}", "text": "x" * i}) for i in range(20)]
    lines[7] = lines[7].replace('"d7"', "7")  # read one by one, with what is in its chunk
    path = written(tmp_path, "\n".join(lines).encode())
    found, quick = in_columns(path)
    assert found == one_by_one(path)
    assert [where for _, _, where in found] == [f"{path}:{i}" for i in range(1, 21)]
    assert quick == {1: 19, 60: 20 - 3, 1 << 22: 0}[size]


def test_random_objects_are_read_alike(tmp_path):
    rng = np.random.default_rng(0)
    letters = ["a", " ", '"', "\\", "}", "{", "\n", "é", "\U0001f600", "null", ": null", "\x00"]
    for trial in range(60):
        keys = rng.choice(["id", "docno", "text", "title", "other", "body"], size=4, replace=False)
        objects = [
            {"id": str(i), "text": "t"} | {key: "".join(rng.choice(letters, size=rng.integers(4))) for key in keys}
            for i in range(rng.integers(1, 5))
        ]
        ascii_only = bool(rng.random() < 0.5)
        lines = "\n".join(json.dumps(one, ensure_ascii=ascii_only) for one in objects)
        path = written(tmp_path, lines.encode())
        try:
            wanted = [tuple(one) for one in read_documents(path, "jsonl")]
        except DataError:
            continue  # an id that holds NUL
        assert in_columns(path)[0] == wanted, trial


def test_what_was_taken_before_is_not_given_again(tmp_path):
    path = written(tmp_path, QUICK["title"])
    documents = read_documents(path)
    assert next(documents).docno == "1"
    assert [block[0].docno for block in documents.document_blocks()] == ["2", "3"]


def test_a_file_without_documents_and_a_folder(tmp_path):
    with pytest.raises(DataError, match="holds no document"):
        in_columns(written(tmp_path, b"\n\n"))
    folder = tmp_path / "many"
    folder.mkdir()
    for name in "ba":
        (folder / f"{name}.jsonl").write_text(f'{{"id": "{name}", "text": "x"}}\n')
    blocks = list(read_documents(folder).document_blocks())
    assert [block.docnos.to_pylist() for block in blocks] == [["a"], ["b"]]


def test_a_collection_gives_its_files_as_columns(tmp_path):
    (tmp_path / "corpus.jsonl").write_text('{"_id": "1", "text": "x"}\n{"_id": "2", "text": "y"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "x"}\n')
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t1\n")
    documents = load_collection(str(tmp_path)).documents()
    assert [block.docnos.to_pylist() for block in documents.document_blocks()] == [["1", "2"]]

"""Files whose lines end by carriage returns alone, and files in UTF-16, through every reader of tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from irkit.errors import DataError
from irkit.io import load_data, read_documents, read_qrels, read_queries, read_run
from irkit.io.pools.letor import read_letor
from irkit.io.ratings.files import read_ratings
from irkit.io.rows.own import matrix

TABLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "docs.jsonl": (lambda path: list(read_documents(path)), '{"id": "a", "text": "b"}\n{"id": "c", "text": "d"}\n'),
    "docs.tsv": (lambda path: list(read_documents(path)), "1\train\n2\tstorm\n"),
    "docs.csv": (lambda path: list(read_documents(path)), "id,text\n1,rain\n"),
    "queries.tsv": (read_queries, "1\train\n2\tstorm\n"),
    "qrels.txt": (read_qrels, "1 0 a 1\n2 0 b 1\n"),
    "my.run": (read_run, "1 Q0 a 1 2.5 x\n1 Q0 b 2 1.5 x\n"),
    "letor.txt": (read_letor, "1 qid:1 1:0.5\n0 qid:1 1:0.1\n"),
    "rows.csv": (matrix, "1,0\n0,1\n"),
    "texts.csv": (load_data, "text,label\nrain,a\nstorm,b\n"),
}


@pytest.mark.parametrize("name", TABLES)
def test_carriage_returns_alone_are_refused_with_what_to_do(tmp_path: Path, name: str):
    read, content = TABLES[name]
    (tmp_path / name).write_bytes(content.replace("\n", "\r").encode())
    with pytest.raises(
        DataError, match=rf"{name}:1: the lines end by carriage returns alone.*; end them by line feeds"
    ):
        read(tmp_path / name)


@pytest.mark.parametrize("name", [*TABLES, "ratings.csv"])
def test_utf16_is_refused_with_what_to_do(tmp_path: Path, name: str):
    read, content = TABLES.get(name, (read_ratings, "user,item,rating\n1,2,3\n"))
    (tmp_path / name).write_bytes(content.encode("utf-16"))
    with pytest.raises(DataError, match=rf"{name}:1: this is UTF-16; write it as UTF-8"):
        read(tmp_path / name)


def test_ratings_and_texts_that_end_lines_by_carriage_returns_are_read(tmp_path: Path):
    (tmp_path / "ratings.csv").write_bytes(b"user,item,rating\ra,x,3\rb,y,4\r")
    assert read_ratings(tmp_path / "ratings.csv")["rating"].tolist() == [3, 4]
    (tmp_path / "old.txt").write_bytes(b"rain\rstorm\r")
    assert [document.text for document in read_documents(tmp_path)] == ["rain\rstorm"]

"""--format and --encoding: one spelling on every command that reads documents, queries or judgements."""

from __future__ import annotations

from pathlib import Path

import pytest

DOCS = '{"id": "d1", "text": "café storm"}\n{"id": "d2", "text": "rain"}\n'.encode("latin-1")
QUERIES = "1\tcafé\n".encode("latin-1")


@pytest.fixture
def index(folder: Path, irkit):
    Path("docs.tsv").write_bytes(DOCS)
    irkit("index", "docs.tsv", "--format", "jsonl", "--encoding", "latin-1", "--to", "ix", "--threads", 1)
    return "ix"


def test_they_decide_what_is_not_guessed(irkit, index):
    Path("queries").write_bytes(QUERIES)
    Path("q.jsonl").write_bytes(QUERIES)
    refused = irkit("run", "bm25", index, "--queries", "queries", status=2).err
    assert "queries:1: not valid utf-8" in refused
    assert "--encoding latin-1" in refused
    irkit("run", "bm25", index, "--queries", "q.jsonl", "--format", "tsv", "--encoding", "latin-1", "-o", "a.run")
    assert Path("a.run").read_text().split()[:3] == ["1", "Q0", "d1"]
    told = irkit("explain", "bm25", index, "1", "d1", "--queries", "queries", "--encoding", "latin-1")
    assert "d1" in told.out


def test_judgements_and_runs_have_one_encoding(irkit, folder):
    Path("qrels").write_bytes("1 007 1\né 008 1\n".encode("latin-1"))
    Path("run").write_bytes("1 Q0 7 1 2.0 x\né Q0 008 1 2.0 x\n".encode("latin-1"))
    Path("other").write_bytes("1 Q0 007 1 2.0 x\n".encode("latin-1"))
    options = ("-m", "AP", "--format", "plain", "--encoding", "latin-1")
    assert irkit("evaluate", "qrels", "run", *options).lines[1].split() == ["run", "2", "0.5000"]
    assert irkit("compare", "qrels", "run", "other", *options).out
    assert "qrels:2: not valid utf-8" in irkit("evaluate", "qrels", "run", "--format", "plain", status=2).err


def test_a_folder_is_read_whole_unless_it_holds_a_collection(irkit, folder):
    Path("many").mkdir()
    for name in ("a", "b"):
        Path("many", name).write_bytes(f"{name}\tcafé\n".encode("latin-1"))
    told = irkit("index", "many", "--encoding", "latin-1", "--to", "many-ix", "--threads", 1)
    assert told.out.startswith("many-ix: 2 documents")
    Path("toy").mkdir()
    Path("toy", "documents.tsv").write_bytes("1\tcafé\n".encode("latin-1"))
    Path("toy", "queries.tsv").write_bytes("7\tcafé\n".encode("latin-1"))
    refused = irkit("index", "./toy", "--encoding", "latin-1", status=2).err
    assert "./toy holds a collection; beside --format or --encoding name its documents" in refused


def test_ratings_too(irkit, folder):
    rows = [("ä", "i1", 5), ("ä", "i2", 4), ("b", "i1", 3), ("b", "i3", 5), ("c", "i2", 2)]
    Path("ratings.csv").write_bytes("".join("{}\t{}\t{}\n".format(*row) for row in rows).encode("latin-1"))
    options = ("--recipe", "popularity", "--format", "tab", "--encoding", "latin-1")
    assert irkit("recommend", "ratings.csv", "ä", *options).lines[1].split()[:3] == ["ä", "1", "i3"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("index", "lee", "--encoding", "latin-1"), "--format and --encoding are for files and folders, got lee"),
        (("run", "bm25", "lee", "--format", "tsv"), "--format and --encoding are for a file of queries"),
        (("explain", "bm25", "lee", "lee-01", "lee-02", "--encoding", "latin-1"), "are for a file of queries"),
        (("recommend", "ml", "u1", "--format", "csv"), "there is no file or collection 'ml'"),
        (("recommend", "--load", "a", "u1", "--format", "csv"), "leave them out beside --load"),
        (("evaluate", "lee", "a.run", "--format", "trec"), "--format is for a file of judgements, got lee"),
    ],
)
def test_where_there_is_no_such_file_they_are_refused(irkit, folder, command, says):
    assert says in irkit(*command, status=2).err


@pytest.mark.parametrize("command", ["index", "run", "explain", "evaluate", "compare", "recommend"])
def test_every_such_command_has_both(irkit, command):
    told = irkit(command, "--help").out
    assert "--format" in told
    assert "--encoding" in told

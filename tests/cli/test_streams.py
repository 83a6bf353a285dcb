"""Streams in the place of files, on the command line: process substitution, pipes, `-`."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import threading

import pytest

from irkit.cli import main
from irkit.cli.standard import marked, restored
from irkit.io import read_qrels, read_queries, read_run, write_run
from irkit.io.ratings.files import read_ratings

DOCUMENTS = (
    b'{"id": "d1", "text": "storm damage"}\n{"id": "d2", "text": "rain and storm"}\n{"id": "d3", "text": "snow"}\n'
)
QUERIES = b"q1\tstorm\nq2\tsnow\n"
QRELS = b"q1 0 d2 1\nq2 0 d1 1\n"
RUN = b"q1 Q0 d1 1 2.0 x\nq1 Q0 d2 2 1.0 x\n"
RECIPE = b"name: mine\nabout: Mine.\nneeds: [index]\nstages:\n  - {use: lucene, model: bm25}\n"


@pytest.fixture
def fed():
    """Make the path of a pipe's reading end, as a shell does for `<(...)`."""
    readers = []

    def make(data: bytes) -> str:
        reader, writer = os.pipe()
        readers.append(reader)

        def write():
            with open(writer, "wb") as file:
                file.write(data)

        threading.Thread(target=write, daemon=True).start()
        return f"/dev/fd/{reader}"

    yield make
    for reader in readers:
        os.close(reader)


@pytest.fixture
def stdin(fed):
    """Put bytes on standard input."""
    kept = os.dup(0)

    def put(data: bytes) -> str:
        os.dup2(int(fed(data).rsplit("/", 1)[1]), 0)
        return "-"

    yield put
    os.dup2(kept, 0)
    os.close(kept)


@pytest.fixture
def shell(folder, capfd):
    """Run a command; return its status and what reached the two outputs of the process."""

    def run(*arguments: object, status: int = 0) -> tuple[str, str]:
        capfd.readouterr()
        got = main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        assert got == status, printed.err
        return printed.out, printed.err

    return run


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    from irkit.io import read_documents
    from irkit.lucene import build_index

    place = tmp_path_factory.mktemp("streams")
    (place / "d.jsonl").write_bytes(DOCUMENTS)
    build_index(place / "index", read_documents(place / "d.jsonl")).close()
    return place / "index"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_evaluate_reads_a_run_or_judgements_that_another_program_writes(shell, fed, folder, pack):
    (folder / "qrels").write_bytes(QRELS)
    (folder / "run").write_bytes(RUN)
    for arguments in (["qrels", fed(pack(RUN))], [fed(pack(QRELS)), "run"], [fed(pack(QRELS)), fed(pack(RUN))]):
        out, _ = shell("evaluate", *arguments, "-m", "AP")
        assert out.splitlines()[1].split()[-2:] == ["2", "0.2500"]  # d2 is second for q1: 1/2; q2 has no results: 0


def test_a_dash_is_standard_input(shell, stdin, folder):
    (folder / "qrels").write_bytes(QRELS)
    assert shell("evaluate", "qrels", stdin(RUN), "-m", "AP")[0].splitlines()[1].split() == ["-", "2", "0.2500"]
    (folder / "run").write_bytes(RUN)
    assert shell("evaluate", stdin(QRELS), "run", "-m", "AP")[0].splitlines()[1].split()[-1] == "0.2500"
    assert shell("evaluate", "qrels", stdin(b"q1 Q0\n"), status=2)[1].startswith("irkit: -:1: a run has 6 columns")


def test_documents_are_indexed_from_a_stream(shell, fed, stdin, folder):
    assert shell("index", fed(gzip.compress(DOCUMENTS)))[0].startswith("stream-index: 3 documents")
    assert shell("index", stdin(DOCUMENTS), "--to", "other")[0].startswith("other: 3 documents")
    assert "d3" in shell("search", "other", "snow")[0]


def test_run_reads_recipe_and_queries_from_streams_and_writes_one(shell, fed, folder, index):
    out, err = shell("run", fed(RECIPE), index, "--queries", fed(QUERIES), "-o", "-")
    assert [line.split()[:3] + line.split()[5:] for line in out.splitlines()] == [
        ["q1", "Q0", "d2", "mine"],
        ["q1", "Q0", "d1", "mine"],
        ["q2", "Q0", "d3", "mine"],
    ]
    assert err.startswith("-: 2 queries, 3 lines, ")
    assert os.listdir(folder) == []


@pytest.mark.parametrize("output", ["-", "/dev/stdout", "/dev/fd/1"])
def test_only_the_run_is_on_standard_output(shell, stdin, index, output):
    out, err = shell("run", "bm25", index, "--queries", stdin(QUERIES), "-o", output)
    assert len(out.splitlines()) == 3
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("suffix", "magic"), [("gz", b"\x1f\x8b"), ("bz2", b"BZh"), ("xz", b"\xfd7zXZ"), ("zst", b"\x28\xb5")]
)
def test_a_run_is_packed_as_its_name_says_and_read_back(shell, folder, index, suffix, magic):
    (folder / "q.tsv").write_bytes(QUERIES)
    (folder / "qrels").write_bytes(QRELS)
    shell("run", "bm25", index, "--queries", "q.tsv", "-o", f"x.run.{suffix}")
    shell("run", "bm25", index, "--queries", "q.tsv", "-o", "x.run")
    assert (folder / f"x.run.{suffix}").read_bytes().startswith(magic)
    assert read_run(folder / f"x.run.{suffix}").equals(read_run(folder / "x.run"))
    packed, plain = (
        shell("evaluate", "qrels", f"x.run{end}", "-m", "AP")[0].splitlines()[1].split()[-1]
        for end in (f".{suffix}", "")
    )
    assert packed == plain == "0.5000"  # both score alike, d2 stands first: 1 for q1, 0 for q2


@pytest.mark.parametrize("name", ["z.run", "z.run.gz", "z.run.zst"])
def test_a_run_that_found_nothing_scores_zero(shell, folder, index, name):
    (folder / "q.tsv").write_text("q1\tzebra\n")
    (folder / "qrels").write_bytes(QRELS)
    assert ", 0 lines, " in shell("run", "bm25", index, "--queries", "q.tsv", "-o", name)[0]
    assert shell("evaluate", "qrels", name, "-m", "AP")[0].splitlines()[1].split()[-2:] == ["2", "0.0000"]
    (folder / "nothing").touch()
    assert "nothing:1: the file is empty" in shell("evaluate", "nothing", name, status=2)[1]
    assert "nothing:1: the file is empty" in shell("run", "bm25", index, "--queries", "nothing", status=2)[1]


def test_ratings_and_a_saved_model_come_from_streams(shell, fed, stdin):
    ratings = b"".join(
        b"u%d\ti%d\t%d\n" % (user, item, 1 + (user * item) % 5)
        for user in range(6)
        for item in range(8)
        if (user + item) % 3
    )
    out, _ = shell("recommend", stdin(ratings), "u1", "--recipe", "bias", "-n", "2", "--save", "m.safetensors")
    assert out.startswith("m.safetensors\n")
    with open("m.safetensors", "rb") as file:
        model = file.read()
    again, _ = shell("recommend", "--load", fed(model), "u1", "-n", "2")
    assert again == out.removeprefix("m.safetensors\n")
    out, err = shell(
        "recommend", fed(ratings), "u1", "--recipe", "bias", "-n", "2", "--save", "m.safetensors", "--json"
    )
    assert [json.loads(line)["user_id"] for line in out.splitlines()] == ["u1", "u1"]
    assert err == "m.safetensors\n"


def test_python_reads_streams_as_files(fed, folder):
    for read, data in ((read_run, RUN), (read_qrels, QRELS), (read_queries, QUERIES), (read_ratings, b"u\ti\t3\n")):
        (folder / "file").write_bytes(data)
        assert read(fed(data)).equals(read(folder / "file"))
    # A run that is not laid out as usual is read a second time.
    (folder / "file").write_bytes(RUN.replace(b" ", b"  "))
    assert read_run(fed(RUN.replace(b" ", b"  "))).equals(read_run(folder / "file"))
    table = folder / "r.parquet"
    read_ratings(fed(b"u\ti\t3\n")).to_parquet(table)
    assert read_ratings(fed(table.read_bytes())).equals(read_ratings(table))


def test_python_writes_into_a_pipe(folder):
    os.mkfifo("pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append(read_run("pipe")))
    reader.start()
    (folder / "file").write_bytes(RUN)
    write_run(read_run("file"), "pipe")
    reader.join(10)
    assert got[0].equals(read_run("file"))


def test_two_dashes_keep_a_dash_as_it_is(shell, index):
    assert marked(["search", "i", "--", "-"]) == ["search", "i", "--", "-"]
    assert restored(marked(["-", "a-b", "--x"])) == ["-", "a-b", "--x"]
    assert shell("search", index, "--", "-") == ("", "irkit: the query has no terms; nothing found\n")


def test_a_dash_given_where_a_number_is_needed_is_named_so(shell):
    assert "-n is not valid, got '-'; it must be a whole number" in shell("search", "a", "b", "-n", "-", status=2)[1]


def test_a_reader_that_stops_ends_the_command_quietly(shell, index, folder):
    (folder / "q.tsv").write_bytes(QUERIES)
    reader, writer = os.pipe()
    os.close(reader)
    assert shell("run", "bm25", index, "--queries", "q.tsv", "-o", f"/dev/fd/{writer}", status=141) == ("", "")
    os.close(writer)

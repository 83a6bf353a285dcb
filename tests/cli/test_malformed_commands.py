"""Malformed input at the command line: status 2, one line that names file and line, nothing half-written."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import pytest

DOC = '{"id": "d1", "text": "heavy rain"}\n'
QRELS = "1 0 d1 1\n1 0 d2 0\n"
RUN = "1 Q0 d1 1 2.0 t\n1 Q0 d2 2 1.0 t\n"
RECIPE = "name: mine\nabout: Mine.\nneeds: [index]\nstages:\n  - {use: lucene, n: 10}\n"
SUITE = "name: mine\nabout: Mine.\ncollections: [lee]\nmeasures: AP\nsystems: [bm25]\n"
INDEX = ("index", "{0}")
EVALUATE = ("evaluate", "qrels.txt", "run.txt")
RECIPES = ("run", "{0}", "lee")
SUITES = ("leaderboard", "{0}")


class Case(NamedTuple):
    """A file with a fault, the command that reads it, and what the error line must hold."""

    name: str
    file: str
    content: str | bytes
    command: tuple[str, ...]
    line: int | None
    "The line of the fault, which the message must name; None where there is none to name."
    says: str


def packed(text: str, lost: int = 12) -> bytes:
    return gzip.compress((text * 50).encode())[:-lost]


DOCUMENTS = [
    Case("truncated JSON", "a.jsonl", DOC + '{"id": "d2", "te', INDEX, 2, "JSON"),
    Case("bad UTF-8", "a.jsonl", DOC.encode() + b'{"id": "d2", "text": "\xff"}\n', INDEX, 2, "utf-8"),
    Case("duplicate ids", "a.jsonl", DOC + DOC, INDEX, 2, "d1"),
    Case("no id", "a.jsonl", DOC + '{"text": "x"}\n', INDEX, 2, "id"),
    Case("no text", "a.jsonl", DOC + '{"id": "d2"}\n', INDEX, 2, "text"),
    Case("a number as id", "a.jsonl", DOC + '{"id": 7.5, "text": "x"}\n', INDEX, 2, "id"),
    Case("a list as text", "a.jsonl", DOC + '{"id": "d2", "text": ["x"]}\n', INDEX, 2, "text"),
    Case("null as id", "a.jsonl", DOC + '{"id": null, "text": "x"}\n', INDEX, 2, "id"),
    Case("an empty id", "a.jsonl", DOC + '{"id": "", "text": "x"}\n', INDEX, 2, "id"),
    Case("white space in an id", "a.jsonl", DOC + '{"id": "d 2", "text": "x"}\n', INDEX, 2, "d 2"),
    Case("a JSON scalar", "a.jsonl", DOC + "3\n", INDEX, 2, "object"),
    Case("a JSON array", "a.txt", "[" + DOC.strip() + "]", INDEX, 1, "array"),
    Case("an empty file", "a.jsonl", "", INDEX, 1, "empty"),
    Case("blank lines only", "a.jsonl", "\n\n", INDEX, 1, "white space alone"),
    Case("a cut gzip file", "a.jsonl.gz", packed(DOC), INDEX, None, "cut short"),
    Case("no known format", "a.dat", "what is this\n", INDEX, 1, "format"),
    Case("TREC without DOCNO", "a.trec", "<DOC>\n<TEXT>x</TEXT>\n</DOC>\n", INDEX, 1, "DOCNO"),
    Case("TREC cut short", "a.trec", "<DOC>\n<DOCNO>d1</DOCNO>\n<TEXT>x\n", INDEX, 1, "<DOC> is not closed"),
    Case("SMART without text", "a.smart", ".I 1\n.W\nx\n.I\n.W\ny\n", INDEX, 4, ".I"),
    Case("a TSV line too short", "a.tsv", "id\ttext\nd1\tx\nd2\n", INDEX, 3, "column"),
    Case("a CSV without ids", "a.csv", "title,text\na,b\n", INDEX, 2, "id"),
    Case("damaged Parquet", "a.parquet", b"PAR1 this is not parquet", INDEX, None, "Parquet"),
    Case("a cut tar archive", "a.tar.gz", zlib.compress(b"nothing"), INDEX, 1, "archive"),
]

JUDGEMENTS = [
    Case("qrels without a column", "qrels.txt", QRELS + "1 0 d3\n", EVALUATE, 3, "4"),
    Case("a label in words", "qrels.txt", QRELS + "1 0 d3 yes\n", EVALUATE, 3, "yes"),
    Case("a pair judged twice", "qrels.txt", QRELS + "1 0 d1 0\n", EVALUATE, 3, "d1"),
    Case("empty qrels", "qrels.txt", "", EVALUATE, 1, "empty"),
    Case("bad UTF-8 in qrels", "qrels.txt", QRELS.encode() + b"1 0 \xff 1\n", EVALUATE, 3, "utf-8"),
    Case("qrels of other queries", "qrels.txt", "9 0 d1 1\n", EVALUATE, None, "qid"),
]

RUNS = [
    Case("a NaN score", "run.txt", RUN + "1 Q0 d3 3 nan t\n", EVALUATE, 3, "nan"),
    Case("an infinite score", "run.txt", RUN + "1 Q0 d3 3 inf t\n", EVALUATE, 3, "inf"),
    Case("a score in words", "run.txt", RUN + "1 Q0 d3 3 high t\n", EVALUATE, 3, "high"),
    Case("a rank in words", "run.txt", RUN + "1 Q0 d3 third 0.5 t\n", EVALUATE, 3, "third"),
    Case("a run line too short", "run.txt", RUN + "1 Q0 d3 3 0.5\n", EVALUATE, 3, "6"),
    Case("a document twice", "run.txt", RUN + "1 Q0 d1 3 0.5 t\n", EVALUATE, 3, "d1"),
    Case("a run of blank lines", "run.txt", "\n\n", EVALUATE, 1, "the run has no line"),
    Case("bad UTF-8 in a run", "run.txt", RUN.encode() + b"1 Q0 \xe9 3 0.5 t\n", EVALUATE, 3, "utf-8"),
]

FILES_OF_RECIPES = [
    Case("an unknown field", "r.yaml", RECIPE.replace("n: 10", "k2: 1"), RECIPES, 5, "k2"),
    Case("an unknown stage", "r.yaml", RECIPE.replace("lucene", "lucine"), RECIPES, 5, "did you mean lucene"),
    Case("an unknown model", "r.yaml", RECIPE.replace("n: 10", "model: bm52"), RECIPES, 5, "bm25"),
    Case("a wrong value", "r.yaml", RECIPE.replace("n: 10", "n: many"), RECIPES, 5, "many"),
    Case("an unknown top field", "r.yaml", RECIPE + "stagez: []\n", RECIPES, 6, "did you mean stages?"),
    Case("no stages", "r.yaml", "name: mine\nabout: Mine.\n", RECIPES, 1, "stages"),
    Case(
        "a cut in front",
        "r.yaml",
        RECIPE.replace("{use: lucene, n: 10}", "{use: cut, k: 3}\n  - {use: lucene}"),
        RECIPES,
        6,
        "cut",
    ),
    Case("not YAML", "r.yaml", RECIPE + "  - {use: cut\n", RECIPES, 7, ""),
    Case("a tab in YAML", "r.yaml", RECIPE.replace("  - ", "\t- "), RECIPES, 5, ""),
    Case("a field twice", "r.yaml", RECIPE + "name: again\n", RECIPES, 6, "name"),
    Case(
        "code in YAML", "r.yaml", RECIPE + "source: !!python/object/apply:os.system ['touch pwned']\n", RECIPES, 6, ""
    ),
    Case("a list in place of a recipe", "r.yaml", "- 1\n- 2\n", RECIPES, 1, ""),
    Case("bad UTF-8 in YAML", "r.yaml", RECIPE.encode() + b"source: \xff\n", RECIPES, None, ""),
]

FILES_OF_SUITES = [
    Case("a suite's unknown field", "s.yaml", SUITE + "sead: 3\n", SUITES, 6, "did you mean seed"),
    Case("a suite's unknown measure", "s.yaml", SUITE.replace("AP", "APP"), SUITES, 4, "APP"),
    Case("a suite without systems", "s.yaml", SUITE.replace("systems: [bm25]\n", ""), SUITES, 1, "systems"),
    Case("a suite's unknown recipe", "s.yaml", SUITE.replace("[bm25]", "[bm52]"), SUITES, None, "bm25"),
    Case("a suite's unknown collection", "s.yaml", SUITE.replace("[lee]", "[leee]"), SUITES, None, "lee"),
]

QUERIES = ("run", "bm25", "lee", "--queries", "{0}")
TOPICS = [
    Case("a query id twice", "q.tsv", "1\train\n1\tsnow\n", QUERIES, 2, "1"),
    Case("a query without text", "q.tsv", "1\train\n2\t\n", QUERIES, 2, "2"),
    Case("queries cut short", "q.jsonl", '{"_id": "1", "text": "rain"}\n{"_id"', QUERIES, 2, "JSON"),
    Case("an empty file of queries", "q.tsv", "", QUERIES, 1, "empty"),
]

CASES = [*DOCUMENTS, *JUDGEMENTS, *RUNS, *FILES_OF_RECIPES, *FILES_OF_SUITES, *TOPICS]


def tree(folder: Path) -> set[str]:
    """List what lies in a folder, but for the empty files that lock it."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    return {name for name in found if not name.endswith(".lock")}


def write(folder: Path, case: Case) -> list[str]:
    """Write the case's file among good ones and return the command."""
    for name, text in (("qrels.txt", QRELS), ("run.txt", RUN)):
        (folder / name).write_text(text)
    content = case.content if isinstance(case.content, bytes) else case.content.encode()
    (folder / case.file).write_bytes(content)
    return [word.format(case.file) for word in case.command]


def check_line(case: Case, error: str) -> None:
    assert error.startswith("irkit: "), error
    assert error.count("\n") == 1, error
    assert error.endswith("\n")
    assert "defect" not in error
    assert case.says in error
    if case.line is not None:
        assert f"{case.file}:{case.line}: " in error


def test_there_are_enough_cases():
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_malformed_file(irkit, folder, case):
    command = write(folder, case)
    before = tree(folder)
    done = irkit(*command, status=2)
    check_line(case, done.err)
    assert done.out == ""
    assert tree(folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("case", [DOCUMENTS[2], RUNS[0], FILES_OF_RECIPES[10]], ids=lambda case: case.name)
def test_malformed_file_in_a_real_process(folder, case):
    command = write(folder, case)
    before = tree(folder)
    done = subprocess.run([sys.executable, "-m", "irkit", *command], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    check_line(case, done.stderr)
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["index", "nothing.jsonl"], "nothing.jsonl"),
        (["index", "empty"], "empty"),
        (["index", "good.jsonl", "--analyzer", "englich"], "did you mean english"),
        (["index", "good.jsonl", "--format", "jsonn"], "did you mean jsonl?"),
        (["index", "good.jsonl", "--threads", "0"], "threads"),
        (["index", "good.jsonl", "--to", "mine"], "mine"),
        (["index", "good.jsonl", "--to", "mine", "--overwrite"], "letter.txt"),
        (["index", "good.jsonl", "--to", "good.jsonl"], "good.jsonl"),
        (["search", "nothing", "rain"], "nothing"),
        (["search", "good.jsonl", "rain"], "good.jsonl"),
        (["search", "empty", "rain", "--model", "bm52"], "did you mean bm25?"),
        (["search", "empty", "rain", "--mu", "3"], "mu"),
        (["search", "empty", "rain", "--k1", "-1"], "k1"),
        (["search", "empty", "rain", "-n", "0"], "-n"),
        (["run", "bm52", "lee"], "did you mean bm25"),
        (["run", "bm25", "leee"], "did you mean lee?"),
        (["run", "bm25", "lee", "--set", "k1"], "name=value"),
        (["run", "bm25", "lee", "--set", "k2=1"], "k2"),
        (["run", "bm25", "lee", "--set", "k1=-1"], "k1"),
        (["run", "bm25", "lee", "--set", "k1=.nan"], "k1"),
        (["run", "bm25", "lee", "-n", "0"], "-n"),
        (["run", "bm25", "lee", "--split", "dev"], "dev"),
        (["run", "bm25", "lee", "--queries", "nothing.tsv"], "nothing.tsv"),
        (["evaluate", "qrels.txt", "nothing.run"], "nothing.run"),
        (["evaluate", "nothing.txt", "run.txt"], "nothing.txt"),
        (["evaluate", "qrels.txt", "run.txt", "-m", "nDGC@10"], "nDCG"),
        (["evaluate", "qrels.txt", "run.txt", "-m", "P@ten"], "P@ten"),
        (["evaluate", "qrels.txt", "run.txt", "-m", ""], "measure"),
        (["compare", "qrels.txt", "run.txt", "run.txt"], "run.txt"),
        (["explain", "bm25", "lee", "999", "1"], "there is no query '999', and a text needs --query; "),
        (["explain", "bm25", "lee", "lee-01", "nothing"], "nothing"),
        (["leaderboard", "quickstrat"], "did you mean quickstart or"),
        (["leaderboard", "quickstart", "--only", "leee"], "did you mean lee?"),
        (["leaderboard", "quickstart", "--repeats", "0"], "repeats"),
        (
            ["leaderboard", "quickstart", "--repeats", "1.5"],
            "--repeats is not valid, got '1.5'; it must be a whole number",
        ),
        (["search", "mine", "dear", "-n", "2.7"], "-n is not valid, got '2.7'; it must be a whole number"),
        (["train", "nade-digits", "--seed", "1.5"], "--seed is not valid, got '1.5'; it must be a whole number"),
        (["pipelines", "show", "bm52"], "did you mean bm25"),
        (["data", "show", "leee"], "did you mean lee?"),
        (["data", "verify", "leee"], "did you mean lee?"),
        (["data", "get", "leee"], "did you mean lee?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_argument(irkit, folder, command, says):
    (folder / "good.jsonl").write_text(DOC)
    (folder / "qrels.txt").write_text(QRELS)
    (folder / "run.txt").write_text(RUN)
    (folder / "empty").mkdir()
    (folder / "mine").mkdir()
    (folder / "mine" / "letter.txt").write_text("dear reader")
    before = tree(folder)
    done = irkit(*command, status=2)
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert done.err.startswith("irkit: ")
    assert says in done.err
    assert tree(folder) == before
    assert (folder / "mine" / "letter.txt").read_text() == "dear reader"


def test_a_failed_rebuild_keeps_the_index_that_was_there(irkit, folder):
    (folder / "a.jsonl").write_text(DOC)
    irkit("index", "a.jsonl")
    (folder / "a.jsonl").write_text(DOC + DOC)
    before = tree(folder)
    irkit("index", "a.jsonl", "--overwrite", status=2)
    assert tree(folder) == before
    assert json.loads(irkit("search", "a-index", "rain", "--json").out)["docno"] == "d1"


def test_a_run_file_that_cannot_be_written_is_one_line(irkit, folder):
    (folder / "a-file").write_text("x")
    done = irkit("run", "bm25", "lee", "-o", "a-file/run.txt", status=2)
    assert "a-file" in done.err
    assert tree(folder) == {"a-file"}

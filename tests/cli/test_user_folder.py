"""A user's own folder, from documents to significance, without any collection that irkit knows."""

from __future__ import annotations

import gzip
import json
import shlex
import subprocess
import sys

import pytest

DOCUMENTS = [
    {"id": "d1", "title": "Rain", "text": "Heavy rain fell in Sydney."},
    {"id": "d2", "title": "Storm", "text": "The storm damaged houses. A storm again!"},
    {"id": "d3", "title": "Markets", "text": "Shares rose in London."},
    {"id": "d4", "title": "More rain", "text": "Rain and storm, then rain."},
]
QUERIES = {"1": "rain", "2": "storm damage"}
QRELS = ["1 0 d1 1", "1 0 d4 2", "2 0 d2 1", "3 0 d3 1"]


@pytest.fixture
def mine(folder):
    (folder / "my.jsonl").write_text("".join(json.dumps(row) + "\n" for row in DOCUMENTS))
    (folder / "queries.tsv").write_text("".join(f"{qid}\t{text}\n" for qid, text in QUERIES.items()))
    (folder / "qrels.txt").write_text("\n".join(QRELS) + "\n")
    return folder


def test_index_says_what_it_built(irkit, mine):
    done = irkit("index", "my.jsonl")
    assert done.out.startswith("my-index: 4 documents, ")
    assert done.err == ""
    assert (mine / "my-index").is_dir()


def test_index_replaces_only_when_told(irkit, mine):
    irkit("index", "my.jsonl")
    (mine / "my.jsonl").write_text(json.dumps(DOCUMENTS[0]) + "\n")
    assert "use --overwrite" in irkit("index", "my.jsonl", status=2).err
    assert irkit("index", "my.jsonl", "--overwrite").out.startswith("my-index: 1 document, ")


def test_index_reads_gzip_and_another_place_and_analyser(irkit, mine):
    (mine / "my.jsonl.gz").write_bytes(gzip.compress((mine / "my.jsonl").read_bytes()))
    irkit("index", "my.jsonl.gz", "--to", "there", "--analyzer", "whitespace", "--threads", "1", "--positions")
    assert irkit("search", "there", "sydney").out == ""  # not folded, not stripped of its full stop
    assert irkit("search", "there", "Sydney.").lines[0].split("\t")[2] == "d1"


def test_index_takes_every_file_of_a_folder(irkit, mine):
    (mine / "docs").mkdir()
    for number, row in enumerate(DOCUMENTS):
        (mine / "docs" / f"{number}.jsonl").write_text(json.dumps(row) + "\n")
    assert irkit("index", "docs").out.startswith("docs-index: 4 documents, ")


def test_search_prints_tabs_between_rank_score_id_and_text(irkit, mine):
    irkit("index", "my.jsonl")
    rows = [line.split("\t") for line in irkit("search", "my-index", "rain").lines]
    assert [row[0] for row in rows] == ["1", "2"]
    assert {row[2] for row in rows} == {"d1", "d4"}
    assert float(rows[0][1]) >= float(rows[1][1]) > 0
    assert [row[3] for row in rows if row[2] == "d1"] == ["Rain Heavy rain fell in Sydney."]


def test_search_as_json_has_the_whole_text_and_the_unrounded_score(irkit, mine):
    irkit("index", "my.jsonl")
    plain = irkit("search", "my-index", "storm", "-n", "1").lines[0].split("\t")
    found = [json.loads(line) for line in irkit("search", "my-index", "storm", "-n", "1", "--json").lines]
    assert [row["docno"] for row in found] == [plain[2]]
    assert f"{found[0]['score']:.4f}" == plain[1]
    assert found[0]["text"].startswith("Storm\nThe storm")


def test_search_without_stored_text_shows_none(irkit, mine):
    irkit("index", "my.jsonl", "--no-text")
    assert [len(line.split("\t")) for line in irkit("search", "my-index", "rain").lines] == [3, 3]
    assert "text" not in json.loads(irkit("search", "my-index", "rain", "-n", "1", "--json").out)


def test_search_without_an_answer_prints_nothing(irkit, mine):
    irkit("index", "my.jsonl")
    for query in ("zebra", "the", ""):
        assert irkit("search", "my-index", query).out == ""


def test_search_takes_the_parameters_of_the_model(irkit, mine):
    irkit("index", "my.jsonl")

    def score(*options: str) -> str:
        return irkit("search", "my-index", "rain", "-n", "1", *options).lines[0].split("\t")[1]

    assert score("--k1", "2.0") != score()
    assert score("--model", "ql-dirichlet", "--mu", "10") != score("--model", "ql-dirichlet", "--mu", "auto")


def test_from_documents_to_significance(irkit, mine):
    irkit("index", "my.jsonl")
    done = irkit("run", "bm25", "my-index", "--queries", "queries.tsv", "-o", "bm25.run")
    assert done.out.startswith("bm25.run: 2 queries, ")
    irkit("run", "ql-dirichlet", "my-index", "--queries", "queries.tsv", "-n", "1", "--set", "mu=5", "-o", "ql.run")
    ran = [line.split() for line in (mine / "bm25.run").read_text().splitlines()]
    assert {row[0] for row in ran} == {"1", "2"}
    assert {row[5] for row in ran} == {"bm25"}
    assert len((mine / "ql.run").read_text().splitlines()) == 2

    header, *rows = irkit("evaluate", "qrels.txt", "bm25.run", "ql.run", "-m", "RR P@1").lines
    assert header.split() == ["run", "queries", "RR", "P@1"]
    # Query 3 is judged but was not run: it counts as 0.
    assert rows[0].split() == ["bm25.run", "3", "0.6667", "0.6667"]

    compared = json.loads(irkit("compare", "qrels.txt", "bm25.run", "ql.run", "-m", "RR", "--json").out)
    assert set(compared) == {"bm25.run", "ql.run"}
    assert compared["bm25.run"]["RR"]["mean"] == pytest.approx(2 / 3)


def test_evaluate_per_query_agrees_with_its_means(irkit, mine):
    (mine / "a.run").write_text("1 Q0 d4 1 3.0 a\n1 Q0 d3 2 2.0 a\n1 Q0 d1 3 1.0 a\n2 Q0 d1 1 1.0 a\n")
    *lines, said = irkit("evaluate", "qrels.txt", "a.run", "-m", "AP", "--per-query").lines
    assert said == "a.run: 1 without results (score 0), 1 with results of which none is judged"
    rows = [line.split() for line in lines]
    assert rows[0] == ["run", "qid", "AP"]
    assert [row[1:] for row in rows[1:]] == [["1", "0.8333"], ["2", "0.0000"], ["3", "0.0000"], ["all", "0.2778"]]
    found = json.loads(irkit("evaluate", "qrels.txt", "a.run", "-m", "AP", "--per-query", "--json").out)
    assert found["per_query"]["AP"] == {"1": pytest.approx(5 / 6), "2": 0.0, "3": 0.0}
    assert found["measures"]["AP"] == pytest.approx(5 / 18)
    assert found["queries"] == {
        "evaluated": 3, "without_results": 1, "without_relevant": 0, "without_judged": 1, "without_qrels": 0,
    }  # fmt: skip
    assert (found["exclude_self"], found["tags"]) == (False, ["a"])


def test_compare_says_who_wins(irkit, mine):
    (mine / "a.run").write_text("1 Q0 d3 1 3.0 a\n1 Q0 d4 2 2.0 a\n2 Q0 d2 1 1.0 a\n")
    (mine / "b.run").write_text("1 Q0 d4 1 3.0 b\n2 Q0 d2 1 1.0 b\n")
    text = irkit("compare", "qrels.txt", "a.run", "b.run", "-m", "RR").out
    row = next(line for line in text.splitlines() if line.startswith("b.run"))
    assert "+0.1667" in row
    assert "1/2/0" in row


def test_explain_a_free_query(irkit, mine):
    irkit("index", "my.jsonl")
    text = irkit("explain", "bm25", "my-index", "rain in Sydney", "d1", "--query").out
    assert "sydnei" in text
    assert "rank 1" in text
    by_id = irkit("explain", "bm25", "my-index", "2", "d2", "--queries", "queries.tsv").out
    assert "storm" in by_id


def test_a_folder_with_queries_and_judgements_is_a_collection(irkit, mine):
    place = mine / "toy"
    place.mkdir()
    (mine / "my.jsonl").rename(place / "documents.jsonl")
    (mine / "queries.tsv").rename(place / "queries.tsv")
    (mine / "qrels.txt").rename(place / "qrels.txt")
    assert irkit("index", "toy").out.startswith("toy-index: 4 documents, ")
    irkit("run", "bm25", "toy", "-o", "toy.run")
    assert irkit("evaluate", "toy", "toy.run", "-m", "RR").lines[1].split()[:2] == ["toy.run", "3"]


def test_the_users_own_recipe(irkit, mine):
    irkit("index", "my.jsonl")
    copied = irkit("pipelines", "copy", "bm25").out.strip()
    assert copied == "bm25.yaml"
    assert "bm25.yaml exists already" in irkit("pipelines", "copy", "bm25", status=2).err
    text = (mine / copied).read_text()
    (mine / "own.yaml").write_text(text.replace("name: bm25", "name: own"))
    done = irkit("run", "own.yaml", "my-index", "--queries", "queries.tsv", "--tag", "mine")
    assert done.out.startswith("own.run: ")
    assert {line.split()[5] for line in (mine / "own.run").read_text().splitlines()} == {"mine"}


def test_a_recipe_that_gives_no_results_is_refused(irkit, mine):
    irkit("index", "my.jsonl")
    (mine / "cut.yaml").write_text("name: cut\nabout: Only a cut.\nstages:\n  - {use: cut, k: 3}\n")
    done = irkit("run", "cut.yaml", "my-index", "--queries", "queries.tsv", status=2)
    assert "start it with a retriever" in done.err
    assert not (mine / "cut.run").exists()


@pytest.mark.slow
def test_search_loads_no_pandas_scipy_or_torch(irkit, mine):
    irkit("index", "my.jsonl")
    code = (
        "import sys; from irkit.cli import main; main(['search', 'my-index', 'rain']);"
        "print(sorted({'pandas', 'scipy', 'torch', 'sklearn', 'gensim', 'pyserini'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.slow
def test_a_reader_that_stops_early_ends_the_command_quietly(irkit, mine):
    irkit("index", "my.jsonl")
    python = shlex.quote(sys.executable)
    command = f"{python} -m irkit search my-index 'rain storm' --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.strip() in {"0", "141"}

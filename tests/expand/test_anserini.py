"""RM3 in its compatible mode against Anserini itself, and Anserini's published CACM figures through it."""

import json
import subprocess

import pytest

from irkit.evaluate import evaluate
from irkit.io import load_collection, read_run
from irkit.lucene import Index
from irkit.lucene.jvm import java_home, lucene_jar
from irkit.recipe import collection_index, load_recipe

pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.fixture(scope="module")
def cacm(data_folder):
    return load_collection("cacm-html")


@pytest.mark.parametrize(
    ("recipe", "ap", "p30"),
    [
        ("bm25", 0.3123, 0.1942),
        ("lucene-qld", 0.3265, 0.1942),
        ("bm25-rm3-anserini", 0.3648, 0.2224),
        ("qld-rm3-anserini", 0.3629, 0.2250),
    ],
)
def test_the_published_figures_of_cacm_are_reproduced_to_four_decimals(cacm, recipe, ap, p30):
    loaded = load_recipe(recipe)
    if "rm3" not in recipe:
        loaded = loaded.with_settings({"ties": "anserini"})
    found = loaded.build(index=collection_index(cacm)).run(cacm.queries())
    means = evaluate(found, cacm.qrels(), "AP P@30").means
    assert round(means["AP"], 4) == ap
    assert round(means["P@30"], 4) == p30


def run_java(name, *arguments):
    command = [str(java_home() / "bin" / "java"), "-Xmx2g", "-cp", str(lucene_jar()), name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


def test_top_hundred_lists_are_those_of_anserinis_own_rm3(data_folder, tmp_path):
    cranfield = load_collection("cranfield")
    (tmp_path / "json").mkdir()
    with (tmp_path / "json" / "documents.jsonl").open("w") as out:
        for document in cranfield.documents():
            out.write(json.dumps({"id": document.docno, "contents": document.text}) + "\n")
    queries = cranfield.queries()
    texts = [" ".join(text.split()) for text in queries["query"]]
    (tmp_path / "topics.tsv").write_text("".join(f"{q}\t{t}\n" for q, t in zip(queries["qid"], texts, strict=True)))
    index, run = tmp_path / "index", tmp_path / "rm3.run"
    run_java(
        "io.anserini.index.IndexCollection",
        *("-collection", "JsonCollection", "-generator", "DefaultLuceneDocumentGenerator"),
        *("-threads", 1, "-input", tmp_path / "json", "-index", index, "-storeDocvectors"),
    )
    run_java(
        "io.anserini.search.SearchCollection", "-index", index, "-topics", tmp_path / "topics.tsv",
        "-topicReader", "TsvString", "-output", run, "-bm25", "-rm3", "-hits", 100,
    )  # fmt: skip
    theirs = read_run(run).groupby("qid")["docno"].agg(set)
    ours = load_recipe("bm25-rm3-anserini").build(index=Index.open(index)) % 100
    lists = ours(queries.assign(query=texts)).groupby("qid")["docno"].agg(set)
    overlaps = [len(theirs[qid] & lists[qid]) / len(theirs[qid]) for qid in queries["qid"]]
    assert sum(overlaps) / len(overlaps) >= 0.99

"""Tests of `irkit features`: what a recipe's ranker would learn from, in a file and back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from irkit.io import load_collection, read_letor
from irkit.pipeline import DropSelf, Topics
from irkit.pipeline.learned import Learned
from irkit.recipe import collection_index, load_recipe

QIDS = [f"lee-{number:02}" for number in range(1, 6)]


def test_the_file_holds_what_the_ranker_would_learn_from(irkit, folder):
    done = irkit("features", "bm25-features-linear", "lee", "--set", "0.n=20", "-o", "lee.txt.gz")
    *names, last = done.lines
    assert names[:4] == [
        "   1  rescore()", "   2  rescore(model='ql-dirichlet', mu='auto')", "   3  rescore(model='tf-idf')",
        "   4  length",
    ]  # fmt: skip
    assert last.startswith("lee.txt.gz: 50 queries, 937 lines, 20 features, data ")
    pool = read_letor(folder / "lee.txt.gz")
    lee = load_collection("lee")
    with collection_index(lee) as index:
        pipeline = load_recipe("bm25-features-linear").with_settings({"0.n": 20}).build(index=index)
        retrieve, features, normalise, _ = pipeline.parts
        hits = DropSelf().run((retrieve >> features >> normalise).run(lee.queries()))
    keys = ["qid", "docno"]
    ours, read = (
        one.frame()[[*keys, "features"]].sort_values(keys, ignore_index=True) for one in (hits, pool.candidates)
    )
    pd.testing.assert_frame_equal(ours[keys], read[keys], check_dtype=False)
    np.testing.assert_array_equal(np.stack(ours["features"]), np.stack(read["features"]))
    judged = lee.qrels().set_index(keys)["label"]
    labels = pool.qrels.set_index(keys)["label"]
    assert (labels == judged.reindex(labels.index, fill_value=0)).all()
    # and a ranker learns the same from it
    ranker = Learned(model="linear")
    fitted = [ranker.fit(Topics(one.of(QIDS), lee.qrels())).run(one) for one in (hits, pool.candidates)]
    scores = [one.frame().set_index(keys)["score"].sort_index() for one in fitted]
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-9)


def test_an_index_needs_files_of_queries_and_judgements(irkit, folder, lee_index):
    recipe = folder / "own.yaml"
    recipe.write_text("needs: [index]\nstages: [{use: lucene, n: 3}, {use: lengths}, {use: coordination}]\n")
    (folder / "q.tsv").write_text("1\tbushfires near Sydney\n2\tstorm\n")
    (folder / "q.qrels").write_text("1 0 background-001 2\n")
    done = irkit("features", recipe, lee_index, "--queries", "q.tsv", "--qrels", "q.qrels", "-o", "own.txt")
    lines = (folder / "own.txt").read_text().splitlines()
    assert [line[:8] for line in lines] == ["2 qid:1 ", "0 qid:1 ", "0 qid:1 "]
    assert lines[0].endswith("#docid = background-001")
    assert "1 query, 1 without judgements left out, 3 lines, 6 features" in done.out
    message = "is an index and has no judgements; give a file with --qrels"
    assert message in irkit("features", recipe, lee_index, "--queries", "q.tsv", status=2).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bm25", "lee"], "features: recipe bm25 makes no features; put pipelines side by side with use: features"),
        (["bm25-features-linear", "lee", "--split", "x"], "there is no split 'x'"),
        (["only.yaml", "lee"], "goes from results to results"),
        (["bm25-features-linear", "lee", "--qrels", "none.qrels"], "features: none of the 50 queries is judged; give"),
    ],
)
def test_mistakes_are_said_in_one_line(irkit, folder, arguments, message):
    (folder / "only.yaml").write_text("needs: [train]\nstages: [{use: learned}]\n")
    (folder / "none.qrels").write_text("x 0 background-001 2\n")
    done = irkit("features", *arguments, status=2)
    assert message in done.err
    assert (done.err.count("\n"), done.out) == (1, "")

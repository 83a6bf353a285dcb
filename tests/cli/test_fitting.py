"""Tests of irkit.cli.fitting: `irkit run` of a recipe that learns."""

import json

import pytest

from irkit.io import load_collection

LEARNED = "learned-bm25-ql-tf-idf"


@pytest.fixture
def half(folder):
    """Judgements of half of Lee's queries, as a file."""
    qrels = load_collection("lee").qrels()
    chosen = qrels[qrels["qid"].isin(sorted(qrels["qid"].unique())[:25])]
    path = folder / "half.qrels"
    path.write_text("".join(f"{qid} 0 {docno} {label}\n" for qid, docno, label in chosen.itertuples(index=False)))
    return path


@pytest.fixture
def split(folder):
    """A collection with a training and a test part: a document that is told by the second word is right."""
    place = folder / "split"
    (place / "qrels").mkdir(parents=True)
    rows = [{"_id": f"d{i}", "title": "", "text": f"storm {'wind' * (i % 2) or 'rain'} word{i}"} for i in range(8)]
    (place / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    queries = [{"_id": f"q{i}", "text": "storm wind"} for i in range(4)]
    (place / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    for name, qids in (("train", ("q0", "q1")), ("test", ("q2", "q3"))):
        lines = "".join(f"{qid}\td{i}\t1\n" for qid in qids for i in (1, 3))
        (place / "qrels" / f"{name}.tsv").write_text("query-id\tcorpus-id\tscore\n" + lines)
    return place


def test_a_recipe_that_learns_is_fitted_on_a_split(irkit, split, folder):
    done = irkit("run", LEARNED, split, "--train", "train")
    assert "learned-bm25-ql-tf-idf.run: 2 queries, 16 lines" in done.out
    assert done.out.rstrip().endswith("; fitted on 2 queries of train")
    lines = (folder / f"{LEARNED}.run").read_text().splitlines()
    assert {line.split()[0] for line in lines} == {"q2", "q3"}
    assert lines[0].split()[2] in ("d1", "d3", "d5", "d7")


def test_queries_that_a_file_judges_are_learned_from_and_left_out(irkit, half, folder):
    done = irkit("run", LEARNED, "lee", "--train", half, "-o", "x.run")
    assert "x.run: 25 queries" in done.out
    assert f"; fitted on 25 queries of {half}, 25 of them left out of the run" in done.out
    judged = {line.split()[0] for line in half.read_text().splitlines()}
    assert judged.isdisjoint(line.split()[0] for line in (folder / "x.run").read_text().splitlines())


def test_what_is_missing_or_wrong_is_said_in_a_line(irkit, split, folder):
    def said(*arguments):
        return irkit(*arguments, status=2).err

    assert "learns from judgements; name them with --train: a split" in said("run", LEARNED, split)
    assert "recipe bm25: learns from no judgements; leave out --train train" in said(
        "run", "bm25", split, "--train", "train"
    )
    assert "has no split 'trian'; did you mean train?, or give --train a file" in said(
        "run", LEARNED, split, "--train", "trian"
    )
    assert "lee has no splits; give --train a file of judgements" in said("run", LEARNED, "lee", "--train", "train")
    assert "all 2 queries are learned from; run others" in said("run", LEARNED, split, "--train", "test")
    (folder / "other.qrels").write_text("q77 0 d1 1\n")
    assert "judges none of the 2 queries" in said("run", LEARNED, split, "--train", "other.qrels")
    assert "learns, which this command does not fit; use irkit run --train" in said(
        "explain", LEARNED, split, "q2", "d1"
    )
    assert "learns, which this command does not fit; use irkit recommend" in said("run", "ease", split)

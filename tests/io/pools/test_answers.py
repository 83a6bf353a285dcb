"""Tests of irkit.io.pools.answers."""

from __future__ import annotations

import gzip
import json

import pytest

from irkit.errors import ConfigError, DataError
from irkit.evaluate import evaluate
from irkit.io import load_collection, load_pools
from irkit.io.pools.answers import answers, begins_as_answers
from irkit.pipeline import Topics
from irkit.rank import Overlap

LINES = [
    ("who wrote hamlet", "it is a play, they say", 0),
    ("where is rome", "in italy", 1),
    ("who wrote hamlet", "shakespeare wrote it", 1),
]


HAMLET = "who-wrote-hamlet-7f47dcc6"


def csv(rows, names="question,answer,label"):
    cells = [",".join(f'"{cell}"' for cell in row) for row in rows]
    return "\n".join([names, *cells]) + "\n"


def tsv(rows):
    return "\n".join(["question\tanswer\tlabel", *("\t".join(map(str, row)) for row in rows)]) + "\n"


def jsonl(rows, **names):
    keys = [names.get(key, key) for key in ("question", "answer", "label")]
    return "".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in rows)


def found(pool):
    rows = pool.results.merge(pool.qrels, on=["qid", "docno"]).merge(pool.queries, on="qid", suffixes=("", "_"))
    return sorted(rows[["query", "text", "label"]].values.tolist())


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "A.CSV", "a.csv.gz"])
def test_a_line_is_an_answer(tmp_path, name):
    write = {"csv": csv, "tsv": tsv, "jsonl": jsonl}[name.lower().removesuffix(".gz").split(".")[1]]
    raw = write(LINES).encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    assert begins_as_answers(tmp_path / name)
    pool = answers([tmp_path / name], "test")
    assert found(pool) == sorted(map(list, LINES))
    qids = [HAMLET, "where-is-rome-85eb4eba"]
    assert pool.queries.values.tolist() == [[qids[0], "who wrote hamlet"], [qids[1], "where is rome"]]
    assert sorted(pool.results["docno"]) == [f"{qids[1]}-1", f"{qids[0]}-1", f"{qids[0]}-2"]


def test_columns_may_have_other_names_an_order_of_their_own_and_others_beside_them(tmp_path):
    text = "Relevance,page,Question_ID,Sentence,Query,answer_id\n2,x,Q7,shakespeare,who wrote hamlet,D1\n"
    (tmp_path / "a.csv").write_text(text + "0,y,Q7,it is a play,who wrote hamlet,D0\n0,z,Q9,shakespeare,who?,D1\n")
    pool = answers([tmp_path / "a.csv"], "test")
    rows = pool.qrels.values.tolist()
    assert rows == [["Q7", "D1", 2], ["Q7", "D0", 0], ["Q9", "D1", 0]]
    assert pool.queries.values.tolist() == [["Q7", "who wrote hamlet"], ["Q9", "who?"]]


def test_truth_values_of_json_are_labels(tmp_path):
    (tmp_path / "a.jsonl").write_text(jsonl([("a", "b", True), ("a", "c", False)], label="correct", answer="candidate"))
    assert found(answers([tmp_path / "a.jsonl"], "test")) == [["a", "b", 1], ["a", "c", 0]]


@pytest.mark.parametrize(("true", "false"), [("True", "False"), ("TRUE", "FALSE"), ("1.0", "0.0")])
def test_truth_values_and_numbers_as_other_programs_write_them_are_labels(tmp_path, true, false):
    (tmp_path / "a.csv").write_text(csv([("a", "b", true), ("a", "c", false)]))
    assert found(answers([tmp_path / "a.csv"], "test")) == [["a", "b", 1], ["a", "c", 0]]


def test_several_files_of_a_part_have_questions_of_their_own(tmp_path):
    for name, rows in (("a", LINES), ("b", [("who?", "me", 1)]), ("c", LINES[:1])):
        (tmp_path / f"{name}.csv").write_text(csv(rows))
    a, b, c = (tmp_path / f"{name}.csv" for name in "abc")
    assert len(answers([a, b], "train")) == 3
    with pytest.raises(DataError, match=f"train: the query '{HAMLET}' is in two files of one part"):
        answers([a, c], "train")


def test_a_question_is_the_same_in_every_part_whatever_stands_around_it(tmp_path):
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").write_text(csv([(" who wrote hamlet\n", f" {part} ", 1)]))
        pool = answers([tmp_path / f"{part}.csv"], part)
        assert pool.queries.values.tolist() == [[HAMLET, "who wrote hamlet"]]
        assert pool.results["text"].tolist() == [part]


def test_questions_of_any_script_and_of_signs_alone_have_names_of_their_own(tmp_path):
    texts = ["où est 東京？", "??", "!!", "a" * 500, "a" * 501]
    (tmp_path / "a.csv").write_text(csv([(text, "b", 1) for text in texts]))
    qids = answers([tmp_path / "a.csv"], "test").queries["qid"].tolist()
    assert qids[0].startswith("où-est-東京-")
    assert len(set(qids)) == 5
    assert max(map(len, qids)) == 41


def test_ties_tell_nothing_of_the_labels(tmp_path):
    """Right answers come first in the file, and not among answers without a score that tells them apart."""
    rows = [(f"q{i}", f"{'right' if k == 0 else 'wrong'} {i} {k}", int(k == 0)) for i in range(200) for k in range(4)]
    (tmp_path / "a.csv").write_text(csv(rows))
    pool = answers([tmp_path / "a.csv"], "test")
    value = evaluate(pool.results, pool.qrels, "P@1").means["P@1"]
    assert 0.15 < value < 0.35


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (csv([]), "1: there is no answer in the file; check that it was written completely"),
        (csv([("a", "b", "yes")]), "2: the label must be a whole number, got 'yes'; correct the line"),
        (csv([("a", "b", "-1")]), "2: the label must be 0 or greater, got -1; correct the line"),
        (csv([("a", " ", "1")]), "2: the answer must be a text, got ' '; correct the line, or take it out"),
        (csv([("", "b", "1")]), "2: the question must be a text, got none; correct the line, or take it out"),
        ("question,answer,label\na,b\n", "2: 3 columns (question, answer, label) are needed, got 2; correct the line"),
        (
            csv([("a", "b", 1), ("a", " b", 0)]),
            "3: the answer has the label 0, and 1 in line 2; correct one of them, or give answers ids",
        ),
        (
            csv([("a", "b")], "question,answer"),
            "2: a column label or relevance or correct is needed, got question, answer",
        ),
        (
            csv([("1", "a", "b", "0"), ("1", "c", "b", "0")], "qid,question,answer,label"),
            "3: the question '1' has another text before; give each its own id",
        ),
        (
            csv([("1", "a", "b", "0"), ("1", "a", "b", "0")], "docno,question,answer,label"),
            "3: the answer '1' of the question 'a-ca234c55' occurs twice, first in line 2; remove one of them",
        ),
        (
            csv([("1", "a", "b", "0"), ("1", "c", "d", "0")], "docno,question,answer,label"),
            "3: the answer '1' has another text before; give each its own id",
        ),
        (
            csv([("", "a", "b", "0")], "qid,question,answer,label"),
            "2: the qid must be a string or a whole number, got none; give every line one",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError) as error:
        answers([tmp_path / "a.csv"], "test")
    assert str(error.value).startswith(f"{tmp_path / 'a.csv'}:{says}")


def test_ids_of_some_lines_only_are_refused(tmp_path):
    rows = [{"qid": "1", "question": "a", "answer": "b", "label": 1}, {"question": "c", "answer": "d", "label": 0}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="2: the question has no id, and others have; give every line one, or none"):
        answers([tmp_path / "a.jsonl"], "test")


def test_files_of_other_names_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"a.txt: tables of answers are called \*.csv, \*.tsv, \*.jsonl; rename it"):
        answers([tmp_path / "a.txt"], "test")


@pytest.mark.parametrize(
    "text", ["1,2\n3,4\n", "question,answer\na,b\n", "question;answer;label\na;b;1\n", '"question', ""]
)
def test_other_tables_are_no_pools(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    assert not begins_as_answers(tmp_path / "a.csv")


@pytest.mark.parametrize("rest", ["", '"a,b,1\n', "a,b\n", "a,b,c,1\n", "k\xf6ln,b,1\n"])
def test_a_table_is_known_by_its_columns_whatever_is_wrong_below(tmp_path, rest):
    (tmp_path / "a.csv").write_bytes(b"question,answer,label\n" + rest.encode("latin-1"))
    assert begins_as_answers(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a.csv:\d: "):
        load_pools(tmp_path / "a.csv").pool("train")


# ------------------------------------------------------------------------------------------------ without a card


def test_columns_that_are_not_known_are_named(tmp_path):
    (tmp_path / "a.csv").mkdir()
    (tmp_path / "train.csv").write_text("question;answer;label\na;b;1\n")
    says = r"holds no pools \(the columns of train.csv are question;answer;label\); name a file"
    for place in (tmp_path, tmp_path / "train.csv"):
        with pytest.raises(ConfigError, match=says):
            load_pools(place)


@pytest.mark.parametrize("names", [("train.csv", "dev.csv", "test.csv"), ("train.tsv", "valid.tsv.gz", "test.jsonl")])
def test_a_folder_is_opened_without_a_card(tmp_path, names):
    for part, name in zip("abc", names, strict=True):
        rows = [(f"{part} {question}", *others) for question, *others in LINES]
        kind = name.removesuffix(".gz").split(".")[1]
        raw = {"csv": csv, "tsv": tsv, "jsonl": jsonl}[kind](rows).encode()
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    pools = load_pools(tmp_path)
    assert (pools.parts(), pools.folds) == (("train", "valid", "test"), 1)
    assert pools.pool("valid").queries["query"].tolist() == ["b who wrote hamlet", "b where is rome"]
    train, test = (pools.pool(part) for part in ("train", "test"))
    ranked = Overlap().fit(Topics(train.candidates, train.qrels)).run(test.candidates)
    assert ranked.frame().query("rank == 0")["text"].tolist() == ["shakespeare wrote it", "in italy"]


def test_whoever_asks_such_a_folder_for_documents_is_told_what_it_is(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.csv").write_text(csv(LINES))
    with pytest.raises(
        ConfigError, match="mine: holds pools and no texts; use load_pools, or name it under 'pools' in a"
    ):
        load_collection(tmp_path / "mine")


def test_a_file_alone_is_the_training_part(tmp_path):
    (tmp_path / "mine.csv").write_text(csv(LINES))
    assert load_pools(tmp_path / "mine.csv").parts() == ("train",)


def test_folds_are_opened_without_a_card(tmp_path):
    for fold in ("Fold1", "Fold2"):
        (tmp_path / fold).mkdir()
        for part in ("train", "test"):
            (tmp_path / fold / f"{part}.csv").write_text(csv([(f"{fold} {part}", "b", 1)]))
    pools = load_pools(tmp_path)
    asked = [pools.queries(part, fold) for fold in (0, 1) for part in ("train", "test")]
    assert [queries["query"].tolist() for queries in asked] == [
        ["Fold1 train"],
        ["Fold1 test"],
        ["Fold2 train"],
        ["Fold2 test"],
    ]
    assert len({qid for queries in asked for qid in queries["qid"]}) == 4


def test_two_files_of_a_part_compete(tmp_path):
    for name in ("train.csv", "train.tsv"):
        (tmp_path / name).write_text({"csv": csv, "tsv": tsv}[name[6:]](LINES))
    with pytest.raises(ConfigError, match=r"train.csv and train.tsv compete; keep one or write a card.yaml"):
        load_pools(tmp_path)

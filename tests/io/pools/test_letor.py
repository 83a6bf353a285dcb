"""Feature files read: by hand, the fast way against the slow one, and what is wrong with a line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import DataError, NotFoundError
from irkit.io import read_letor
from irkit.io.pools import letor as module
from irkit.io.pools.letor import begins_as_letor, letor

LETOR4 = (
    "2 qid:10 1:0.5 2:-3 3:1e-3 #docid = GX1-1 inc = 1 prob = 0.0246906\n"
    "0 qid:10 1:0.25 2:0 3:7 #docid = GX2 inc = 0.6 prob = 0.4\n"
    "1 qid:9 1:1 2:2 3:3 #docid = GX1-1 inc = 1 prob = 1\n"
)


def written(folder: Path, text: str, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def rows(pool) -> dict[tuple[str, str], list[float]]:
    frame = pool.results
    return {
        (qid, docno): list(x) for qid, docno, x in zip(frame["qid"], frame["docno"], frame["features"], strict=True)
    }


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_letor_4_by_hand(tmp_path, name, end):
    pool = read_letor(written(tmp_path, LETOR4.replace("\n", end), name))
    assert pool.queries["qid"].tolist() == ["10", "9"]
    assert pool.qrels.values.tolist() == [["10", "GX1-1", 2], ["10", "GX2", 0], ["9", "GX1-1", 1]]
    assert rows(pool) == {
        ("10", "GX1-1"): [0.5, -3.0, 0.001],
        ("10", "GX2"): [0.25, 0.0, 7.0],
        ("9", "GX1-1"): [1.0, 2.0, 3.0],
    }
    assert pool.results["score"].tolist() == [0, 0, 0]
    assert pool.results["docno"].tolist() == ["GX2", "GX1-1", "GX1-1"], "equal scores by docno descending"
    assert pool.counts() == {"queries": 2, "candidates": 3, "relevant": 2}


@pytest.mark.parametrize(
    ("comment", "docno"),
    [
        ("#docid = GX008-86-4444840 inc = 1 prob = 0.086622", "GX008-86-4444840"),
        ("#docid=40626", "40626"),
        ("# docid = 40626", "40626"),
        ("#DOCNO = x#y", "x#y"),
        ("# 1A", "1A"),
        ("#1A", "1A"),
        ("# two words", "q-1"),
        ("#", "q-1"),
        ("# mydocid = 5 z", "q-1"),
        ("", "q-1"),
    ],
)
def test_a_comment_names_the_document_or_the_line_does(tmp_path, comment, docno):
    pool = read_letor(written(tmp_path, f"1 qid:q 1:1 {comment}\n"))
    assert pool.qrels["docno"].tolist() == [docno]


def test_features_that_a_line_leaves_out_are_0_and_null_is_missing(tmp_path):
    pool = read_letor(written(tmp_path, "1 qid:q 2:5 # a\n0 qid:q # b\n\n# only this\n0 qid:q 1:NULL 4:2\t \n"))
    found = rows(pool)
    assert found["q", "a"] == [0, 5, 0, 0]
    assert found["q", "b"] == [0, 0, 0, 0]
    assert np.isnan(found["q", "q-3"][0])
    assert found["q", "q-3"][1:] == [0, 0, 2]
    assert rows(pool.filled(-1))["q", "q-3"] == [-1, 0, 0, 2]


def test_lines_of_a_query_need_not_stand_together_and_labels_may_be_written_as_reals(tmp_path):
    pool = read_letor(written(tmp_path, "1.0 qid:b 1:1\n-1 qid:a 1:2\n0 qid:b 1:3\n"))
    assert pool.queries["qid"].tolist() == ["b", "a"]
    assert pool.qrels.values.tolist() == [["b", "b-1", 1], ["a", "a-1", -1], ["b", "b-2", 0]]
    assert rows(pool)["b", "b-2"] == [3]


def test_any_order_of_features_and_any_blanks_are_read_alike(tmp_path):
    plain = read_letor(written(tmp_path, "1 qid:q 1:1 2:2 3:3 # a\n"))
    for line in ("1 qid:q 3:3 1:1 2:2 # a\n", "1\tqid:q\t1:1\t2:2\t3:3\t# a\n", " 1  qid:q  1:1   2:2 3:3   # a\n"):
        assert rows(read_letor(written(tmp_path, line))) == rows(plain)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1 1:2", "a query qid:<id> must follow the label, got '1:2'; correct the line"),
        ("1", "a query qid:<id> must follow the label, got 'nothing'"),
        ("1 qid: 1:2", "a query qid:<id> must follow the label, got 'qid:'"),
        ("x qid:1 1:2", "the label must be a whole number, got 'x'"),
        ("0.5 qid:1 1:2", "the label must be a whole number, got '0.5'"),
        ("1 qid:1 1", "a feature is <number>:<value>, got '1'; correct the line; a comment begins with #"),
        ("1 qid:1 1:", "the feature 1 must be a finite number, got 'nothing'"),
        ("1 qid:1 1:2:3 4", "the feature 1 must be a finite number, got '2:3'"),
        ("1 qid:1 1:nan", "the feature 1 must be a finite number, got 'nan'"),
        ("1 qid:1 1:inf", "the feature 1 must be a finite number, got 'inf'"),
        ("1 qid:1 1:1e999", "the feature 1 must be a finite number, got '1e999'"),
        ("1 qid:1 1:1_0", "the feature 1 must be a finite number, got '1_0'"),
        ("1 qid:1 1:null", "the feature 1 must be a finite number, got 'null'"),
        ("1 qid:1 a:1", "the number of a feature must be a whole number, got 'a'"),
        ("1 qid:1 0x2:1", "the number of a feature must be a whole number, got '0x2'"),
        ("1 qid:1 1:2 # a\r0 qid:1 1:3 # b", "a carriage return stands within the line; end lines by line feeds"),
        ("1 qid:1 0:1", "the number of a feature must lie within 1..100,000, got 0; number them from 1"),
        ("1 qid:1 100001:1", "the number of a feature must lie within 1..100,000, got 100001"),
        ("1 qid:1 1:1 1:2", "the feature 1 occurs twice; remove one of them"),
        ("1 qid:5 1:1 # d", "the document 'd' of the query '5' occurs twice, first in line 1"),
        ("1 qid:\u202e 1:1", "the id of a query holds the control or invisible character U+202E"),
        ("1 qid:1 1:1 # \u202e", "the id of a document holds the control or invisible character U+202E"),
    ],
)
def test_a_wrong_line_is_explained_with_its_number(tmp_path, line, says):
    path = written(tmp_path, f"0 qid:5 1:1 2:2 # d\n\n{line}\n0 qid:6 1:1\n")
    with pytest.raises(DataError) as caught:
        read_letor(path)
    assert str(caught.value).startswith(f"{path}:3: {says}")


def test_bytes_that_are_no_utf_8_are_explained(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"1 qid:1 1:1\n1 qid:\xff 1:1\n")
    with pytest.raises(DataError, match=r"a\.txt:2: not valid utf-8: byte 0xff"):
        read_letor(path)


@pytest.mark.parametrize(
    ("text", "says"), [("", "the file is empty"), ("# a\n\n", "there is no candidate in the file")]
)
def test_a_file_without_candidates_is_explained(tmp_path, text, says):
    with pytest.raises(DataError, match=says):
        read_letor(written(tmp_path, text))
    with pytest.raises(NotFoundError, match="there is no such file"):
        read_letor(tmp_path / "b.txt")


def test_a_cut_archive_is_explained(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(LETOR4.encode() * 50)[:-20])
    with pytest.raises(DataError, match="the gzip stream is cut short or damaged"):
        read_letor(path)


def test_a_line_cannot_ask_for_all_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 1000)
    path = written(tmp_path, "1 qid:1 2:1\n" * 3 + "1 qid:1 600:1\n")
    with pytest.raises(DataError, match="4 candidates of 600 features each are more than memory is made for"):
        read_letor(path)


def test_blocks_of_any_size_give_the_same(tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    lines = [
        f"{rng.integers(3)} qid:{i // 4} " + " ".join(f"{j}:{rng.normal()!r}" for j in range(1, 1 + rng.integers(6)))
        for i in range(40)
    ]
    path = written(tmp_path, "\n".join(line.replace("np.float64(", "").replace(")", "") for line in lines) + "\n")
    whole = read_letor(path)
    monkeypatch.setattr(module, "_BLOCK", 100)
    parts = read_letor(path)
    np.testing.assert_array_equal(whole.candidates.columns["features"], parts.candidates.columns["features"])
    assert whole.qrels.equals(parts.qrels)


def test_files_of_one_part_are_put_together_and_the_widest_says_how_many_features_there_are(tmp_path):
    one, two = written(tmp_path, "1 qid:1 1:5 # a\n", "one"), written(tmp_path, "0 qid:2 3:4 # a\n", "two")
    pool = letor([one, two], "train")
    assert rows(pool) == {("1", "a"): [5, 0, 0], ("2", "a"): [0, 0, 4]}
    assert pool.qrels.values.tolist() == [["1", "a", 1], ["2", "a", 0]]
    with pytest.raises(DataError, match="train: the query '1' is in two files of one part; name each file once"):
        letor([one, one], "train")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (LETOR4, True),
        ("# head\n\n+1.0\tqid:a 1:1\n", True),
        ("the qid: of 1\n", False),
        ("1 2:3\n", False),
        ("1 qid: x\n", False),
    ],
)
def test_a_feature_file_is_known_by_its_first_line(tmp_path, text, is_one):
    assert begins_as_letor(written(tmp_path, text)) is is_one
    assert begins_as_letor(written(tmp_path, text, "a.gz")) is is_one


VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["NULL", "0", "-0", "+1", "1.", ".5", "1e5", "1E-5", "007", "nan", "inf", "", "1_0", "x", "0x1", "1e400"]
    ),
)
CELLS = st.lists(st.tuples(st.sampled_from([*"123456789", "+2", "02", "1.0", "", "0"]), VALUES), max_size=5)


@settings(max_examples=100, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=4), st.sampled_from([" ", "  ", "\t"]))
def test_parsing_at_once_finds_what_parsing_one_by_one_does(lines, blank):
    cells = [blank.join(f"{number}:{value}" for number, value in line).replace("\t", " ").encode() for line in lines]
    fast = module._at_once(cells, Path("a"))
    block = [(module._Row(i, 0, "q", ""), line) for i, line in enumerate(cells)]
    if fast is not None:
        np.testing.assert_array_equal(fast, slow := module._one_by_one(block, Path("a")))
        np.testing.assert_array_equal(np.signbit(fast), np.signbit(slow))


def test_usual_lines_are_parsed_at_once():
    assert module._at_once([b"1:0.5 2:NULL", b"", b"3:-1e-3"], Path("a")) is not None

"""Run files: reading, writing, and the order that trec_eval makes of them."""

from __future__ import annotations

import gzip
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import DataError, FrameError
from irkit.evaluate import evaluate
from irkit.hits import Docnos, Hits
from irkit.ids import hides
from irkit.io import read_run, write_run
from irkit.io.documents.runs import keep_order, read_tagged_run


def results(rows: list[tuple], columns=("qid", "docno", "score")) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype({"qid": "str", "docno": "str"})


def hits(rows: list[tuple[str, str, float]], ties="trec") -> Hits:
    return Hits.from_frame(results(rows), ties=ties)


def test_a_run_is_ordered_by_score_then_docno_descending_whatever_its_ranks_say(tmp_path):
    path = tmp_path / "run"
    path.write_text("2 Q0 a 1 0.5 x\n1 Q0 a 1 1 x\n1 Q0 c 7 1.0 y\n1 Q0 b 2 2e0 x\n2 Q0 b 1 -3 x\n")
    frame = read_run(path)
    assert list(frame.columns) == ["qid", "docno", "score", "rank"]
    assert frame.to_records(index=False).tolist() == [
        ("2", "a", 0.5, 0),
        ("2", "b", -3.0, 1),
        ("1", "b", 2.0, 0),
        ("1", "c", 1.0, 1),
        ("1", "a", 1.0, 2),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "1\tQ0\td 1\t1\t2.5\tx\n".replace("d 1", "d1"),
        "1 Q0 d1 1 2.5 x\r\n",
        "\n  1  Q0 d1   1 2.5   x  \n\n",
        "\ufeff1 Q0 d1 1 2.5 x",
        '1 Q0 d1 1 2.5 "x\n',
    ],
    ids=["tabs", "crlf", "blanks", "mark", "quote"],
)
def test_white_space_is_free(tmp_path, text):
    path = tmp_path / "run"
    path.write_bytes(text.encode())
    assert read_run(path).to_records(index=False).tolist() == [("1", "d1", 2.5, 0)]
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_run(packed).equals(read_run(path))


def test_another_encoding(tmp_path):
    path = tmp_path / "run"
    path.write_bytes("1 Q0 é 1 2.5 x\n".encode("latin-1"))
    assert read_run(path, encoding="latin-1")["docno"].tolist() == ["é"]


def test_what_is_written(tmp_path):
    path = tmp_path / "run"
    write_run(hits([("7", "a", 0.1), ("7", "b", 1 / 3), ("8", "a", 1e-7)]), path, tag="mine")
    assert path.read_text() == "7 Q0 b 1 0.3333333333333333 mine\n7 Q0 a 2 0.1 mine\n8 Q0 a 1 1e-7 mine\n"


def test_queries_without_hits_write_nothing(tmp_path):
    path = tmp_path / "run"
    queries = pd.DataFrame({"qid": ["1", "2"]}, dtype="str")
    write_run(Hits.ranked(queries, np.array([1]), np.array([0]), np.array([1.0]), Docnos(["d"])), path)
    assert path.read_text() == "2 Q0 d 1 1 irkit\n"


ids = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters=" \t\n\r\v\f"), min_size=1, max_size=4)
ids = ids.filter(lambda text: hides(text) is None)
scores = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.tuples(ids, ids), scores, min_size=1, max_size=12))
def test_round_trip_is_exact_where_trec_eval_agrees_with_the_order(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("run") / "run"
    given = hits([(q, d, s) for (q, d), s in rows.items()]).frame()
    write_run(given, path)
    assert read_run(path).equals(given[["qid", "docno", "score", "rank"]])


def trec_order(score: list[float], docno: list[str], single: bool) -> list[int]:
    """What sorting by (score descending, docno descending) makes of a list, as trec_eval does."""
    keys = [float(np.float32(s)) if single else s for s in score]
    by_docno = sorted(range(len(score)), key=lambda i: docno[i].encode(), reverse=True)
    return sorted(by_docno, key=lambda i: -keys[i])


def slow_keep_order(score: list[float], docno: list[str]) -> list[float]:
    """Lower scores one by one."""
    written = [score[0]]
    for i in range(1, len(score)):
        before = np.float32(written[-1])
        falls = docno[i].encode() > docno[i - 1].encode() or score[i] > score[i - 1]
        highest = np.nextafter(before, np.float32(-np.inf)) if falls else before
        if np.float32(score[i]) > highest or (np.float32(score[i]) == highest and not falls and score[i] > written[-1]):
            written.append(float(highest))
        else:
            written.append(score[i])
    return written


close = st.sampled_from(
    [0.0, -0.0, 1.0, 1 + 1e-9, 1 - 1e-9, 1 + 2**-23, 1 - 2**-24, 0.1, 1e-45, -1.0, -1 - 1e-9, 3e38, 1 / 3]
)


# Ties at the least number of all have no lower score and are refused, as a test below says.
lowerable = st.floats(min_value=float(np.float32(-3e38)), width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.tuples(close | lowerable, st.booleans()), max_size=7), min_size=1, max_size=4), st.randoms()
)
def test_keep_order_equals_a_slow_oracle_and_both_sorts_give_the_order_back(lists, random):
    ptr, all_scores, all_docnos = [0], [], []
    for rows in lists:
        values = sorted((score for score, _ in rows), reverse=True)
        names = [f"d{i}" for i in range(len(rows))]
        random.shuffle(names)
        all_scores += values
        all_docnos += names
        ptr.append(len(all_scores))
    rank = Docnos(sorted(set(all_docnos))).rows(all_docnos) if all_docnos else np.zeros(0, dtype=np.int64)
    kept = keep_order(np.array(ptr), np.array(all_scores), rank)
    for start, end in pairwise(ptr):
        if start == end:
            continue
        part, names = kept[start:end].tolist(), all_docnos[start:end]
        assert part == slow_keep_order(all_scores[start:end], names)
        assert trec_order(part, names, single=True) == list(range(end - start))
        assert trec_order(part, names, single=False) == list(range(end - start))


def test_scores_in_order_are_left_alone():
    score = np.array([3.0, 2.0, 2.0, 1.0, 5.0, 5.0])
    kept = keep_order(np.array([0, 4, 6]), score, np.array([0, 9, 3, 4, 2, 1]))
    assert kept is score


def test_ties_in_ascending_order_are_lowered_by_single_steps(tmp_path):
    path = tmp_path / "run"
    write_run(hits([("1", "a", 2.0), ("1", "b", 2.0), ("1", "c", 2.0), ("1", "d", 1.0)], ties="anserini"), path)
    frame = read_run(path)
    assert frame["docno"].tolist() == ["a", "b", "c", "d"]
    one = np.nextafter(np.float32(2), np.float32(0))
    assert frame["score"].tolist() == [2.0, float(one), float(np.nextafter(one, np.float32(0))), 1.0]


def test_trec_eval_reproduces_the_order_of_a_run_with_anserinis_ties(tmp_path):
    import ir_measures

    # Scores differ by less than single precision can hold, or not at all; ids ascend.
    given = [(f"d{i}", 7.0 - (i // 3) * 1e-9) for i in range(9)]
    path = tmp_path / "run"
    write_run(hits([("1", docno, score) for docno, score in given], ties="anserini"), path)
    qrels = [ir_measures.Qrel("1", "d2", 1), ir_measures.Qrel("1", "d5", 1)]
    run = list(ir_measures.read_trec_run(str(path)))
    found = ir_measures.pytrec_eval.calc_aggregate([ir_measures.AP, ir_measures.RR], qrels, run)
    assert found[ir_measures.AP] == pytest.approx((1 / 3 + 2 / 6) / 2, abs=1e-4)
    assert found[ir_measures.RR] == pytest.approx(1 / 3, abs=1e-4)


def test_a_frame_is_written_in_the_order_of_its_scores_whatever_an_older_rank_says(tmp_path):
    path = tmp_path / "run"
    frame = results([("1", "b", 5.0, 1), ("1", "a", 9.0, 2), ("1", "c", 6.0, 0)], ("qid", "docno", "score", "rank"))
    write_run(frame, path)
    assert path.read_text() == "1 Q0 a 1 9 irkit\n1 Q0 c 2 6 irkit\n1 Q0 b 3 5 irkit\n"
    write_run(frame.drop(columns="rank"), tmp_path / "plain")
    assert (tmp_path / "plain").read_text() == path.read_text()


def test_memory_and_file_measure_the_same_after_new_scores(tmp_path):
    qrels = results([("1", "d2", 1)], ("qid", "docno", "label"))
    frame = hits([("1", "d1", 2.0), ("1", "d2", 1.0)]).frame()
    frame["score"] = [0.1, 0.9]
    write_run(frame, tmp_path / "run")
    assert read_run(tmp_path / "run")["score"].tolist() == [0.9, 0.1]
    for ranked in (frame, read_run(tmp_path / "run")):
        assert evaluate(ranked, qrels, "RR").means["RR"] == 1.0


def test_a_frame_keeps_the_tie_rule_of_its_results(tmp_path):
    qrels = results([("1", "a", 1)], ("qid", "docno", "label"))
    run = hits([("1", "a", 1.0), ("1", "b", 1.0)], ties="anserini")
    for number, same in enumerate((run, run.frame(), run.frame().assign(score=2.0))):
        write_run(same, tmp_path / f"run{number}")
        assert read_run(tmp_path / f"run{number}")["docno"].tolist() == ["a", "b"]
        assert evaluate(same, qrels, "RR").means["RR"] == 1.0


@pytest.mark.parametrize("blanks", [" ", "\t", "  "], ids=["blank", "tab", "two blanks"])
def test_the_tags_of_a_run_are_told_in_order_of_appearance(tmp_path, blanks):
    rows = ["1 Q0 a 1 3 mine", "1 Q0 b 2 2 yours", "2 Q0 a 1 1 mine"]
    (tmp_path / "run").write_text("".join(blanks.join(row.split()) + "\n" for row in rows))
    frame, tags = read_tagged_run(tmp_path / "run")
    assert tags == ("mine", "yours")
    assert frame.equals(read_run(tmp_path / "run"))


def test_a_run_without_results_is_a_file_without_lines(tmp_path):
    for number, frame in enumerate((results([]), pd.DataFrame({"qid": [], "docno": [], "score": []}), pd.DataFrame())):
        write_run(frame, tmp_path / f"run{number}")
        assert (tmp_path / f"run{number}").read_text() == ""


def test_what_a_run_file_cannot_carry_is_refused_and_the_old_file_stays(tmp_path):
    path = tmp_path / "run"
    path.write_text("old")
    for rows, says in [
        ([("1", "a b", 1.0)], "write_run: a docno may not be empty or hold white space, got 'a b'"),
        ([("", "a", 1.0)], "write_run: a qid may not be empty or hold white space, got ''"),
        ([("1", "a", np.nan)], "write_run: column 'score' must be finite, got nan"),
        ([("1", "a", 1e300)], "write_run: a score must fit single precision for trec_eval, got 1e\\+300"),
    ]:
        with pytest.raises(FrameError, match=says):
            write_run(results(rows), path)
    with pytest.raises(FrameError, match="a tag may not be empty or hold white space, got 'my run'"):
        write_run(results([("1", "a", 1.0)]), path, tag="my run")
    lowest = -float(np.finfo(np.float32).max)
    with pytest.raises(FrameError, match="leave no lower score"):
        write_run(hits([("1", "a", lowest), ("1", "b", lowest)], ties="anserini"), path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_a_folder_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"run: cannot write: .*; check free space and permissions"):
        write_run(results([("1", "a", 1.0)]), tmp_path / "file" / "run")


@pytest.mark.slow
def test_a_million_rows_survive_the_file(tmp_path):
    rng = np.random.default_rng(1)
    docnos = Docnos([f"doc{i:07d}" for i in range(50_000)])
    queries = pd.DataFrame({"qid": [str(i) for i in range(1000)]}, dtype="str")
    doc = np.concatenate([rng.permutation(50_000)[:1000] for _ in range(1000)])
    score = np.round(rng.random(1_000_000), 3)
    run = Hits.ranked(queries, np.repeat(np.arange(1000), 1000), doc, score, docnos, ties="anserini")
    write_run(run, tmp_path / "run")
    assert read_run(tmp_path / "run")["docno"].equals(run.frame()["docno"])


def test_a_tag_of_bytes_that_are_no_text_is_refused(tmp_path):
    frame = pd.DataFrame({"qid": ["1"], "docno": ["d1"], "score": [1.0]}).astype({"qid": "str", "docno": "str"})
    with pytest.raises(FrameError, match=r"write_run: the tag is not valid Unicode, got 'b\\udcff'; write it in UTF-8"):
        write_run(frame, tmp_path / "a.run", tag="b\udcff")
    assert not list(tmp_path.iterdir())

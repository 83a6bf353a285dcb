"""Runs as stages: files, frames of irkit, PyTerrier and ir_datasets, and hits."""

import pandas as pd
import pytest

from irkit.errors import CompositionError, FrameError, NotFoundError
from irkit.frames import queries_frame
from irkit.hits import Hits
from irkit.io import write_run
from irkit.pipeline import Run, apply, combsum, rrf
from irkit.pipeline.given import holds_run
from irkit.recipe import Cache
from tests.pipeline.toy import toy

QUERIES = queries_frame({"1": "wing heat", "2": "flutter", "3": "unheard"})
ROWS = pd.DataFrame({"qid": ["1", "1", "2"], "docno": ["d1", "d2", "d5"], "score": [1.0, 3.0, 2.0]})


def pairs(frame):
    return list(zip(frame["qid"], frame["docno"], frame["score"], strict=True))


IN_ORDER = [("1", "d2", 3.0), ("1", "d1", 1.0), ("2", "d5", 2.0)]


@pytest.mark.parametrize(
    "frame",
    [
        ROWS,
        ROWS.assign(query=["wing heat", "wing heat", "flutter"], rank=[7, 7, 7]),  # ranks older than the scores
        ROWS.rename(columns={"qid": "query_id", "docno": "doc_id"}),
        ROWS.rename(columns={"qid": "user_id", "docno": "item_id"}),
        Hits.from_frame(ROWS),
    ],
    ids=["ours", "pyterrier", "ir_datasets", "recommenders", "hits"],
)
def test_a_run_gives_each_query_what_it_holds(frame):
    assert pairs(Run(frame)(QUERIES)) == IN_ORDER
    assert pairs(Run(frame)(QUERIES[1:])) == IN_ORDER[2:]


@pytest.mark.parametrize("first", [0, 1])
def test_a_frame_of_ranks_alone_is_in_their_order(first):
    ranks = ROWS.drop(columns="score").assign(rank=[first + 1, first, first])
    assert [row[:2] for row in pairs(Run(ranks)(QUERIES))] == [row[:2] for row in IN_ORDER]


def test_a_run_file_is_its_path(tmp_path):
    path = tmp_path / "mine.run.gz"
    write_run(ROWS, path)
    for run in (Run(path), Run(str(path))):
        assert pairs(run(QUERIES)) == IN_ORDER
        assert (run.word, repr(run)) == ("mine", f"run({str(path)!r})")
    assert Run(path) == Run(ROWS)
    assert Run(path) != Run(ROWS.assign(score=[1.0, 3.0, 2.5]))
    with pytest.raises(NotFoundError, match=r"none\.run: there is no such file"):
        Run(tmp_path / "none.run")


def test_a_run_stands_wherever_a_pipeline_does(tmp_path):
    louder = apply.score(lambda row: len(row["query"]) * row["score"])
    want = [("1", "d2", 27.0), ("1", "d1", 9.0), ("2", "d5", 14.0)]
    path = tmp_path / "a.run"
    write_run(ROWS, path)
    for begin in (ROWS, Hits.from_frame(ROWS), path, str(path), Run(ROWS)):
        assert pairs((begin >> louder)(QUERIES)) == want
    both = pairs((Run(ROWS) + toy())(QUERIES))
    assert pairs((ROWS + toy())(QUERIES)) == both
    assert sorted(pairs((toy() + ROWS)(QUERIES))) == sorted(both)
    assert pairs(rrf(ROWS, path)(QUERIES))[0] == ("1", "d2", pytest.approx(2 / 61))
    assert pairs(combsum([ROWS, ROWS], weights=[1, 2])(QUERIES))[0] == ("1", "d2", 9.0)
    assert holds_run(rrf(ROWS, toy()) >> louder)
    assert not holds_run(toy() >> louder)


def test_a_cache_tells_runs_apart(tmp_path):
    cache = Cache(tmp_path)
    other = Run(ROWS.assign(score=[5.0, 3.0, 2.0]))
    assert pairs(cache.run(Run(ROWS), QUERIES).frame())[0] == IN_ORDER[0]
    assert pairs(cache.run(other, QUERIES).frame())[0] == ("1", "d1", 5.0)


def test_mistakes_are_one_line():
    with pytest.raises(FrameError, match=r"run\(2 queries, 3 documents\): holds none of the queries, got qids such as"):
        Run(ROWS)({"01": "wing"})
    with pytest.raises(FrameError, match="run: a results frame needs the column 'score', got qid, docno"):
        Run(ROWS.drop(columns="score"))
    with pytest.raises(CompositionError, match="DataFrame of queries; a pipeline is called on them"):
        QUERIES >> toy()

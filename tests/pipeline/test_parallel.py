"""Tests of irkit.pipeline.parallel: real worker processes, kept between the tests."""

import os
import threading

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError, FrameError
from irkit.pipeline import Cut, Learned, LoadText, Parallel, Passages, Topics, apply, rrf
from irkit.pipeline.operators import Normalise
from irkit.pipeline.worker import run_piece
from tests.pipeline.toy import DOCS, Louder, ToyIndex, toy

WORDS = sorted({word for text in DOCS.values() for word in text.split()})
RNG = np.random.default_rng(7)
QUERIES = {f"q{i}": " ".join(RNG.choice(WORDS, 3)) if i % 5 else "unknown" for i in range(23)}

PIPELINES = {
    "retrieve": toy(boost=0.1),
    "rewrite": Louder(),
    "weights": apply.rewrite(lambda row: {"heat": 0.3} if row["qid"] == "q7" else row["query"]),
    "chain": Louder() >> rrf(toy(), toy(boost=0.1) % 2) % 3 >> Normalise(method="zscore"),
    "text": toy()
    >> LoadText(index=ToyIndex(DOCS))
    >> Passages(size=2)
    >> apply.score(lambda row: len(row["text"]) / 3),
    "features": toy() ** toy(boost=0.1) ** (toy() % 1),
    "feedback": toy() >> apply.feedback(lambda frame: frame[["qid", "query"]].drop_duplicates()) >> toy(boost=3),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PIPELINES)
def test_workers_give_the_same_bits(name):
    pipeline = PIPELINES[name]
    pd.testing.assert_frame_equal(pipeline.parallel(2)(QUERIES), pipeline(QUERIES), check_exact=True)


@pytest.mark.slow
def test_results_are_split_too():
    results = toy()(QUERIES)
    stage = Normalise() % 2
    pd.testing.assert_frame_equal(stage.parallel(2)(results), stage(results), check_exact=True)
    pipeline = toy() >> (Normalise() ** Cut(k=2)).parallel(2) >> Normalise(method="sum")
    plain = toy() >> Normalise() ** Cut(k=2) >> Normalise(method="sum")
    pd.testing.assert_frame_equal(pipeline(QUERIES), plain(QUERIES), check_exact=True)


@pytest.mark.slow
def test_workers_are_other_processes_and_stay():
    whose = toy() >> apply.score(lambda row: os.getpid())
    first, second = (set(whose.parallel(2)(QUERIES)["score"]) for _ in range(2))
    assert os.getpid() not in first
    assert 1 <= len(first) <= 2
    assert len(first | second) <= 2


@pytest.mark.slow
def test_an_error_in_a_worker_comes_back_in_one_line():
    broken = toy() >> apply.score(lambda row: "x")
    with pytest.raises(
        FrameError, match=r"apply.score\(<lambda>\): must return a finite number for each row, got str 'x'"
    ):
        broken.parallel(2)(QUERIES)


def test_what_cannot_be_sent_is_refused():
    lock = threading.Lock()
    pipeline = toy() >> apply.score(lambda row: 1.0 if lock else 2.0)
    with pytest.raises(ConfigError) as error:
        pipeline.parallel(2)(QUERIES)
    message = str(error.value)
    assert message.startswith("parallel: toy() >> apply.score(<lambda>) cannot be sent to a worker process, ")
    assert "lock" in message
    assert message.endswith("or run without parallel")
    assert "\n" not in message


def test_one_worker_or_one_query_runs_here():
    whose = toy() >> apply.score(lambda row: os.getpid())
    assert set(whose.parallel(1)(QUERIES)["score"]) == {os.getpid()}
    assert set(whose.parallel(4)("heat")["score"]) == {os.getpid()}
    assert toy().parallel(3)([]).empty


def test_a_cut_goes_into_the_workers():
    (step,) = (toy().parallel(2) % 3).steps()
    assert repr(step) == "(toy() % 3).parallel(2)"


def test_it_is_the_pipeline_by_another_way():
    pipeline = toy() % 3
    stage = pipeline.parallel(2)
    assert stage == pipeline
    assert stage.fingerprint == pipeline.fingerprint
    assert (stage.takes, stage.gives) == ("queries", "results")
    assert stage.spec() == {"use": "parallel", "n": 2, "of": [[{"use": "toy"}, {"use": "cut", "k": 3}]]}
    assert Parallel.make({"n": 2}, (pipeline,), {}).spec() == stage.spec()
    assert stage.resources().keys() == {"index"}
    assert not (toy() >> apply.score(len)).parallel(2).cacheable


def test_fitting_happens_here():
    qrels = pd.DataFrame({"qid": ["q1"], "docno": ["d1"], "label": [1]})
    stage = (toy() ** toy() >> Learned(model="linear")).parallel(2)
    assert stage.fit(Topics(QUERIES, qrels)).parts[0].parts[-1].fitted is not None
    assert toy().parallel(2).fit(Topics(QUERIES, qrels)).spec() == toy().parallel(2).spec()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: toy().parallel(0), "parallel: n is not valid, got 0"),
        (lambda: Parallel.make({"n": 2}, (toy(), toy()), {}), "parallel: runs one pipeline, got 2"),
        (lambda: Parallel.make({"n": 2}, (), {}), "parallel: runs one pipeline, got 0"),
    ],
)
def test_a_wrong_construction_is_refused(make, message):
    with pytest.raises(ConfigError) as error:
        make()
    assert str(error.value).startswith(message)


def test_a_worker_keeps_the_last_pipelines():
    import cloudpickle

    from irkit.pipeline import worker

    payload = cloudpickle.dumps(toy())
    queries = toy().read("heat")
    worker._pipelines.clear()
    for key in ("a", "b", "a", "c", "d", "e", "a", "b"):
        run_piece(key, payload, queries)
        assert len(worker._pipelines) <= worker.KEPT
    assert list(worker._pipelines) == ["d", "e", "a", "b"]
    before = worker._pipelines["a"]
    run_piece("a", b"not read again", queries)
    assert worker._pipelines["a"] is before
    worker._pipelines.clear()

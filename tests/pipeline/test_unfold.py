"""Tests of irkit.pipeline.unfold."""

import numpy as np
import pytest

from irkit.errors import CompositionError
from irkit.evaluate.plan import plan
from irkit.pipeline import Cut, Stage, rrf
from irkit.pipeline.operators import Normalise, Scale, Sum
from irkit.pipeline.unfold import every, in_row, unfold
from irkit.recommend.bias import Bias
from irkit.recommend.popularity import Popularity
from tests.pipeline.toy import toy
from tests.recommend.ratings_toy import random_table


def labels(row):
    """The row as nested lists of labels."""
    return [[step.stage.label(), *map(labels, step.inside)] if step.inside else step.stage.label() for step in row]


def test_a_chain_is_a_row_of_steps_and_a_join_holds_a_row_for_each_part():
    pipeline = rrf(toy() % 5, (toy(n=3) + toy(n=4)) >> Normalise(), k=30) >> Scale(weight=2)
    assert labels(unfold(pipeline, written=True)) == [
        ["rrf(k=30.0)", ["toy()", "cut(k=5)"], [["sum()", ["toy(n=3)"], ["toy(n=4)"]], "normalise()"]],
        "scale(weight=2.0)",
    ]


def test_a_cut_a_retriever_can_make_itself_is_a_step_only_as_it_was_written():
    pipeline = toy() % 20 % 10 >> Scale(weight=2)
    assert labels(unfold(pipeline)) == ["toy(n=10)", "scale(weight=2.0)"]
    assert labels(unfold(pipeline, written=True)) == ["toy()", "cut(k=20)", "cut(k=10)", "scale(weight=2.0)"]
    assert labels(unfold(toy())) == ["toy()"]


def test_workers_run_their_pipeline_as_a_whole_and_show_it_when_asked():
    pipeline = (toy() + toy(n=5)).parallel(2)
    assert labels(unfold(pipeline)) == ["parallel(n=2)"]
    assert labels(unfold(pipeline, written=True)) == [
        ["parallel(n=2)", [["sum()", ["toy()"], ["toy(n=5)"]]]],
    ]


def run_row(row, flow):
    for step in row:
        flow = step.run(flow, run_row)
    return flow


@pytest.mark.parametrize(
    "pipeline",
    [
        toy() % 2 >> Normalise(),
        (toy() + toy(boost=2)) ** (toy() | toy(n=1)) % 3,
        (toy() >> Cut(k=4)) ** toy() >> Scale(weight=2) ** (Scale(weight=1) ** Scale(weight=3)),
    ],
    ids=str,
)
@pytest.mark.parametrize("written", [True, False])
def test_steps_run_one_by_one_give_what_the_pipeline_gives(pipeline, written):
    queries = {"1": "heat wing", "2": "speed", "3": "unheard"}
    found = run_row(unfold(pipeline, written=written), pipeline.read(queries)).frame()
    expected = pipeline(queries)
    assert found.drop(columns="features", errors="ignore").equals(expected.drop(columns="features", errors="ignore"))
    if "features" in expected:
        assert np.array_equal(np.stack(list(found["features"])), np.stack(list(expected["features"])))


class Own(Sum):
    """A join that does more than run its parts, and says so."""

    name = "own"
    joins = False

    def run(self, flow):
        raise CompositionError("own: runs in its own way")


def test_a_join_that_runs_in_its_own_way_is_left_whole():
    assert labels(unfold(Own((toy(), toy(n=2))))) == ["own()"]


def test_features_are_left_whole_where_steps_are_shared_for_they_offer_their_parts_another_input():
    shared = plan({"a": toy(), "sum": toy() + toy(n=2), "features": toy() ** toy(n=2)})
    assert [(step.stage.label(), step.source, step.parts) for step in shared.steps] == [
        ("toy()", -1, ()),
        ("toy(n=2)", -1, ()),
        ("sum()", -1, (0, 1)),
        ("features()", -1, ()),
    ]


def test_every_stage_is_met_once_operators_before_their_parts():
    pipeline = (toy() + toy(n=2)).parallel(2) >> Normalise()
    assert [stage.name for stage in every(pipeline)] == ["then", "parallel", "sum", "toy", "toy", "normalise"]
    assert [stage.name for stage in in_row(pipeline)] == ["parallel", "normalise"]
    assert in_row(toy()) == (toy(),)


def test_the_model_of_a_rater_is_no_pipeline_to_explain():
    table = random_table()
    pipeline = (Popularity(seen="keep") >> Bias().rater()).fit(table)
    user = table.users[0]
    last = pipeline.explain(user, pipeline(user)["docno"].iloc[0]).steps[-1]
    assert (last.label, last.rank, last.parts) == ("rate()", 0, ())


def test_a_stage_around_one_pipeline_gives_what_that_gives():
    class Around(Stage):
        name = "around"

    assert Around().join(["x"]) == "x"

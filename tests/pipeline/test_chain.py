"""Tests of irkit.pipeline.chain: `>>` and `%`."""

import numpy as np
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from irkit.errors import CompositionError, ConfigError, FrameError
from irkit.pipeline import Cut, DropSelf, Reset, Then
from irkit.pipeline.chain import as_stage
from irkit.pipeline.operators import Normalise, Scale
from irkit.pipeline.stage import Stage
from tests.pipeline.toy import Louder, ask, given, ranked_lists, toy

STAGES = st.sampled_from([Cut(k=1), Cut(k=3), Scale(weight=-2.0), Scale(weight=0.5), Normalise(), DropSelf()])


@settings(max_examples=40, deadline=None)
@hypothesis_given(lists=ranked_lists, one=STAGES, two=STAGES)
def test_chaining_is_associative(lists, one, two):
    start = given(lists)
    left, right = (start >> one) >> two, start >> (one >> two)
    assert left == right
    assert ask(left, "1", "2") == ask(right, "1", "2") == ask(start >> one >> two, "1", "2")


@settings(max_examples=40, deadline=None)
@hypothesis_given(lists=ranked_lists, i=st.integers(1, 9), j=st.integers(1, 9))
def test_cuts_are_idempotent_and_the_tighter_wins(lists, i, j):
    a = given(lists)
    assert ask(a % i % i, "1", "2", "3") == ask(a % i, "1", "2", "3")
    assert ask(a % i % j, "1", "2", "3") == ask(a % min(i, j), "1", "2", "3")
    whole, cut = ask(a, "1", "2", "3"), ask(a % i, "1", "2", "3")
    assert cut == {qid: found[:i] for qid, found in whole.items()}


def test_a_cut_is_handed_to_a_stage_that_can_stop_early():
    steps = list((toy(n=9) % 5 % 7 >> Normalise() >> Cut(k=2)).steps())
    assert [step.label() for step in steps] == ["toy(n=5)", "normalise()", "cut(k=2)"]
    assert [step.label() for step in (Cut(k=3) % 5 % 2).steps()] == ["cut(k=2)"]


@pytest.mark.parametrize("k", [1, 2, 3, 99])
def test_a_cut_inside_a_stage_gives_the_same_as_one_after_it(k):
    queries = ["wing flutter speed", "heat", "nothing"]
    (fused,) = (toy() % k).steps()
    unfused = Cut(k=k).run(toy().run(toy().read(queries)))
    assert fused(queries).equals(unfused.frame())
    assert (toy() % k)(queries).equals(unfused.frame())


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (lambda: toy() >> toy(), ">>: toy gives results but toy takes queries; put a feedback stage or reset() "
                                 "between them: toy >> reset() >> toy"),
        (lambda: Louder() >> Cut(k=1), ">>: louder gives queries but cut takes results; put a retriever between them: "
                                       "louder >> retriever >> cut"),
        (lambda: Louder() % 3, "%: cuts results, but louder gives queries; cut after a retriever"),
        (lambda: 2 * Louder(), "*: scales scores, but louder gives queries; scale after a retriever"),
        (lambda: toy() % 2.5, "%: cuts to a whole number of documents, got 2.5; write pipeline % 10"),
        (lambda: toy() % True, "%: cuts to a whole number of documents, got True"),
        (lambda: toy() % "10", "%: cuts to a whole number of documents, got '10'"),
        (lambda: toy() * "2", "*: scales scores by a number, got str; write 0.5 * pipeline"),
        (lambda: toy() * toy(), "*: scales scores by a number, got Toy; write 0.5 * pipeline"),
        (lambda: True * toy(), "*: scales scores by a number, got bool"),
        (lambda: toy() >> 3, ">>: needs a stage on both sides, got int 3"),
        (lambda: "bm25" >> Cut(k=1), ">>: needs a stage on both sides, got str 'bm25'"),
        (lambda: toy() >> ask, ">>: ask is a plain function; say what it does, as in irkit.pipeline.apply.rerank(ask)"),
        (lambda: toy() >> (lambda frame: frame), ">>: f is a plain function"),
        (lambda: toy() >> [Cut(k=1)], ">>: needs a stage on both sides, got list"),
        (lambda: Then.of(), ">>: chains one stage or more, got none"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_right_spelling(chain, message):
    with pytest.raises(CompositionError) as error:
        chain()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("chain", "message"), [
    (lambda: toy() % 0, "cut: k is not valid, got 0; it must be 1 or more"),
    (lambda: toy() * float("inf"), "scale: weight is not valid, got inf"),
    (lambda: Then.make({"k": 1}, (toy(),), {}), "then: has no settings, got k"),
])  # fmt: skip
def test_a_wrong_number_is_refused(chain, message):
    with pytest.raises(ConfigError) as error:
        chain()
    assert str(error.value).startswith(message)


def test_numpy_numbers_are_numbers():
    assert toy() % np.int64(3) == toy() % 3
    assert np.float64(0.5) * toy() == toy() * np.float32(0.5) == 0.5 * toy()
    assert np.int32(2) * toy() == 2 * toy() == 2.0 * toy()


def test_a_stage_that_returns_a_frame_of_results_is_told_what_to_return():
    class Framed(Stage):
        name = "framed"

        def run(self, flow):
            return flow.frame()

    with pytest.raises(FrameError, match="framed: gives results, so its run must return Hits, got DataFrame; return"):
        (given({"1": {"d1": 2.0, "d2": 1.0}}) >> Framed() >> Cut(k=1))(["1"])


def test_one_stage_is_a_chain_of_itself():
    stage = toy()
    assert Then.of(stage) is stage
    assert as_stage(stage) is stage


def test_results_can_go_back_to_queries_and_on():
    pipeline = Louder() >> toy() % 1 >> Reset() >> toy()
    assert pipeline("heat wing").equals(toy()("heat wing"))


def test_a_chain_takes_what_its_first_stage_takes():
    rerank = Cut(k=2) >> Normalise()
    assert (rerank.takes, rerank.gives) == ("results", "results")
    assert (Louder() >> toy()).takes == "queries"
    assert rerank(toy()("heat wing"))["score"].tolist() == [1.0, 0.0]

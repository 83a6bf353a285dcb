"""Tests of irkit.testing.stages: shipped stages pass, and whatever breaks the contract is told what it breaks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from irkit.config import Config
from irkit.errors import ConfigError
from irkit.pipeline import Cut, DropSelf, Reset, Stage, normalise, rrf
from irkit.pipeline.operators import Scale
from irkit.testing import check_stage, toy_queries, toy_results

PASS = {
    "cut": (Cut(k=2), [Cut(k=1), Scale(weight=2)]),
    "scale": (Scale(weight=-2.0), [Scale(weight=2.0)]),
    "drop-self": (DropSelf(), []),
    "reset": (Reset(), []),
    "fusion": (rrf(Cut(k=1), Scale(weight=-1.0)), [rrf(Cut(k=2), Scale(weight=-1.0))]),
    "chain": (normalise(Cut(k=2)) % 1, []),
    "parallel": (Cut(k=2).parallel(1), []),
}


@pytest.mark.parametrize("name", PASS)
def test_a_shipped_stage_passes(name):
    stage, others = PASS[name]
    check_stage(stage, others=others)


class Broken(Stage):
    """Gives what it is given; those below break one thing each."""

    name = "broken"

    def run(self, flow):
        return flow


class Unsure(Broken):
    counter = itertools.count()

    @property
    def fingerprint(self):
        return str(next(self.counter))


class UseConfig(Config):
    use: int = 1


class Reserved(Broken):
    config_type = UseConfig


class Queries(Broken):
    """Gives queries and says results."""

    def run(self, flow):
        return flow.queries


class Forgetful(Broken):
    def run(self, flow):
        return flow.between(0, len(flow.queries) - 1) if len(flow.queries) else flow


class Fickle(Broken):
    rng = np.random.default_rng(0)

    def run(self, flow):
        return flow.rescored(self.rng.random(len(flow)))


class Meddling(Broken):
    def run(self, flow):
        found = flow.rescored(-flow.score)
        flow.score[:] = 7.0
        return found


class Comparing(Broken):
    """Scores by the best score of all queries together."""

    def run(self, flow):
        return flow.rescored(flow.score / flow.score.max(initial=1.0))


class Inventive(Stage):
    """Finds a query even where there is none."""

    name, takes, gives = "inventive", "queries", "queries"

    def run(self, flow):
        return flow if len(flow) else toy_queries()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Unsure, "a fingerprint is the same whenever it is asked for"),
        (Reserved, "a setting is not called use or of: recipes do"),
        (Queries, "it says that it gives results"),
        (Forgetful, "queries stay what and where they are"),
        (Fickle, "the second time it gives the same; "),
        (Meddling, "it leaves its input as it was; "),
        (Comparing, "it treats each query for itself; "),
        (Inventive, "without queries it gives nothing"),
    ],
)
def test_a_stage_that_breaks_the_contract_is_told_what_it_breaks(kind, message):
    flow = toy_results() if kind.takes == "results" else toy_queries()
    with pytest.raises(AssertionError) as caught:
        check_stage(kind(), flow, named=False)
    assert str(caught.value).startswith(message)
    check_stage(Broken(), named=False)


def test_stages_that_differ_must_not_have_one_fingerprint():
    with pytest.raises(AssertionError, match="stages that do something else have another fingerprint"):
        check_stage(Cut(k=2), others=[Cut(k=2)])


def test_a_stage_without_a_name_in_recipes_is_refused_where_it_should_have_one():
    with pytest.raises(ConfigError, match="broken has no registered name"):
        check_stage(Broken())

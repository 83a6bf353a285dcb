"""What every stage keeps to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from irkit.hits import Hits
from irkit.pipeline.stage import Flow, Stage
from irkit.recipe.recipe import Recipe, to_recipe
from irkit.testing.toys import toy_queries, toy_results
from irkit.yamlfile import parse_yaml


def check_stage(
    stage: Stage, flow: Any = None, *, others: Sequence[Stage] = (), named: bool = True, rtol: float = 0.0
) -> None:
    """Check a stage, or a pipeline.

    It is made again from its settings and comes back from a recipe; its fingerprint says what it does; it gives
    what it says it gives, one result for each query whatever the others are, in the order of scores, again the
    same the second time; it leaves its input as it was; it takes no queries at all and a query without results.

    Parameters
    ----------
    stage : Stage
        Fitted, if it learns.
    flow : frame, Hits or whatever the stage may be called on, optional
        Default the toys of `irkit.testing`.
    others : sequence of stages
        Such as do something else, so that their fingerprints must differ.
    named : bool
        Whether it has a name in recipes: that of a plug-in has one once the package is installed.
    rtol : float
        Relative difference that numbers of a query may have alone and among others, where products of matrices
        round differently.

    Raises
    ------
    AssertionError
        If it does not keep to something; says to what.
    """
    given = stage.read(flow if flow is not None else toy_results() if stage.takes == "results" else toy_queries())
    _check_identity(stage, others)
    if named:
        _check_recipe(stage)
    before = _frame(given).copy()
    out = stage.run(given)
    _check_equal(_frame(given), before, "it leaves its input as it was")
    _check_output(stage, given, out)
    _check_equal(_frame(stage.run(given)), _frame(out), "the second time it gives the same")
    _check_none(stage, given)
    _check_alone(stage, given, out, rtol)


def _check_identity(stage: Stage, others: Sequence[Stage]) -> None:
    assert stage.name, "a stage has a name"
    assert not {"use", "of"} & set(stage.config_type.model_fields), "a setting is not called use or of: recipes do"
    prints = [one.fingerprint for one in (stage, *others)]
    assert len(set(prints)) == len(prints), "stages that do something else have another fingerprint"
    assert stage.fingerprint == prints[0], "a fingerprint is the same whenever it is asked for"


def _check_recipe(stage: Stage) -> None:
    again = stage.make(stage.config.given(), stage.parts, stage.resources())
    assert again.config == stage.config, "the settings that differ from their defaults make it again"
    if not stage.learns:
        assert again == stage, "a stage of equal settings and resources is equal"
    recipe = to_recipe(again, "check")  # which builds it and compares
    assert Recipe(**parse_yaml(recipe.yaml()).value) == recipe, "it comes back from YAML"


def _check_output(stage: Stage, given: Flow, out: Flow) -> None:
    assert isinstance(out, Hits) == (stage.gives == "results"), f"it says that it gives {stage.gives}"
    assert _queries(out)["qid"].tolist() == _queries(given)["qid"].tolist(), "queries stay what and where they are"
    if isinstance(out, Hits):
        frame = out.frame()
        same = Hits.from_frame(frame, _queries(out)).frame()[frame.columns]
        _check_equal(same, frame, "results are in the order of scores, equal ones in that of docnos")


def _check_none(stage: Stage, given: Flow) -> None:
    nothing = _between(given, 0, 0)
    assert _frame(stage.run(nothing)).empty, "without queries it gives nothing"
    if isinstance(given, Hits):
        kept = given.kept(np.zeros(len(given), dtype=bool))
        found = stage.run(kept)
        assert len(_queries(found)) == len(given.queries), "queries without results stay"
        assert not isinstance(found, Hits) or not len(found), "queries without results have none afterwards"


def _check_alone(stage: Stage, given: Flow, out: Flow, rtol: float) -> None:
    whole = _frame(out)
    each = [_frame(stage.run(_between(given, row, row + 1))) for row in range(len(_queries(given)))]
    joined = pd.concat([one for one in each if len(one)] or [whole[:0]], ignore_index=True)
    _check_equal(joined[whole.columns], whole, "it treats each query for itself", rtol)


def _between(flow: Flow, start: int, stop: int) -> Flow:
    if isinstance(flow, Hits):
        return flow.between(start, stop)
    return flow.iloc[start:stop].reset_index(drop=True)


def _queries(flow: Flow) -> pd.DataFrame:
    return flow.queries if isinstance(flow, Hits) else flow


def _frame(flow: Flow) -> pd.DataFrame:
    return flow.frame() if isinstance(flow, Hits) else flow


def _check_equal(one: pd.DataFrame, other: pd.DataFrame, what: str, rtol: float = 0.0) -> None:
    try:
        pd.testing.assert_frame_equal(one, other, check_exact=not rtol, rtol=rtol)
    except AssertionError as error:
        raise AssertionError(f"{what}; {error}") from None

"""Tests of irkit.pipeline.naming."""

from irkit.pipeline import Cut, apply
from irkit.pipeline.naming import feature_names
from irkit.pipeline.stage import Stage
from tests.pipeline.toy import toy


class Counts(Stage):
    name = "counts"
    makes = ("words", "letters")


def length(row):
    return len(row["docno"])


def test_a_part_is_named_by_its_features_or_else_by_itself():
    pipeline = toy() >> Cut(k=3) ** (Counts() >> Cut(k=2)) ** Counts() ** apply.feature(length)
    names = ["cut(k=3)", "words", "letters", "words", "letters", "apply.feature(length)"]
    assert feature_names(pipeline, 6) == names
    assert feature_names(pipeline % 5, 6) == names


def test_in_a_chain_features_are_added_and_side_by_side_those_before_are_replaced():
    chain = toy() >> Counts() >> apply.feature(length)
    assert feature_names(chain, 3) == ["words", "letters", "apply.feature(length)"]
    assert feature_names(chain >> Cut(k=1) ** Counts(), 3) == ["cut(k=1)", "words", "letters"]


def test_they_are_numbered_where_the_pipeline_does_not_tell():
    assert feature_names(toy() >> Counts() >> apply.feature(length), 4) == [f"feature {n}" for n in (1, 2, 3, 4)]
    assert feature_names(toy(), 0) == []

"""Contracts that every stage, recommender, model and task keeps to, as checks that a plug-in's own test calls.

def test_it_keeps_to_the_contract():
    check_stage(Shorter(words=2))

A check that fails raises an `AssertionError` that says what is not kept to. Nothing here needs a test runner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.testing.models import check_model as check_model
    from irkit.testing.recommenders import check_recommender as check_recommender
    from irkit.testing.stages import check_stage as check_stage
    from irkit.testing.tasks import check_task as check_task
    from irkit.testing.toys import toy_queries as toy_queries
    from irkit.testing.toys import toy_ratings as toy_ratings
    from irkit.testing.toys import toy_results as toy_results
    from irkit.testing.toys import toy_rows as toy_rows
else:
    __getattr__, __dir__, __all__ = door(__name__)

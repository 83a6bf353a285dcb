"""Tests of irkit.errors."""

import inspect
import pickle

import pytest

from irkit import errors
from irkit.errors import IrkitError, near_misses

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, IrkitError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_documented_and_drawn(kind):
    assert kind.__doc__
    assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_the_way_from_a_worker_process(kind):
    back = pickle.loads(pickle.dumps(kind("who: what, got 1; do that")))
    assert (type(back), str(back)) == (kind, "who: what, got 1; do that")


def test_errors_are_also_what_python_calls_them():
    assert issubclass(errors.ConfigError, ValueError)
    assert issubclass(errors.CompositionError, TypeError)
    assert issubclass(errors.NotFoundError, LookupError)
    assert issubclass(errors.MissingExtraError, ImportError)


def test_near_misses_come_first_then_all_choices():
    assert near_misses("bm52", ["bm25", "tf-idf", "bm25f"]) == "did you mean bm25 or bm25f?"
    assert near_misses("zzz", ["b", "a", "b"]) == "choose from a, b"
    assert near_misses("zzz", "abcdefghijklmno", limit=3) == "choose from a, b, c and 12 more"
    assert near_misses("zzz", []) == "there is nothing to choose from"

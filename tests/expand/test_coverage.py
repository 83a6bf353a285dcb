"""Tests of irkit.expand.coverage."""

import numpy as np
import pytest

from irkit.expand.coverage import without_vector
from irkit.frames import queries_frame
from irkit.text.vectors import Vectors


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        ({"1": "wing plate", "2": "plate heat plate"}, (1, 3)),
        ({"1": "wing rocket unheardof"}, (0, 1)),
        ({"1": "unheardof"}, (0, 0)),
    ],
)
def test_distinct_index_terms_are_counted(topical, vectors, queries, expected):
    assert without_vector(topical, vectors, queries_frame(queries)) == expected


def test_a_zero_vector_counts_as_none(topical):
    given = Vectors(["wing", "heat"], np.array([[1.0, 0], [0, 0]]))
    assert without_vector(topical, given, queries_frame({"1": "wing heat"})) == (1, 2)

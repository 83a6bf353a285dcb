"""Tests of irkit.cli.inputs: what stands on a command line, and that an error names its command."""

from __future__ import annotations

import numpy as np
import pytest

from irkit.io import read_run
from irkit.lucene import Index
from irkit.recipe import load_recipe
from irkit.text.vectors import Vectors

QUERIES = "q1\tstorm damage\n"


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        (("run", "bm25", "lee"), "--split chooses among a collection's queries; leave it out beside --queries"),
        (("explain", "bm25", "lee", "q1", "lee-14"), "--split chooses among a collection's queries; leave it out"),
    ],
)
def test_a_split_beside_a_file_of_queries_is_refused_by_the_command_that_was_given(irkit, folder, command, rest):
    (folder / "q.tsv").write_text(QUERIES)
    done = irkit(*command, "--queries", "q.tsv", "--split", "x", status=2)
    assert done.err.startswith(f"irkit: {command[0]}: {rest}")


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_a_split_beside_a_file_of_judgements_is_refused_by_the_command_that_was_given(irkit, folder, command):
    (folder / "judged").write_text("q1 0 d1 1\n")
    done = irkit(command, "judged", "a.run", "b.run", "--split", "x", status=2)
    message = "--split chooses among a collection's judgements, got the file judged; leave it out"
    assert done.err == f"irkit: {command}: {message}\n"


@pytest.mark.parametrize(
    "command",
    [("run", "eqe1", "lee"), ("explain", "eqe1", "lee", "lee-01", "lee-14"), ("tune", "eqe1-search", "lee")],
)
def test_a_recipe_that_lacks_vectors_is_refused_by_the_command_that_was_given(irkit, command):
    done = irkit(*command, status=2)
    assert done.err == (
        f"irkit: {command[0]}: recipe eqe1: vectors is needed, word vectors; "
        "give --vectors and a file, or --vectors trained:ppmi-svd\n"
    )


def test_vectors_over_stems_are_given_as_the_file_that_their_save_wrote(irkit, folder):
    words = ["storm", "damag", "rain", "flood"]
    matrix = np.random.default_rng(1).normal(size=(4, 5))
    Vectors(words, matrix, analyzed=True).save("stems.npz")
    (folder / "q.tsv").write_text(QUERIES)
    (folder / "d.jsonl").write_text(
        "".join(
            f'{{"id": "d{n}", "text": "{text}"}}\n' for n, text in enumerate(["storms and floods", "damaging rain"])
        )
    )
    irkit("index", "d.jsonl", "--to", "here")
    irkit("run", "eqe1", "here", "--queries", "q.tsv", "--vectors", "stems.npz", "-o", "stems.run")
    with Index.open("here") as index:
        by_hand = load_recipe("eqe1").build(index=index, vectors=Vectors(words, matrix, analyzed=True))
        expected = by_hand({"q1": "storm damage"})
    found = read_run("stems.run")
    assert found["docno"].tolist() == expected["docno"].tolist()
    np.testing.assert_allclose(found["score"], expected["score"], rtol=1e-6)

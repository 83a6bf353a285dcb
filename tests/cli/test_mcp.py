"""Tests of `irkit mcp` up to the moment at which it speaks; tests/serve has the rest."""

from __future__ import annotations

import pytest

pytest.importorskip("mcp", reason="needs irkit[serve]")


def test_a_check_says_what_would_be_served(irkit, folder, small_index):
    (folder / "q.txt").write_text("1 0 d1 1\n")
    words = ["bm25", "--index", f"news={small_index}", "--judgements", "q.txt", "--check"]
    assert irkit("mcp", *words).lines == ["index news: 2 documents", "pipelines: bm25", "judgements q: queries 1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--check",), "mcp: there is nothing to serve; name an index with --index, or a recommender"),
        (("--http", "--host", "0.0.0.0"), "mcp: 0.0.0.0 is reached by others; give --keys a file of keys, or --open"),
        (("--http", "--port", "-1"), "mcp: --port must be from 0 to 65535, got -1"),
        (("--timeout", "0"), "mcp: --timeout must be above 0, got 0"),
        (("--http", "--index", "lee", "--keys", "none"), "none: there is no such file; check the path"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(irkit, folder, words, message):
    assert message in irkit("mcp", *words, status=2).err

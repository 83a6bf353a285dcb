"""Tests of irkit.progress: a bar on a terminal, a line a minute elsewhere, nothing where it is not wanted."""

from __future__ import annotations

import logging
import sys

import pytest

from irkit import progress as module
from irkit.progress import Lines, line, progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_log_has_a_line_a_minute(clock, caplog):
    caplog.set_level(logging.INFO, "irkit.progress")
    with progress(100, "training", " steps") as bar:
        for second in range(0, 150, 5):
            clock[0] = float(second)
            bar.update(1)
    assert caplog.messages == [
        "training: 13 of 100 steps, 1 min, 6 min left",
        "training: 25 of 100 steps, 2 min, 6 min left",
    ]


def test_a_line_names_what_runs_now_and_how_it_stands(clock, caplog):
    caplog.set_level(logging.INFO, "irkit.progress")
    bar = progress(None, "classic", " trials")
    bar.set_postfix_str("loss 0.5")
    clock[0] = 61.0
    bar.set_description_str("lee: bm25")
    assert caplog.messages == ["lee: bm25: 0 trials, 1 min, loss 0.5"]


def test_what_was_done_before_the_start_took_no_time_of_it():
    assert line("x", 60, 100, "steps", 60, initial=50) == "x: 60 of 100 steps, 1 min, 4 min left"
    assert line("x", 50, 100, "steps", 60, initial=50) == "x: 50 of 100 steps, 1 min"
    assert line("x", 100, 100, "steps", 60) == "x: 100 of 100 steps, 1 min"


@pytest.mark.parametrize(
    ("terminal", "shown", "level", "drawn"),
    [
        (True, True, logging.WARNING, True),
        (True, False, logging.WARNING, False),
        (True, True, logging.ERROR, False),
        (False, True, logging.INFO, False),
        (False, True, logging.ERROR, False),
    ],
)
def test_a_bar_is_drawn_unless_quiet_or_logged(monkeypatch, capsys, terminal, shown, level, drawn):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    log = logging.getLogger("irkit")
    before = log.level
    log.setLevel(level)
    try:
        with progress(2, "indexing", " documents", shown=shown) as bar:
            assert isinstance(bar, Lines) is (not terminal and level == logging.INFO)
            bar.update(2)
    finally:
        log.setLevel(before)
    assert ("indexing: 100%" in capsys.readouterr().err) is drawn

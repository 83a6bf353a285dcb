"""What every task keeps to, as a check that a task's test calls: five lines for a task of one's own.

def test_it_keeps_to_the_contract():
    check_task(CoinChoice(name="few"), [SystemChoice(name="shares", recipe="shares")])
"""

from __future__ import annotations

from collections.abc import Sequence

from irkit.evaluate.board import Board, as_result
from irkit.evaluate.run import run_suite
from irkit.evaluate.suite import Suite, SystemChoice
from irkit.evaluate.tasks.task import Options, TaskChoice
from irkit.registry import TASKS


def check_task(choice: TaskChoice, systems: Sequence[SystemChoice], measures: Sequence[str] = ()) -> Board:
    """Check a task by running a suite of it alone, and return its board.

    Its field is a name of `irkit.registry.TASKS`; each system has a value of every measure for units that the task
    names; a board is chosen by its title; numbers are the same the second time and in a file.

    Parameters
    ----------
    choice : TaskChoice
        Of something small.
    systems : sequence of SystemChoice
        One or more, none of which may fail.
    measures : sequence of str
        Default those of the task.

    Raises
    ------
    AssertionError
        If it does not keep to something; says to what.
    """
    kind = type(choice)
    assert kind.field in TASKS, f"the field {kind.field!r} is a name of the entry-point group irkit.tasks"
    assert TASKS.load(kind.field) is kind, f"the field {kind.field!r} names this class"
    suite = Suite(name="check", tasks=(choice,), systems=tuple(systems), measures=tuple(measures))
    result = run_suite(suite)
    (board,) = result.boards
    task = choice.load(suite, Options())
    units = set(task.units())
    task.close()
    for row in board.rows:
        assert not row.failed, f"{row.name} is measured, got {row.failed}"
        for measure, values in row.values.items():
            assert values, f"{measure} of {row.name} has values of single units"
            assert values.keys() <= units, f"the values of {measure} are of units of the task"
    assert as_result(result.plain(), who="check").boards[0].title == board.title, "a file holds the board"
    again = run_suite(suite, only=[board.title]).boards[0]
    for row, other in zip(board.rows, again.rows, strict=True):
        assert row.cells == other.cells, f"{row.name} has the same numbers the second time"
    return board

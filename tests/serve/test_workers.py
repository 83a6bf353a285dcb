"""Tests of irkit.serve.workers and irkit.deadline: order by events, no waiting for a clock."""

from __future__ import annotations

import asyncio
import threading

import pytest

from irkit.deadline import Deadline, check_deadline, within
from irkit.errors import DeadlineError
from irkit.serve.limits import BusyError, Limits
from irkit.serve.workers import Workers

AGES = 60.0


class Held:
    """Work that says when it has begun and ends when it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.go.wait(AGES)
        return "done"


def workers(**limits):
    return Workers(Limits(**{"workers": 1, "queue": 1, "seconds": AGES, **limits}))


def test_what_there_is_no_room_for_is_turned_away_and_what_waits_is_done():
    pool, first, second = workers(), Held(), Held()
    one = pool.begin(first, Deadline(AGES))
    assert first.begun.wait(AGES)
    two = pool.begin(second, Deadline(AGES))
    assert (pool.running, pool.waiting, pool.full) == (1, 1, True)
    with pytest.raises(BusyError, match="busy; come back later"):
        pool.begin(Held(), Deadline(AGES))
    first.go.set()
    assert one.result(AGES) == "done"
    second.go.set()
    assert two.result(AGES) == "done"
    assert (pool.running, pool.waiting, pool.full) == (0, 0, False)


def test_an_error_comes_back_as_it_is():
    def fail():
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        asyncio.run(workers().run(fail))


def test_what_waited_past_its_deadline_is_not_begun():
    pool, first, second = workers(), Held(), Held()
    pool.begin(first, Deadline(AGES))
    assert first.begun.wait(AGES)
    late = Deadline(AGES)
    future = pool.begin(second, late)
    late.stop()
    first.go.set()
    with pytest.raises(DeadlineError):
        future.result(AGES)
    assert not second.begun.is_set()


def test_a_request_whose_time_is_up_is_answered_while_its_thread_still_counts(monkeypatch):
    monkeypatch.setattr("irkit.serve.workers.SLACK", 0.0)
    pool, deaf = workers(seconds=1e-3, queue=0), Held()
    with pytest.raises(DeadlineError, match=r"not done within 0\.001 s"):
        asyncio.run(pool.run(deaf))
    if deaf.begun.is_set():  # else the deadline had passed before it was begun
        assert pool.running == 1
        with pytest.raises(BusyError):
            pool.begin(deaf, Deadline(AGES))
    deaf.go.set()
    assert pool.close(AGES)


def test_work_hears_that_nobody_waits_for_it_any_more():
    pool, heard, begun = workers(), threading.Event(), threading.Event()

    def work():
        begun.set()
        try:
            while True:
                check_deadline()
        except DeadlineError:
            heard.set()
            raise

    async def leave():
        task = asyncio.create_task(pool.run(work))
        await asyncio.to_thread(begun.wait, AGES)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert heard.wait(AGES)


def test_closing_waits_for_what_has_begun_and_takes_no_more():
    pool, held = workers(), Held()
    future = pool.begin(held, Deadline(AGES))
    assert not pool.close(0)
    with pytest.raises(BusyError, match="stopping"):
        pool.begin(held, Deadline(AGES))
    held.go.set()
    assert pool.close(AGES)
    assert future.result(0) == "done"


def test_a_deadline_holds_inside_and_not_outside():
    passed = Deadline(AGES)
    passed.stop()
    with within(Deadline(AGES)):
        with within(passed), pytest.raises(DeadlineError):
            check_deadline()
        check_deadline()
    check_deadline()

"""The threads that work for a service: so many of them, a queue of bounded length, a deadline for each request.

A request whose time is up is answered at once. Its thread is free when Java and the stages of the pipeline have heard
the deadline; what computes in one piece keeps its thread, which counts as busy until it ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from irkit.deadline import Deadline, within
from irkit.errors import DeadlineError
from irkit.serve.limits import BusyError, Limits

T = TypeVar("T")

SLACK = 0.5
"Seconds after a deadline in which a worker may say itself that it passed."


class Workers:
    """Threads that live as long as the service; they keep no process alive.

    Parameters
    ----------
    limits : Limits
        Its `workers`, `queue` and `seconds`.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._jobs: SimpleQueue[tuple[Future[Any], Deadline, Callable[[], Any]] | None] = SimpleQueue()
        self._change = threading.Condition()
        self._held = self._running = 0
        self._closed = False
        for number in range(limits.workers):
            threading.Thread(target=self._work, name=f"irkit-worker-{number}", daemon=True).start()

    @property
    def running(self) -> int:
        """Requests that are worked on, those included whose time is up."""
        return self._running

    @property
    def waiting(self) -> int:
        """Requests that wait for a worker."""
        return max(self._held - self._running, 0)

    @property
    def full(self) -> bool:
        """Whether one more request would be turned away."""
        return self._closed or self._held >= self.limits.workers + self.limits.queue

    def begin(self, work: Callable[[], T], deadline: Deadline) -> Future[T]:
        """Give work to the next free thread.

        Raises
        ------
        BusyError
            If all are busy and the queue is full, or the service stops.
        """
        future: Future[T] = Future()
        with self._change:
            if self.full:
                raise BusyError("service: it is stopping" if self._closed else "service: it is busy; come back later")
            self._held += 1
        self._jobs.put((future, deadline, work))
        return future

    async def run(self, work: Callable[[], T]) -> T:
        """Do work in a thread, and wait for what it gives as long as a request may take.

        Raises
        ------
        BusyError
            As `begin` does.
        DeadlineError
            If it was not done in time; also what the work itself raises is raised.
        """
        deadline = Deadline(self.limits.seconds)
        future = self.begin(work, deadline)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), deadline.left + SLACK)
        except DeadlineError:
            raise
        except TimeoutError:
            deadline.stop()
            raise DeadlineError(f"deadline: was not done within {deadline.seconds:g} s; ask for less") from None
        except asyncio.CancelledError:
            deadline.stop()
            raise

    def close(self, seconds: float) -> bool:
        """Take no more work, wait for what has begun, and say whether all of it ended within some seconds."""
        with self._change:
            self._closed = True
            for _ in range(self.limits.workers):
                self._jobs.put(None)
            return self._change.wait_for(lambda: not self._held, seconds)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._do(*job)
            del job  # nothing of a request stays while the thread waits

    def _do(self, future: Future[Any], deadline: Deadline, work: Callable[[], Any]) -> None:
        found: Any = None
        failed: BaseException | None = None
        begun = future.set_running_or_notify_cancel()
        self._count(running=1)
        try:
            if begun:
                deadline.check()
                with within(deadline):
                    found = work()
        except BaseException as error:
            failed = error
        self._count(running=-1, held=-1)  # before the answer, so that whoever gets it finds room
        if begun and failed is not None:
            future.set_exception(failed)
        elif begun:
            future.set_result(found)

    def _count(self, running: int, held: int = 0) -> None:
        with self._change:
            self._running += running
            self._held += held
            if not self._held:
                self._change.notify_all()

"""Work in tasks of Ray: pieces of it in any worker, what they share sent once, and again where a worker dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from hashlib import blake2b
from typing import Any, TypeVar

from irkit.cluster.connection import WAIT, Pulse, check_room, environment, threads
from irkit.cluster.worker import run_piece
from irkit.errors import ClusterError, ConfigError, IrkitError

TRIES = 3
"How often a piece is begun, whose worker dies each time."

AHEAD = 2
"Pieces in flight for each that can run, so that no worker waits for the next."

Shared = TypeVar("Shared")
Piece = TypeVar("Piece")
Gave = TypeVar("Gave")


class Tasks:
    """Runs pieces of work in the workers of Ray.

    Parameters
    ----------
    ray : module
        Connected, as `irkit.cluster.connection.connected` lends it.
    who : str
        For messages.
    """

    def __init__(self, ray: Any, *, who: str) -> None:
        self.ray, self.who = ray, who
        nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
        free = check_room(sum(nodes), 1, who=who)
        self.largest = max(1, int(min(max(nodes, default=1), free)))
        "Processors of the largest node, of those that are free: nothing that needs more would ever run."
        self.workers = max(1, sum(int(cpus // self._cpus(None)) for cpus in nodes))
        "Pieces that can run at once, in as many threads each as this process uses."

    @property
    def note(self) -> str:
        """What a reader of times should know."""
        many = f"up to {self.workers} at once: times and memory are those of a worker among them"
        one = "one after the other: times and memory are those of its worker"
        return f"run by Ray {self.ray.__version__}, {many if self.workers > 1 else one}"

    def run(
        self,
        work: Callable[[Shared, Piece], Gave],
        shared: Shared,
        pieces: Iterable[Piece],
        *,
        needs: Callable[[Piece], int | None] = lambda piece: None,
    ) -> Generator[tuple[Piece, Gave | ClusterError], None, None]:
        """Yield pieces with what work gives of them, in the order in which they are done; closing it ends the others.

        Parameters
        ----------
        work : function of (shared, piece)
            Of a module that workers can import.
        shared : object
            What all pieces need; it is sent once, and a worker keeps it.
        pieces : iterable
            Taken as there is room for them: some wait for a worker, never all.
        needs : function of a piece
            Threads that it uses, where they are more than those of this process.

        Yields
        ------
        piece, object
            An error in the place of what work gives says that its worker died each time it was tried. An error of work
            is raised.

        Raises
        ------
        ClusterError
            If the cluster is lost, or no worker can begin.
        """
        ray, waiting, pulse = self.ray, iter(pieces), Pulse(self.ray, self.who)
        how = {"max_retries": TRIES - 1, "retry_exceptions": False, "runtime_env": environment()}
        task = ray.remote(run_piece)
        flying: dict[Any, Piece] = {}
        sent: tuple[Any, ...] = ()
        try:
            while True:
                while len(flying) < AHEAD * self.workers:
                    try:
                        piece = next(waiting)
                    except StopIteration:
                        break
                    sent = sent or self._sent(work, shared)
                    with pulse.saying():
                        flying[task.options(num_cpus=self._cpus(needs(piece)), **how).remote(*sent, piece)] = piece
                if not flying:
                    return
                for done in self._done(list(flying), pulse):
                    with pulse.saying():
                        gave = self._gave(done)
                    yield flying.pop(done), gave
        finally:
            for left in flying:
                ray.cancel(left, force=True)

    def _cpus(self, wanted: int | None) -> int:
        return min(max(wanted or 1, threads()), self.largest)

    def _sent(self, work: Callable[..., Any], shared: Any) -> tuple[Any, ...]:
        """Put what is shared where workers find it; its bytes only travel between processes of this run."""
        import cloudpickle  # type: ignore[import-untyped]

        try:
            payload = cloudpickle.dumps((work, shared))
        except IrkitError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ConfigError(f"{self.who}: cannot be sent to a worker, {reason}; run it without Ray") from error
        key = blake2b(payload, digest_size=16).hexdigest()
        return key, [self.ray.put(payload)], os.getcwd()

    def _done(self, flying: list[Any], pulse: Pulse) -> list[Any]:
        """Wait until something is done; look now and then whether the cluster is still there."""
        while True:
            with pulse.saying():
                done, _ = self.ray.wait(flying, num_returns=1, timeout=WAIT)
            pulse.check()
            if done:
                return list(done)

    def _gave(self, done: Any) -> Any:
        errors = self.ray.exceptions
        try:
            gave, error = self.ray.get(done)
        except (errors.WorkerCrashedError, errors.OutOfMemoryError, errors.NodeDiedError) as death:
            how = "for want of memory" if isinstance(death, errors.OutOfMemoryError) else "in the middle of it"
            return ClusterError(f"the worker process died {how} each of the {TRIES} times that it was tried")
        except errors.RayTaskError as failure:
            reason = " ".join(str(failure.cause).split())
            raise ClusterError(f"{self.who}: a worker of Ray cannot begin, {reason}") from failure
        except errors.RayError as failure:
            reason = " ".join(str(failure).split()).partition(". ")[0]
            raise ClusterError(f"{self.who}: the Ray cluster was lost, {reason}") from failure
        if error is not None:
            raise error
        return gave

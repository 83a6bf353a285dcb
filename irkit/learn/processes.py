"""Training across processes: the rows of each batch are shared out, and gradients are added up.

Every process runs the same training on the same batches, drawn whole with the same random numbers, and computes
the loss of its own rows, `Now.mine`. Such losses add up to the loss of the batch, so the sum of their gradients is
the batch's gradient, whatever a row weighs and however many rows a process has; each then takes the same step.
That is why torch's DistributedDataParallel is not used: it takes the mean of the processes' gradients, which is
another number where their shares differ. One sum over all parameters is as much traffic.

The first process is the one that was asked. It starts the others, fresh interpreters that are sent the same call of
`fit`; it alone validates, writes files and draws a bar, and what it leaves, if only by dying, ends them. They meet
through a file in a private folder and talk by torch.distributed: gloo over the loopback address, NCCL among GPUs.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed, nn

from irkit.errors import AbilityError, ConfigError, IrkitError
from irkit.learn.conditions import choose_device

PATIENCE = timedelta(hours=24)
"How long processes wait for another one that is alive, such as the first while it validates."

ENDING = 10.0
"Seconds in which a process whose connection was lost is expected to have ended."

READY = "ready to train\n"

START = "from irkit.learn.processes import follow; follow()"


class Group:
    """The processes of one training.

    Parameters
    ----------
    size : int
        How many; 1 is a training as any other.
    rank : int
        Which of them this one is, from 0; the first leads.
    work : () -> object, optional
        What the others are to call, of the first one.
    meeting : path, optional
        The file through which they meet, of the others.
    """

    def __init__(
        self, size: int = 1, rank: int = 0, work: Callable[[], object] | None = None, meeting: Path | None = None
    ) -> None:
        self.size, self.rank, self.work, self.meeting = size, rank, work, meeting

    @property
    def leads(self) -> bool:
        """Whether this process validates and writes."""
        return self.rank == 0

    @property
    def mine(self) -> slice:
        """The rows of a batch that are this process's: every `size`-th, as neighbours are alike in length."""
        return slice(None) if self.size == 1 else slice(self.rank, None, self.size)

    def device(self, name: str) -> torch.device:
        """Return the device of this process: as `choose_device`, of several GPUs one for each process.

        Raises
        ------
        ConfigError
            If there are fewer GPUs than processes, or processes were to share one.
        """
        device = choose_device(name)
        if self.size == 1 or device.type == "cpu":
            return device
        found = torch.cuda.device_count()
        if device.type != "cuda" or device.index is not None or found < self.size:
            raise ConfigError(
                f"train: {self.size} processes on {name} need {self.size} GPUs, one each, and there are {found}; "
                "say cuda alone, take fewer processes, or device: cpu"
            )
        return torch.device("cuda", self.rank)

    def threads(self, threads: int | None) -> int | None:
        """Return the threads of each process: where nothing is said, those of one are shared out."""
        return threads if self.size == 1 or threads is not None else max(1, torch.get_num_threads() // self.size)

    # ------------------------------------------------------------------ what they tell each other

    def added(self, gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Return the sums over processes of gradients; those that are None are so everywhere."""
        known = [gradient for gradient in gradients if gradient is not None]
        if self.size == 1 or not known:
            return list(gradients)
        flat = self.sum(torch.cat([gradient.reshape(-1) for gradient in known]))
        parts = torch.split(flat, [gradient.numel() for gradient in known])
        sums = iter(part.view_as(gradient) for part, gradient in zip(parts, known, strict=True))
        return [None if gradient is None else next(sums) for gradient in gradients]

    def sum(self, x: Tensor) -> Tensor:
        """Add a tensor up over processes, in place, and return it."""
        if self.size > 1:
            distributed.all_reduce(x)
        return x

    def told(self, *values: float) -> list[float]:
        """Return the numbers of the first process."""
        if self.size == 1:
            return list(values)
        found = torch.tensor(values, dtype=torch.float64)
        distributed.broadcast(found, 0)
        return found.tolist()

    def total(self, value: float) -> float:
        """Return the sum of a number over processes."""
        return value if self.size == 1 else float(self.sum(torch.tensor(value, dtype=torch.float64)))

    def equal(self, net: nn.Module) -> None:
        """Give every process the weights of the first."""
        for tensor in net.state_dict().values() if self.size > 1 else ():
            distributed.broadcast(tensor, 0)

    # ------------------------------------------------------------------ how they come together

    @contextmanager
    def joined(self, device: torch.device) -> Iterator[None]:
        """Lend torch's process group; the first process starts the others before, and ends them after.

        Raises
        ------
        ConfigError
            If this process is in a process group already, or the work cannot be sent.
        IrkitError
            If another process fails or is killed.
        """
        if self.size == 1:
            yield
            return
        if not distributed.is_available():
            raise ConfigError("train: this torch was built without its package distributed; leave out processes")
        if distributed.is_initialized():
            raise ConfigError(
                "train: this process is in a process group of torch's already; start it without torchrun, or leave "
                "out processes"
            )
        others: list[_Other] = []
        with ExitStack() as stack, _explaining(others):
            if self.meeting is None:
                folder = stack.enter_context(TemporaryDirectory(prefix="irkit-", ignore_cleanup_errors=True))
                meeting = Path(folder) / "meeting"
                self._start(others, meeting, stack)
            else:
                meeting = self.meeting
                sys.stdout.write(READY)
                sys.stdout.flush()
            for name, value in _loopback().items():
                os.environ.setdefault(name, value)
            excepthook = sys.excepthook
            distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
                store=distributed.FileStore(str(meeting), self.size),  # type: ignore[attr-defined]
                rank=self.rank,
                world_size=self.size,
                timeout=PATIENCE,
                device_id=device if device.type == "cuda" else None,
            )
            sys.excepthook = excepthook  # torch's would name a rank in every trace from now on
            try:
                yield
            finally:
                distributed.destroy_process_group()

    def _start(self, others: list[_Other], meeting: Path, stack: ExitStack) -> None:
        """Start the other processes, which `stack` ends, and wait until each has come as far as this one."""
        import cloudpickle  # type: ignore[import-untyped]

        assert self.work is not None
        try:
            work = cloudpickle.dumps(self.work)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ConfigError(
                f"train: model or data cannot be sent to another process, {reason}; leave out processes"
            ) from error
        for rank in range(1, self.size):
            others.append(_Other.started(rank, self.size, meeting))
            stack.callback(others[-1].end)
        for other in others:
            other.send(pickle.dumps((self.size, other.rank, str(meeting), torch.get_num_threads(), work)))
        for other in others:
            other.wait_until_ready()


ALONE = Group()
"A training in this process alone."

_current: ContextVar[Group] = ContextVar("group", default=ALONE)
_followed: Group | None = None  # of a process that another one started


def current() -> Group:
    """Return the group in which a training runs here."""
    return _current.get()


@contextmanager
def together(size: int, work: Callable[[], object]) -> Iterator[Group]:
    """Let the training inside run in a group.

    Parameters
    ----------
    size : int
        Processes.
    work : () -> object
        Does what is done inside; it is sent to the others once the training begins.
    """
    if size == 1 or current().size > 1:
        group = ALONE
    else:
        group = _followed or Group(size, work=work)
    before = _current.set(group)
    try:
        yield group
    finally:
        _current.reset(before)


def check_shares(who: str, config: Any, shares: bool = False) -> None:
    """Raise `AbilityError` if a model whose batches, if it has any, are not to be shared is to have processes."""
    if config.processes > 1 and not shares:
        raise AbilityError(
            f"{who}: does not train across processes, as no batch of it can be shared out; leave out processes"
        )


def follow() -> None:
    """Be one of the other processes: read from standard input what to do, and do it."""
    global _followed
    source = sys.stdin.buffer
    size, rank, meeting, threads, work = pickle.loads(source.read(int(source.readline())))
    watching = threading.Thread(target=_end_with_the_first, args=(Path(meeting).parent,), daemon=True)
    watching.start()
    torch.set_num_threads(threads)
    _followed = Group(size, rank, meeting=Path(meeting))
    try:
        pickle.loads(work)()
    finally:
        watching.join(1.0)  # a connection to the first one may be seen to be lost a moment before its end


def _end_with_the_first(folder: Path) -> None:
    """End this process when the first one ends, which holds the other end of standard input, and clear up after it."""
    os.read(sys.stdin.fileno(), 1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


class _Other(NamedTuple):
    """Another process, as the first one has it."""

    rank: int
    size: int
    process: subprocess.Popen[bytes]
    errors: Path
    "What it says on standard error."

    @classmethod
    def started(cls, rank: int, size: int, meeting: Path) -> _Other:
        """Start one, in a session of its own so that Ctrl-C reaches the first process alone."""
        errors = meeting.parent / f"errors-{rank}.txt"
        environment = {**os.environ, **_loopback(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with errors.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=environment,
                start_new_session=True,
            )
        return cls(rank, size, process, errors)

    def send(self, message: bytes) -> None:
        """Say what it is to do."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(b"%d\n" % len(message) + message)
            self.process.stdin.flush()
        except OSError:
            raise _LostError from None

    def wait_until_ready(self) -> None:
        """Wait until it would join."""
        assert self.process.stdout is not None
        if READY.encode() not in iter(self.process.stdout.readline, b""):
            raise _LostError

    def ended(self, seconds: float) -> bool:
        """Whether it ends within some seconds."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def said(self) -> str:
        """Say how it ended."""
        code = self.process.returncode
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        lines = self.errors.read_text("utf-8", errors="replace").strip().splitlines() or ["without a word"]
        kind, _, message = lines[-1].partition(": ")
        return f"failed: {message if kind.startswith('irkit.') else lines[-1]}"

    def end(self) -> None:
        """Kill it, if it has not ended; it holds nothing that would be lost."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(OSError):  # what was not sent cannot be sent any more
                pipe.close()


class _LostError(RuntimeError):
    """Another process ended before the training began."""


@contextmanager
def _explaining(others: list[_Other]) -> Iterator[None]:
    """Say which process failed where this one only lost its connection to it."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, (_LostError, distributed.DistError)) and "onnection" not in str(error):
            raise
        until = time.monotonic() + ENDING
        ended = [other for other in others if other.ended(max(0.0, until - time.monotonic()))]
        failed = [other for other in ended if other.process.returncode]
        if not failed:
            raise
        first = min(failed, key=lambda other: "onnection" in other.said())  # not one that lost its own
        raise IrkitError(
            f"train: process {first.rank + 1} of {first.size} {first.said()}; resume from the last checkpoint, where "
            "there is a folder, or leave out processes"
        ) from error


def _loopback() -> dict[str, str]:
    """Return where processes listen: at the loopback address, which no other machine reaches."""
    names = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")] if os.name == "posix" else []
    return {variable: names[0] for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME") if names}

"""What surrounds training: the device, the number of threads, torch's own generator, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import torch
from torch import Tensor

from irkit.errors import ConfigError
from irkit.learn.devices import check_device


def choose_device(name: str) -> torch.device:
    """Return the device of a name; `auto` is an accelerator if there is one, else the CPU.

    Raises
    ------
    ConfigError
        If it is none that irkit computes on, or it is not there.
    """
    try:
        check_device(name)
    except ValueError as error:
        raise ConfigError(f"device: {error}, got {name!r}; choose one of them") from None
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros((), device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise ConfigError(
            f"device: cannot compute on it, got {name!r}; use auto, cpu, or cuda where there is one"
        ) from None
    return device


def sent(x: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor to a device without waiting for what is being computed there."""
    if device.type != "cuda" or x.is_cuda:
        return x.to(device)
    return x.pin_memory().to(device, non_blocking=True)


@contextmanager
def conditions(device: torch.device, threads: int | None, seed: int) -> Iterator[None]:
    """Set threads and seed torch's global generator (dropout draws from it); put both back afterwards.

    On CUDA, operations take those of their algorithms that give the same bits each time; one that has none warns.
    """
    before = torch.get_num_threads()
    exact, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        if threads is not None:
            torch.set_num_threads(threads)
        if device.type == "cuda" and not exact:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read once, at the first matrix product
            torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.set_num_threads(before)
            torch.use_deterministic_algorithms(exact, warn_only=warns)


@contextmanager
def deferred_interrupt() -> Iterator[threading.Event]:
    """Lend an event that the first Ctrl-C sets, so that a step is finished before it counts.

    A second Ctrl-C interrupts at once. Outside the main thread, which alone gets signals, the event is never set.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)

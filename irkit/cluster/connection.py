"""Connecting to Ray, and leaving it.

A Ray that is started here, `local`, is this process's own: its programs listen on the loopback address alone, ask for a
token that is nowhere on disk, keep their files in a private folder, and are gone with it when it is left. It has no
dashboard and tells nobody how it is used. Of a cluster that was there before only this process's own work ends.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from irkit.errors import ClusterError, ConfigError, MissingExtraError
from irkit.machine import machine

WAIT = 5.0
"""Seconds to wait for the first answer of a cluster, as Ray itself would take minutes to say that there is none, and
from one look to the next."""

held: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
"Processors that actors of this process hold, by whom they work for; nothing else runs there until these end."

ROOM = 512
"Bytes that hold a `struct sigaction` of any system; 152 on Linux."

_FATAL = (signal.SIGSEGV, signal.SIGFPE, signal.SIGILL, signal.SIGBUS, signal.SIGABRT, signal.SIGTRAP)

_CLOSED = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # of any system: one machine, whose programs listen on loopback alone
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # workers are what this process waits for; Ray lets everything else go before them
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",  # of workers without the environment of tasks, which nobody would use
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # workers see the accelerators that this process sees
    "RAY_task_oom_retries": "2",  # by default for ever
}
"Environment of a Ray of our own, beside its token."


@contextmanager
def connected(
    address: str = "local",
    *,
    who: str = "connected",
    cpus: int | None = None,
    resources: Mapping[str, float] | None = None,
) -> Iterator[Any]:
    """Lend the module `ray`, connected; where this process is connected already, as it is.

    Parameters
    ----------
    address : str
        `local` starts Ray for this process alone, `auto` finds the cluster that this machine belongs to, `HOST:PORT`
        is that of a cluster's head, to which this machine must belong.
    who : str
        For messages.
    cpus : int, optional
        Of `local`: how many trials of one thread may run at once. Default the usable cores.
    resources : mapping, optional
        Of `local`: custom resources that tasks and actors may ask for.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    ConfigError
        If the address is none.
    ClusterError
        If there is no cluster there, or it does not answer.
    """
    check_address(address, who=who)
    check_installed(who=who)
    own = address == "local"
    with _environment(_CLOSED | {"RAY_AUTH_TOKEN": _token()} if own else {"RAY_USAGE_STATS_ENABLED": "0"}):
        import ray

        if ray.is_initialized():
            yield ray
            return
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        folder = _folder() if own else None
        try:
            # What Ray says of what died would stand on standard output, among results.
            worker, nothing = ray._private.worker, lambda *_, **__: None
            with (
                _sigterm() as quietly,
                _set(worker, "_worker_logs_enabled", False),
                _set(worker, "print_to_stdstream", nothing),
            ):
                with _fatal_signals():
                    if folder is not None:
                        here: dict[str, Any] = {"_node_ip_address": "127.0.0.1", "_temp_dir": f"{folder}/ray"}
                        of: dict[str, Any] = {"num_cpus": cpus or machine()["cores"]}
                        of["resources"] = dict(resources or {})
                        with _set(ray._private.ray_constants, "ENABLE_RAY_CLUSTER", False):  # stay on loopback
                            ray.init(address="local", include_dashboard=False, **of, **here, **quiet)
                    else:
                        _check_there(address, who)
                        _join(ray, address, who, quiet)
                quietly()
                yield ray
        finally:
            held.clear()
            started = [] if folder is None else _started(folder)
            with _fatal_signals():
                ray.shutdown()
            if folder is not None:
                _end(started)
                shutil.rmtree(folder, ignore_errors=True)


def check_address(address: str, *, who: str) -> None:
    """Raise `ConfigError` unless an address is `auto`, `local` or `HOST:PORT`."""
    if address not in ("auto", "local") and not re.fullmatch(r"([^\s:/\[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}", address):
        raise ConfigError(f"{who}: the address of a cluster is auto, local or HOST:PORT, got {address!r}")


def check_installed(*, who: str) -> None:
    """Raise `MissingExtraError` unless Ray is installed; nothing is imported."""
    if find_spec("ray") is None:
        raise MissingExtraError(f"{who}: Ray is not installed; pip install 'irkit[ray]'")


def environment() -> dict[str, Any]:
    """Return the `runtime_env` of tasks and actors: what imports and results depend on is as in this process.

    These are irkit's own variables, threads of numerical libraries, and where Python finds packages.
    """
    kept = {name: one for name, one in os.environ.items() if name.startswith("IRKIT_") or name.endswith("_NUM_THREADS")}
    installed = tuple(str(Path(one)) for one in (sys.prefix, sys.base_prefix))
    paths = dict.fromkeys(os.path.abspath(one) for one in sys.path if not one.startswith(installed))
    return {"env_vars": kept | {"OMP_NUM_THREADS": str(threads()), "PYTHONPATH": os.pathsep.join(paths)}}


def check_room(cpus: float, wanted: float, *, who: str) -> float:
    """Return how many of a cluster's processors no actor of this process holds.

    Raises
    ------
    ConfigError
        If they are fewer than wanted: Ray would wait for them until the actors end.
    """
    free = cpus - sum(held.values())
    if free < wanted and held:
        raise ConfigError(
            f"{who}: the shards of an open index hold {cpus - free:g} of the {cpus:g} processors of the Ray cluster; "
            "close it, or connect with more cpus"
        )
    return free


def threads() -> int:
    """Return how many threads numerical libraries use in this process: OMP_NUM_THREADS, or all cores.

    Ray would give a worker as many as it has processors for, and sums of other numbers of threads differ in their last
    digits. So a task asks for as many processors as this, and is given as many threads.
    """
    told = re.match(r"[1-9]\d*", os.environ.get("OMP_NUM_THREADS", "").strip())
    return int(told[0]) if told else int(machine()["cores"])


class Pulse:
    """Looks now and then whether a cluster is still there, for who works with it.

    Ray itself would end this process when it has had no answer for some time, and nothing could be said or put away.

    Parameters
    ----------
    ray : module
        Connected.
    who : str
        For messages.
    """

    def __init__(self, ray: Any, who: str) -> None:
        self.ray, self.who, self._silent, self._looked = ray, who, 0, time.monotonic()

    def check(self) -> None:
        """Raise `ClusterError` if Ray's program on this machine has ended, or the head was silent twice.

        It looks every few seconds; in between it says nothing.
        """
        if time.monotonic() < self._looked + WAIT:
            return
        self._looked = time.monotonic()
        if not _listens(self.ray._private.worker.global_worker.node.raylet_socket_name):
            raise ClusterError(f"{self.who}: the Ray cluster was lost, its program on this machine has ended")
        self._silent = 0 if answers(self.ray.get_runtime_context().gcs_address) else self._silent + 1
        if self._silent > 1:
            raise ClusterError(f"{self.who}: the Ray cluster was lost, its head no longer answers")

    @contextmanager
    def saying(self) -> Iterator[None]:
        """Say of a broken connection to Ray that the cluster was lost."""
        try:
            yield
        except OSError as error:
            if isinstance(error, self.ray.exceptions.RayError):  # of what was done there
                raise
            raise ClusterError(f"{self.who}: the Ray cluster was lost, {error.strerror or error}") from error


def answers(place: str) -> bool:
    """Say whether anybody listens at `HOST:PORT`."""
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=WAIT).close()
    except (OSError, OverflowError):
        return False
    return True


def _listens(path: str) -> bool:
    """Say whether anybody listens at a socket of this machine."""
    with socket.socket(socket.AF_UNIX) as one, suppress(OSError):
        one.settimeout(WAIT)
        one.connect(path)
        return True
    return False


@cache
def _token() -> str:
    """Return what a Ray of our own asks for: one for the life of the process, as Ray reads it once."""
    return secrets.token_hex(32)


def _folder() -> str:
    """Make a private folder; Ray's own in it are open to all, and sockets in them allow no long path."""
    return tempfile.mkdtemp(prefix="irkit-ray-", dir="/tmp" if os.path.isdir("/tmp") else None)


def _started(folder: str) -> list[Any]:
    """Return the processes of a Ray of our own: those told its folder, those that hold a file of it, and all below."""
    import psutil  # comes with Ray

    def ours(one: Any) -> bool:
        with suppress(psutil.Error):
            if any(folder in word for word in one.cmdline()):
                return True
            # Workers change their name; those of a raylet that died are nobody's children.
            return one.name().startswith("ray::") and any(file.path.startswith(folder) for file in one.open_files())
        return False

    found = {one.pid: one for one in psutil.process_iter() if one.pid != os.getpid() and ours(one)}
    for one in list(found.values()):
        with suppress(psutil.Error):
            found |= {child.pid: child for child in one.children(recursive=True)}
    return list(found.values())


def _end(processes: list[Any]) -> None:
    """Wait until processes are gone: some outlive Ray's own farewell, and would write into the folder again."""
    import psutil

    _, alive = psutil.wait_procs(processes, timeout=WAIT)
    for one in alive:
        with suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(alive, timeout=WAIT)


def _check_there(address: str, who: str) -> None:
    """Raise `ClusterError` unless somebody answers where the head of a cluster should be."""
    from ray._private.services import canonicalize_bootstrap_address  # of `auto`: what Ray itself would take

    try:
        place = canonicalize_bootstrap_address(address)
    except (ConnectionError, ValueError) as error:
        reason = " ".join(str(error).split()).partition(". ")[0]
        raise ClusterError(f"{who}: finds no Ray cluster to join, {reason}; name its HOST:PORT") from None
    if place is None:
        what = "there is no Ray cluster on this machine"
        raise ClusterError(f"{who}: {what}; start one (ray start --head), or leave out the address") from None
    if not answers(place):
        where = place if address == "auto" else address
        raise ClusterError(f"{who}: no Ray cluster answers at {where}; start it, or leave out the address")


def _join(ray: Any, address: str, who: str, quiet: Mapping[str, Any]) -> None:
    try:
        ray.init(address=address, **quiet)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        need = "this machine must belong to it, and RAY_AUTH_TOKEN_PATH lead to its token if it asks for one"
        raise ClusterError(f"{who}: cannot join the Ray cluster at {address}, {reason}; {need}") from error


@contextmanager
def _environment(changed: Mapping[str, str]) -> Iterator[None]:
    """Set variables for a while; those that Ray changes meanwhile are put back too."""
    names = [*changed, "RAY_AUTH_MODE"]
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _set(module: Any, name: str, value: Any) -> Iterator[None]:
    """Set what a module of Ray read from the environment when it was imported, or never reads from there."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


@contextmanager
def _sigterm() -> Iterator[Callable[[], None]]:
    """Put back what SIGTERM did; lend what makes it end the process as an exception does meanwhile, and so Ray too.

    Ray's own handlers print the addresses of the stack.
    """
    here = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)

    def quietly() -> None:
        if here:
            signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

    try:
        yield quietly
    finally:
        if here:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _fatal_signals() -> Iterator[None]:
    """Put back how this process takes SIGSEGV and its kin: a JVM lives by its own way, which Ray replaces as it comes
    and as it goes; without it the JVM ends the process at the next null pointer that it meets on purpose."""
    of_c = ctypes.CDLL(None)
    kept = {number: ctypes.create_string_buffer(ROOM) for number in _FATAL}
    for number, action in kept.items():
        of_c.sigaction(number, None, action)
    try:
        yield
    finally:
        for number, action in kept.items():
            of_c.sigaction(number, action, None)

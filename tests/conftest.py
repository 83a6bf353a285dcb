"""Fixtures every test may use, and three guards: no network, nobody's own folder, few threads."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Before numpy is first imported: two test runs on one machine must not fight over the cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

_real = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}
_getaddrinfo = socket.getaddrinfo
_folders: list[str] = []
ABSENT = "IRKIT_DATA is not set: no real collections here"


def pytest_configure(config: pytest.Config) -> None:
    """Give the whole run, its subprocesses and the doctests a user folder of its own, and no network."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job, whose children would be deaf too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _folders.append(tempfile.mkdtemp(prefix="irkit-tests-"))
    os.environ["IRKIT_HOME"] = str(Path(_folders[-1]) / ".irkit")
    for name, real in _real.items():
        setattr(socket.socket, name, _guarded(real))
    socket.getaddrinfo = _guarded_lookup
    settings.register_profile("irkit", deadline=None)  # no test fails because the machine is busy
    settings.load_profile("irkit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests of real collections where there are none, whatever fixtures they ask for."""
    if not os.environ.get("IRKIT_DATA"):
        for item in items:
            if item.get_closest_marker("data"):
                item.add_marker(pytest.mark.skip(ABSENT))


def pytest_unconfigure(config: pytest.Config) -> None:
    for name, real in _real.items():
        setattr(socket.socket, name, real)
    socket.getaddrinfo = _getaddrinfo
    os.environ.pop("IRKIT_HOME", None)
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


def _guarded(real):
    def connect(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise RuntimeError(f"tests do not use the network, got a connection to {address[0]}")
        return real(self, address, *rest)

    return connect


def _guarded_lookup(host, *rest, **options):
    name = host.decode() if isinstance(host, bytes) else host
    if name is not None and not _is_loopback(name):
        raise RuntimeError(f"tests do not use the network, got a look-up of {name}")
    return _getaddrinfo(host, *rest, **options)


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1", ""} or host.startswith("127.")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real collections that IRKIT_DATA names; the test is skipped without one."""
    value = os.environ.get("IRKIT_DATA")
    if not value:
        pytest.skip(ABSENT)
    folder = Path(value)
    if not folder.is_dir():
        pytest.fail(f"IRKIT_DATA is not a folder: {folder}")
    return folder


@pytest.fixture(scope="session")
def lee_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Lucene index of the embedded Lee collection; tests only read it."""
    from irkit.io import load_collection
    from irkit.lucene import build_index

    path = tmp_path_factory.mktemp("lee") / "lee-index"
    build_index(path, load_collection("lee").documents()).close()
    return path

"""A served application on its address, until a signal stops it: what was begun by then is finished.

When SIGTERM or Ctrl-C comes, connections that wait to be accepted are taken and no new ones. For a moment, those that
are kept open are still answered, and told that they are closed; then the server waits for its last answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import math
import signal
import socket
import sys
from collections.abc import Callable, Generator
from typing import Any

from irkit.errors import ConfigError, MissingExtraError
from irkit.serve.guard import Guard

try:
    import uvicorn

    from irkit.serve.connections import protocol
except ImportError:
    raise MissingExtraError("serve: the packages are not installed; pip install 'irkit[serve]'") from None

log = logging.getLogger(__name__)

LAST = 0.5
"Seconds in which open connections may send a last request after the service was told to stop."

HEAD = 32 * 1024
"Bytes of a request before its body."

BACKLOG = 256
"Connections that wait to be accepted, and are at once."

FILES = 256
"What else is open: indexes, logs, what a worker reads."


def serve(
    app: Guard, host: str, port: int, *, ready: Callable[[str], None], lifespan: bool = False, who: str = "serve"
) -> bool:
    """Serve an application until SIGTERM or Ctrl-C, and say whether all that had begun was finished.

    Parameters
    ----------
    app : Guard
    host : str
        An address of this machine; 0.0.0.0 and :: are all of them.
    port : int
        0 takes a free one.
    ready : function
        Is told the address when requests are answered.
    lifespan : bool
        Whether the application wants to be told when it begins and ends.
    who : str
        The command, which begins the errors.

    Raises
    ------
    ConfigError
        If the address cannot be taken.
    """
    _make_room(app)
    listener = _bound(host, port, who)
    address, number = listener.getsockname()[:2]
    config = uvicorn.Config(
        app,
        http=protocol(app),
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        lifespan="on" if lifespan else "off",
        ws="none",
        backlog=BACKLOG,
        timeout_graceful_shutdown=max(1, round(app.limits.grace)),
        h11_max_incomplete_event_size=HEAD,
    )
    url = f"http://{f'[{address}]' if ':' in address else address}:{number}"
    server = _Server(config, app, lambda: ready(url))
    server.run([listener])
    return app.workers.close(app.limits.grace) and not server.server_state.connections


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine to itself and to nobody else.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _make_room(guard: Guard) -> None:
    """Have the system allow as many open files as there may be connections; else allow fewer connections."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = guard.limits.connections + BACKLOG + FILES
    now, most = (math.inf if limit == resource.RLIM_INFINITY else limit for limit in (soft, hard))
    if now >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(min(wanted, most)), hard))
    if most < wanted:
        fewer = max(hard - BACKLOG - FILES, 1)
        guard.limits = guard.limits.model_copy(update={"connections": fewer})
        log.warning("the system allows %d open files, so %d connections (ulimit -n)", hard, fewer)


def _bound(host: str, port: int, who: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP: only then does asyncio send small answers at once, without waiting 40 ms for an acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        what = getattr(error, "strerror", None) or str(error)
        other = "--port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "--host"
        raise ConfigError(
            f"{who}: {host}:{port} cannot be taken, {what.lower()}; choose another with {other}"
        ) from None
    return listener


class _Server(uvicorn.Server):
    """Uvicorn's server with a slower end."""

    def __init__(self, config: uvicorn.Config, guard: Guard, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.guard, self.ready = guard, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Let signals end the server and not the process, which has more to finish."""
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.guard.stopping = True
        waiting = [connection for one in sockets or () for connection in _waiting(one)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._protocol, connection)
        end = loop.time() + LAST
        while self.server_state.connections and loop.time() < end and not self.force_exit:
            await asyncio.sleep(LAST / 50)
        await super().shutdown(sockets)

    def _protocol(self) -> Any:
        kind: Any = self.config.http_protocol_class
        return kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _waiting(listener: socket.socket) -> list[socket.socket]:
    """Accept the connections that the system holds for a listener: closing it would reset them."""
    found = []
    with contextlib.suppress(OSError):  # none waits, or there is no room for more
        while True:
            found.append(listener.accept()[0])
    return found

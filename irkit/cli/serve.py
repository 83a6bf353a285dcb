"""`irkit serve`: pipelines and recommenders as a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from irkit.cli.numbers import Whole
from irkit.cli.printing import note, say
from irkit.cli.ratings import Reading
from irkit.cli.served import BoundOptions, Bounds, Served, ServedOptions, check_port, summary


def serve(
    *recipes: str,
    served: Served = None,
    reading: Reading = None,
    boards: Path | None = None,
    host: str = "127.0.0.1",
    port: Whole = 8000,
    keys: Path | None = None,
    open: bool = False,
    allow_host: list[str] | None = None,
    bounds: Bounds = None,
    check: Annotated[bool, Parameter(name="--check")] = False,
) -> int:
    """Serve pipelines on indexes, and recommenders, over HTTP.

    Every pipeline is served on every index, and asked once before the service begins. It answers this
    machine alone unless --host names another address, which needs --keys, or --open. Addresses are /,
    a page for people, and /v1/INDEX/search, /v1/INDEX/doc/ID, /v1/INDEX/explain, /v1/MODEL/recommend,
    /pipelines, /boards, /health and /openapi.json. Standard output is the log, one line of JSON a
    request. SIGTERM and Ctrl-C stop the service when it has finished what it has begun.

    For example:

        irkit serve bm25 bm25-rm3 --index lee
        irkit serve bm25 ease --index news=my-index --ratings ml-100k --port 8080
        irkit serve --index my-index --host 0.0.0.0 --keys keys.txt
        irkit serve bm25 --index lee --check

    Parameters
    ----------
    recipes
        Recipes of pipelines and of recommenders, by name (irkit pipelines list) or path; default bm25. The first
        pipeline is meant where a request names none.
    boards
        A folder of results that irkit leaderboard wrote, to be shown.
    host
        The address to listen on; 0.0.0.0 is all of this machine's.
    port
        The port to listen on; 0 takes a free one.
    keys
        A file of keys, one a line, of which a request must show one: Authorization: Bearer KEY. Nobody else may
        read the file.
    open
        Listen on an address that others reach, without keys.
    allow_host
        A further name that the service may be asked for by, such as that of a proxy on this machine; may be repeated.
    check
        Open everything, say what would be served, and stop.
    """
    from irkit.errors import ConfigError
    from irkit.serve.guard import LOCAL, OPEN, Guard
    from irkit.serve.keys import read_keys
    from irkit.serve.rest import application
    from irkit.serve.run import is_loopback
    from irkit.serve.run import serve as run
    from irkit.serve.static import page

    check_port(port, who="serve")
    local = is_loopback(host)
    if not local and keys is None and not open:
        raise ConfigError(f"serve: {host} is reached by others; give --keys a file of keys, or --open to let all in")
    limits = (bounds or BoundOptions()).limits(who="serve")
    known = None if keys is None else read_keys(keys)
    library = (served or ServedOptions()).library(recipes, limits, reading, who="serve", boards=boards)
    for line in summary(library):
        (say if check else note)(line)
    if check:
        library.close()
        return 0
    import sys

    from irkit.serve.log import RequestLog
    from irkit.serve.workers import Workers

    workers = Workers(limits)
    hosts = [*LOCAL, host, *(allow_host or ())] if local or allow_host else ()
    guard = Guard(
        application(library, workers),
        workers,
        keys=known,
        hosts=hosts,
        log=RequestLog(sys.stdout),
        open={*OPEN, *page()},
    )
    finished = run(guard, host, port, ready=lambda url: note(f"serving on {url}; Ctrl-C stops it"))
    note("stopped" if finished else "stopped; what did not end in time was given up")
    return 0

"""`irkit mcp`: pipelines and recommenders as tools of an assistant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from irkit.cli.numbers import Whole
from irkit.cli.printing import note, say
from irkit.cli.ratings import Reading
from irkit.cli.served import BoundOptions, Bounds, Served, ServedOptions, check_port, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from irkit.serve.keys import Keys
    from irkit.serve.limits import Limits
    from irkit.serve.tools import Tools


def mcp(
    *recipes: str,
    served: Served = None,
    reading: Reading = None,
    judgements: str | None = None,
    http: bool = False,
    host: str = "127.0.0.1",
    port: Whole = 8000,
    keys: Path | None = None,
    open: bool = False,
    allow_host: list[str] | None = None,
    bounds: Bounds = None,
    check: Annotated[bool, Parameter(name="--check")] = False,
) -> int:
    """Give assistants tools that search, read, explain, fuse and recommend.

    It speaks the Model Context Protocol: an assistant's program starts it over standard input and output; name it
    in that program's configuration. With --http it is a service at /mcp instead, of this machine alone
    unless --host names another address, which needs --keys, or --open. Every pipeline is served on every
    index. No tool changes anything.

    For example:

        irkit mcp bm25 bm25-rm3 --index lee
        irkit mcp bm25 ease --index news=my-index --ratings ml-100k
        irkit mcp bm25 --index lee --judgements lee --check
        irkit mcp bm25 --index lee --http --port 8080

    Parameters
    ----------
    recipes
        Recipes of pipelines and of recommenders, by name (irkit pipelines list) or path; default bm25. The first
        pipeline is meant where a call names none.
    judgements
        A file of judgements, or a collection whose judgements and queries are used: with them there are the
        tools judge and evaluate. Of several indexes the one they are of is named, INDEX=FILE.
    http
        Speak over HTTP. Standard output is then the log, one line of JSON a request.
    host
        With --http: the address to listen on; 0.0.0.0 is all of this machine's.
    port
        With --http: the port to listen on; 0 takes a free one.
    keys
        With --http: a file of keys, one a line, of which a request must show one: Authorization: Bearer KEY. Nobody
        else may read the file.
    open
        With --http: listen on an address that others reach, without keys.
    allow_host
        With --http: a further name that the service may be asked for by, such as that of a proxy on this machine; may
        be repeated.
    check
        Open everything, say what would be served, and stop.
    """
    from irkit.errors import ConfigError
    from irkit.serve.keys import read_keys
    from irkit.serve.mcp import Opening, over_stdio, server
    from irkit.serve.workers import Workers

    check_port(port, who="mcp")
    given = {"--host": host != "127.0.0.1", "--port": port != 8000, "--keys": keys, "--open": open}
    for option in (name for name, one in (given | {"--allow-host": allow_host}).items() if one and not http):
        raise ConfigError(f"mcp: {option} is for --http; give that too, or leave it out")
    if http and keys is None and not open and not _is_loopback(host):
        raise ConfigError(f"mcp: {host} is reached by others; give --keys a file of keys, or --open to let all in")
    known = None if keys is None else read_keys(keys)
    limits = (bounds or BoundOptions()).limits(who="mcp")
    opening = Opening(lambda: _tools(recipes, served or ServedOptions(), reading, judgements, limits))
    judged = judgements is not None
    if not (http or check):
        over_stdio(server(opening, Workers(limits), judged=judged), opening)
        return 2 if opening.failed else 0
    tools = _tools(recipes, served or ServedOptions(), reading, judgements, limits)
    for line in _summary(tools):
        (say if check else note)(line)
    if check:
        tools.library.close()
        return 0
    return _over_http(tools, limits, host, port, known, allow_host or ())


def _is_loopback(host: str) -> bool:
    from irkit.serve.run import is_loopback  # which imports a web server; standard input and output need none

    return is_loopback(host)


def _over_http(tools: Tools, limits: Limits, host: str, port: int, keys: Keys | None, more: Sequence[str]) -> int:
    import sys

    from irkit.serve.guard import LOCAL, Guard
    from irkit.serve.log import RequestLog
    from irkit.serve.mcp import PATH, Opening, over_http, server
    from irkit.serve.run import is_loopback
    from irkit.serve.run import serve as run
    from irkit.serve.workers import Workers

    workers = Workers(limits)
    hosts = [*LOCAL, host, *more] if is_loopback(host) or more else ()
    app = over_http(server(Opening.of(tools), workers, judged=tools.judgements is not None), hosts)
    guard = Guard(app, workers, keys=keys, hosts=hosts, log=RequestLog(sys.stdout), open=(), busy=())
    finished = run(
        guard, host, port, ready=lambda url: note(f"serving on {url}{PATH}; Ctrl-C stops it"), lifespan=True, who="mcp"
    )
    note("stopped" if finished else "stopped; what did not end in time was given up")
    return 0


def _tools(
    recipes: Sequence[str], served: ServedOptions, reading: Reading, judgements: str | None, limits: Limits
) -> Tools:
    from irkit.serve.judged import Judgements
    from irkit.serve.shapes import PART
    from irkit.serve.tools import SNIPPET, TERMS, Tools

    fitting = limits.model_copy(update={"snippet": SNIPPET, "terms": TERMS, "text": PART})
    library = served.library(recipes, fitting, reading, who="mcp")
    if judgements is None:
        return Tools(library)
    return Tools(library, Judgements.open(judgements, [one.name for one in library.indexes()], who="mcp"))


def _summary(tools: Tools) -> list[str]:
    held = tools.judgements
    more = [] if held is None else [f"judgements {held.name}: queries {len(held):,}"]
    return [*summary(tools.library), *more]

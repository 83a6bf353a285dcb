"""Tests of the ways in to the tools of assistants: a process of its own, and HTTP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading

import pytest

pytest.importorskip("mcp", reason="needs irkit[serve]")

from mcp import Client, StdioServerParameters

from irkit.serve.limits import Limits
from irkit.serve.mcp import Opening, over_http, server
from irkit.serve.tools import Tools
from irkit.serve.workers import Workers
from tests.serve.answered import error, of


def process(*words):
    return [sys.executable, "-m", "irkit", "mcp", *words]


@pytest.mark.slow
def test_a_process_speaks_nothing_but_the_protocol(folders, qrels):
    """By hand: every line of standard output is a message, whatever else is printed; it ends with its input."""
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    said = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": "search", "arguments": {"query": "storm"}},
        },
    ]
    words = ["bm25", "--index", f"tiny={folders / 'tiny'}", "--judgements", str(qrels), "--timeout", "60"]
    with subprocess.Popen(
        process(*words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        child.stdin.write("".join(json.dumps(one) + "\n" for one in said) + "not json\n")
        child.stdin.flush()
        lines = [json.loads(child.stdout.readline())]
        while not any(one.get("id") == 2 for one in lines):
            lines.append(json.loads(child.stdout.readline()))
        rest, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    assert all(one["jsonrpc"] == "2.0" for one in [*lines, *map(json.loads, rest.splitlines())])
    by_id = {one.get("id"): one for one in lines}
    assert by_id[1]["result"]["serverInfo"]["name"] == "irkit"
    assert by_id[2]["result"]["structuredContent"]["hits"][0]["docno"] == "d1"


@pytest.mark.slow
def test_the_client_of_the_package_speaks_with_a_process(folders):
    words = process("bm25", "bm25-rm3", "--index", f"tiny={folders / 'tiny'}", "--timeout", "60")

    async def conversation():
        async with Client(StdioServerParameters(command=words[0], args=words[1:])) as client:
            calls = [client.call_tool("search", {"query": "storm", "pipeline": one}) for one in ("bm25", "bm25-rm3")]
            names = [of(one)["ranking"] for one in await asyncio.gather(*calls)]
            return await client.call_tool("fuse", {"rankings": names}), await client.call_tool("read", {"docno": "no"})

    fused, missing = asyncio.run(conversation())
    assert of(fused)["hits"][0]["docno"] == "d1"
    assert error(missing) == "index tiny: there is no document 'no'"


def test_http_answers_the_client_and_keeps_strangers_out(library):
    import socket

    import httpx
    import uvicorn

    from irkit.serve.guard import LOCAL, Guard

    workers = Workers(Limits(workers=1, seconds=60))
    guard = Guard(over_http(server(Opening.of(Tools(library)), workers, judged=False), LOCAL), workers, busy=())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ready = threading.Event()

        class Told(uvicorn.Server):
            async def startup(self, sockets=None):
                await super().startup(sockets)
                ready.set()

        running = Told(uvicorn.Config(guard, log_config=None, lifespan="on"))
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        assert ready.wait(60)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"

        async def conversation(mode):
            async with Client(url, mode=mode) as client:
                first = of(await client.call_tool("search", {"query": "storm", "n": 1}))
                return of(await client.call_tool("page", {"ranking": first["ranking"], "start": 1}))

        try:
            for mode in ("auto", "legacy"):
                assert [hit["docno"] for hit in asyncio.run(conversation(mode))["hits"]] == ["d3"]
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            head = {"accept": "application/json, text/event-stream"}
            answers = [
                httpx.post(url, json=body, headers={**head, **more}).status_code
                for more in ({"host": "evil.example"}, {"origin": "http://evil.example"}, {"origin": "null"})
            ]
            assert answers == [421, 403, 403]
            assert httpx.post(url, json={"x": "a" * 70_000}, headers=head).status_code == 413
            assert (
                httpx.post(url, content=b"{", headers={**head, "content-type": "application/json"}).status_code == 400
            )
        finally:
            running.should_exit = True
            thread.join(60)

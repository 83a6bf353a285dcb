"""The page: files of the package, read once, under addresses of their own; nothing in them is made for anybody."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from importlib.resources import files

from irkit.errors import MissingExtraError

try:
    from fastapi import FastAPI, Request, Response
except ImportError:
    raise MissingExtraError("serve: the packages are not installed; pip install 'irkit[serve]'") from None

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

FIRST = "index.html"

POLICY = "; ".join(
    (
        "default-src 'none'",
        *("script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"),
        *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
    )
)
"What the page may load: its own files, and answers of the service it came from."


def page() -> dict[str, bytes]:
    """Return the files of the page by their addresses; `/` is the page itself."""
    folder = files("irkit.serve").joinpath("page")
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.name.endswith(tuple(KINDS))}
    return {"/" if name == FIRST else f"/page/{name}": found[name] for name in sorted(found)}


def add_page(app: FastAPI) -> None:
    """Let an application answer with the page; browsers keep its files and ask whether they are still the same."""
    for address, content in page().items():
        app.add_api_route(address, _answer(FIRST if address == "/" else address, content), include_in_schema=False)


def _answer(name: str, content: bytes) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a file."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"cache-control": "no-cache", "etag": tag, "content-security-policy": POLICY}
    kind = KINDS[name[name.rindex(".") :]]

    async def answer(request: Request) -> Response:
        known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
        if tag in known:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=kind, headers=headers)

    return answer

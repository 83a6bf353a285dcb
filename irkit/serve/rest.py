"""REST: the library's questions as addresses, its answers as JSON, its errors as RFC 9457 has them.

Questions that need a worker have GET, which may be bookmarked, and POST, which keeps a query out of logs on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import irkit
from irkit.errors import DeadlineError, MissingExtraError
from irkit.serve import answers
from irkit.serve.guard import FAILED, LEFT, PROBLEM, RETRY, problem
from irkit.serve.library import Library
from irkit.serve.limits import BusyError, RequestError, UnknownError
from irkit.serve.static import add_page
from irkit.serve.workers import Workers

try:
    from fastapi import FastAPI, Query, Request, Response
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
except ImportError:
    raise MissingExtraError("serve: the packages are not installed; pip install 'irkit[serve]'") from None

from pydantic import BaseModel, ConfigDict, Field

STATUS: dict[type[Exception], int] = {RequestError: 422, UnknownError: 404, BusyError: 503, DeadlineError: 504}
"Of the errors whose messages are for those who asked; every other is 500."


class Question(BaseModel):
    """Base of what is asked; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Search(Question):
    """What to search for."""

    query: str = Field(min_length=1)
    "Words."
    pipeline: str | None = None
    "The pipeline's name; default the first that is served."
    k: int | None = Field(None, ge=1)
    "How many documents; default 10, or as many as may be asked for."
    start: int = Field(0, ge=0)
    "How many better ones are left out."
    text: bool = False
    "Whether the start of each document's text is given too."


class Explain(Question):
    """Which score to explain."""

    query: str = Field(min_length=1)
    "Words."
    docno: str = Field(min_length=1)
    "The document's id."
    pipeline: str | None = None
    "The pipeline's name; default the first that is served."


class Part(Question):
    """Which part of a document to give."""

    start: int = Field(0, ge=0)
    "Characters that are left out."
    length: int | None = Field(None, ge=1)
    "Characters that are given; default as many as one answer may hold."


class Recommend(Question):
    """Whom to recommend to."""

    user: str = Field(min_length=1)
    "The user's id."
    n: int | None = Field(None, ge=1)
    "How many items; default 10, or as many as may be asked for."
    why: bool = False
    "Whether each item comes with what its score is the sum of."


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    title: str
    status: int
    detail: str
    request_id: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {PROBLEM: {}}, "description": what}
    for status, what in {
        401: "A key is needed.",
        404: "Nothing is served by that name.",
        413: "The body is too large.",
        421: "The service does not go by that name.",
        422: "Something is out of bounds.",
        503: "There is no room; come back after the seconds of Retry-After.",
        504: "It was not done in time.",
    }.items()
}


def application(library: Library, workers: Workers) -> FastAPI:
    """Return the application; a `Guard` goes before it."""
    app = FastAPI(
        title="irkit",
        version=irkit.__version__,
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=PROBLEMS,
    )

    async def answered(request: Request, work: Callable[[], answers.Answer]) -> Response:
        """Let a worker answer; whoever leaves before that frees it."""
        asked = asyncio.ensure_future(workers.run(lambda: work().model_dump_json()))
        left = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait({asked, left}, return_when=asyncio.FIRST_COMPLETED)
            return Response(await asked, media_type="application/json") if asked.done() else Response(status_code=LEFT)
        finally:
            left.cancel()
            asked.cancel()

    @app.get("/v1/{index}/search", response_model=answers.Results)
    async def search(request: Request, index: str, question: Annotated[Search, Query()]) -> Response:
        """Search an index."""
        return await answered(request, lambda: library.search(index, **question.model_dump()))

    @app.post("/v1/{index}/search", response_model=answers.Results)
    async def search_by_post(request: Request, index: str, question: Search) -> Response:
        """Search an index."""
        return await answered(request, lambda: library.search(index, **question.model_dump()))

    @app.get("/v1/{index}/doc/{docno:path}", response_model=answers.Text)
    async def document(request: Request, index: str, docno: str, part: Annotated[Part, Query()]) -> Response:
        """Give a document's text, or a part of it."""
        return await answered(request, lambda: library.document(index, docno, **part.model_dump()))

    @app.get("/v1/{index}/explain", response_model=answers.Trail)
    async def explain(request: Request, index: str, question: Annotated[Explain, Query()]) -> Response:
        """Say how a document got its score."""
        return await answered(request, lambda: library.explain(index, **question.model_dump()))

    @app.post("/v1/{index}/explain", response_model=answers.Trail)
    async def explain_by_post(request: Request, index: str, question: Explain) -> Response:
        """Say how a document got its score."""
        return await answered(request, lambda: library.explain(index, **question.model_dump()))

    @app.get("/v1/{model}/recommend", response_model=answers.Items)
    async def recommend(request: Request, model: str, question: Annotated[Recommend, Query()]) -> Response:
        """Recommend items to a user."""
        return await answered(request, lambda: library.recommend(model, **question.model_dump()))

    @app.post("/v1/{model}/recommend", response_model=answers.Items)
    async def recommend_by_post(request: Request, model: str, question: Recommend) -> Response:
        """Recommend items to a user."""
        return await answered(request, lambda: library.recommend(model, **question.model_dump()))

    catalogue = library.catalogue()

    @app.get("/pipelines", response_model=answers.Catalogue)
    async def pipelines() -> answers.Catalogue:
        """Say what is served."""
        return catalogue

    @app.get("/boards", response_model=answers.BoardNames)
    async def boards(request: Request) -> Response:
        """Name the result files."""
        return await answered(request, library.boards)

    @app.get("/boards/{name}", response_model=answers.Report)
    async def board(request: Request, name: str) -> Response:
        """Give the boards of a result file."""
        return await answered(request, lambda: library.board(name))

    @app.get("/health", response_model=answers.Health)
    async def health() -> answers.Health:
        """Say whether the service works and how busy it is; needs no key."""
        busy = {"running": workers.running, "waiting": workers.waiting}
        return library.health().model_copy(update=busy)

    add_page(app)
    _explain_errors(app)
    return app


async def _left(request: Request) -> None:
    """Wait until whoever asked has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _explain_errors(app: FastAPI) -> None:
    """Answer errors with what those who asked may read."""

    def told(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
        body = problem(status, detail, getattr(request.state, "request_id", ""))
        return Response(body, status, headers, media_type=PROBLEM)

    def ours(request: Request, error: Exception) -> Response:
        status = STATUS[type(error)]
        return told(request, status, str(error), {"retry-after": RETRY} if status == 503 else None)

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return told(request, 422, f"body: is not JSON, {first['ctx']['error'].lower()}"[:200])
        place = ".".join(str(part) for part in first["loc"][1:] or first["loc"])
        return told(request, 422, f"{place[:100]}: {first['msg'][:1].lower()}{first['msg'][1:200]}")

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return told(request, error.status_code, str(error.detail), dict(error.headers or {}))

    def failed(request: Request, error: Exception) -> Response:
        return told(request, 500, FAILED)

    for kind in STATUS:
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, failed)

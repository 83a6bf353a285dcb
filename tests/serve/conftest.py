"""A library of two tiny indexes and a recommender, opened once: small enough to know every answer by hand."""

from __future__ import annotations

import pytest

from irkit.documents import Document
from irkit.lucene import build_index
from irkit.serve.library import Library

TEXTS = {
    "d1": "storm damage in the city, storm warning",
    "d2": "rain and wind over the coast",
    "d3": "storm over the coast",
    "a/b/c": "the harbour at night",
    "köln": "rain in the city of Köln",
    "..": "a document with an odd id about wind",
}
RATINGS = "user,item,rating\n" + "".join(
    f"u{user},i{item},{1 + (user * item) % 5}\n" for user in range(8) for item in range(10) if (user + item) % 3
)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Index folders with and without texts, and a file of ratings."""
    folder = tmp_path_factory.mktemp("serve")
    documents = [Document(docno, text) for docno, text in TEXTS.items()]
    build_index(folder / "tiny", documents).close()
    build_index(folder / "mute", documents[:3], store_text=False).close()
    (folder / "ratings.csv").write_text(RATINGS)
    return folder


@pytest.fixture(scope="session")
def library(folders):
    library = Library.open(
        ["bm25", "bm25-rm3", "ease"],
        [f"tiny={folders / 'tiny'}", f"mute={folders / 'mute'}"],
        ratings=str(folders / "ratings.csv"),
    )
    yield library
    library.close()


@pytest.fixture(scope="session")
def door(library):
    """Return what puts the library behind a guard and gives a client for it; its log is `client.lines`."""
    pytest.importorskip("fastapi", reason="needs irkit[serve]")
    from io import StringIO

    from starlette.testclient import TestClient

    from irkit.serve.guard import Guard
    from irkit.serve.limits import Limits
    from irkit.serve.log import RequestLog
    from irkit.serve.rest import application
    from irkit.serve.workers import Workers

    def opened(held=library, *, limits=None, host="localhost", **options):
        stream = StringIO()
        workers = Workers(limits or Limits(workers=1, seconds=60))
        guard = Guard(application(held, workers), workers, log=RequestLog(stream), **options)
        client = TestClient(guard, base_url=f"http://{host}", raise_server_exceptions=True)
        client.workers, client.guard, client.stream = workers, guard, stream
        return client

    return opened


@pytest.fixture(scope="session")
def qrels(folders):
    path = folders / "tiny.qrels"
    path.write_text("1 0 d1 2\n1 0 d2 0\n1 0 zz 1\n2 0 d3 1\n")
    return path

"""`irkit data get` of archives that climb out of their folder, and of files that are not what they should be."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(folder):
    """A folder served on the loopback address, with that address."""
    place = folder / "served"
    place.mkdir()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(place)))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield place, f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def home(folder, monkeypatch) -> Path:
    monkeypatch.setenv("IRKIT_HOME", str(folder / "home"))
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    (folder / "home" / "data").mkdir(parents=True)
    return folder / "home"


def write_card(home: Path, url: str, *, sha256: str = "") -> None:
    members = "" if url.endswith(".jsonl") else ", members: [docs.jsonl]"
    digest = f", sha256: {sha256}" if sha256 else ""
    name = url.rsplit("/", 1)[1]
    (home / "data" / "toy.yaml").write_text(
        f"name: toy\nabout: A toy.\nterms: None.\nfiles: [{{name: {name}, url: '{url}'{digest}{members}}}]\n"
        "kind: texts\ndocuments: {files: [docs.jsonl]}\n"
    )


def tar_of(entries: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def zip_of(entries: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize(("name", "packed"), [("a.tar.gz", tar_of), ("a.zip", zip_of)])
@pytest.mark.parametrize("climbing", ["../docs.jsonl", "/docs.jsonl", "x/../../docs.jsonl"])
def test_an_archive_that_climbs_out_is_refused(irkit, server, home, name, packed, climbing):
    place, url = server
    (place / name).write_bytes(packed({climbing: b'{"id": "d1", "text": "x"}\n'}))
    write_card(home, f"{url}/{name}")
    done = irkit("data", "get", "toy", status=2)
    assert done.err.splitlines()[-1].startswith("irkit: ")
    assert not list(home.parent.rglob("docs.jsonl"))


def test_a_file_with_another_checksum_is_refused(irkit, server, home):
    place, url = server
    (place / "docs.jsonl").write_bytes(b'{"id": "d1", "text": "x"}\n')
    write_card(home, f"{url}/docs.jsonl", sha256=hashlib.sha256(b"other").hexdigest())
    done = irkit("data", "get", "toy", status=2)
    assert "SHA-256" in done.err
    assert not list(home.rglob("docs.jsonl"))


def test_a_good_download_prints_the_terms_and_is_then_here(irkit, server, home):
    place, url = server
    (place / "a.zip").write_bytes(zip_of({"docs.jsonl": b'{"id": "d1", "text": "x"}\n'}))
    write_card(home, f"{url}/a.zip")
    done = irkit("data", "get", "toy")
    assert "terms: None." in done.err
    assert done.out == f"toy: {home / 'collections' / 'toy'}\n"
    assert irkit("index", "toy").out.startswith("toy-index: 1 document")

"""Whole collections from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from irkit.errors import ConfigError, DataError, DownloadError, LockedError, NotFoundError
from irkit.io import load_collection
from irkit.io.cards import find_card
from irkit.io.fetch import fetch

CARD = """
name: toy
about: A toy.
source: [http://example.org/toy]
terms: Be kind.
files:
  - {{name: toy.tar.gz, url: "{url}/toy.tar.gz", members: {members}}}
  - {{name: q.qrels, url: "{url}/q.qrels"}}
documents: {{files: [docs.jsonl]}}
queries: {{file: q.tsv}}
qrels: {{file: q.qrels}}
counts: {{documents: 1, queries: 1, judgements: 1}}
"""
DOCS = b'{"id": "a", "text": "one"}\n'


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def pack(path, docs: bytes = DOCS) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in (("toy/docs.jsonl", docs), ("toy/q.tsv", b"1\tone\n"), ("toy/extra", b"not wanted")):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    pack(folder / "toy.tar.gz")
    (folder / "q.qrels").write_bytes(b"1 0 a 1\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    return tmp_path / "home"


def card(home, url, members="[docs.jsonl, q.tsv]", more=""):
    (home / "data").mkdir(parents=True, exist_ok=True)
    (home / "data" / "toy.yaml").write_text(CARD.format(url=url, members=members) + more)
    return find_card("toy")


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_collection_is_fetched_unpacked_written_down_and_used(site, home, capsys):
    card(home, site[1])
    collection = load_collection("toy", download=True)
    assert names(home / "collections" / "toy") == ["docs.jsonl", "manifest.json", "q.qrels", "q.tsv"]
    said = capsys.readouterr()
    assert said.out == ""
    assert "terms: Be kind." in said.err
    assert "source: http://example.org/toy" in said.err
    record = json.loads((home / "collections" / "toy" / "manifest.json").read_text())["files"]
    assert sorted(record) == ["docs.jsonl", "q.qrels", "q.tsv", "toy.tar.gz"]
    assert record["docs.jsonl"]["sha256"] == hashlib.sha256(DOCS).hexdigest()
    checks = collection.verify()
    assert [check.ok for check in checks] == [True] * 6
    (collection.folder / "docs.jsonl").write_bytes(DOCS.replace(b"one", b"two"))
    assert [check.what.split()[0] for check in collection.verify() if not check.ok] == ["docs.jsonl"]
    load_collection("toy", download=True)
    assert capsys.readouterr().err == "", "what is here is not fetched again"


def test_only_what_is_missing_is_fetched(site, home):
    toy = card(home, site[1])
    folder = fetch(toy)
    (folder / "q.qrels").unlink()
    (site[0] / "toy.tar.gz").unlink()
    assert fetch(toy) == folder
    assert (folder / "q.qrels").is_file()


def test_a_file_that_changed_since_the_first_download_is_refused(site, home):
    toy = card(home, site[1])
    folder = fetch(toy)
    (folder / "q.qrels").unlink()
    (site[0] / "q.qrels").write_bytes(b"1 0 a 0\n")
    with pytest.raises(
        DownloadError, match=r"q\.qrels: is not the file of \d{4}-\d\d-\d\d: .*; delete .*manifest\.json"
    ):
        fetch(toy)
    assert not (folder / "q.qrels").exists()
    (folder / "manifest.json").unlink()
    fetch(toy)
    assert (folder / "q.qrels").read_bytes() == b"1 0 a 0\n"


def test_a_member_with_another_digest_than_the_cards_is_refused(site, home):
    toy = card(home, site[1], members=f"{{docs.jsonl: {'f' * 64}, q.tsv: ~}}")
    with pytest.raises(DataError, match=r"toy\.tar\.gz: docs\.jsonl has the SHA-256 .*, expected ffff"):
        fetch(toy)
    assert not (home / "collections" / "toy" / "docs.jsonl").exists()
    with pytest.raises(NotFoundError):
        load_collection("toy")


def test_a_missing_file_on_the_server(site, home):
    toy = card(home, site[1])
    (site[0] / "toy.tar.gz").unlink()
    with pytest.raises(DownloadError, match=r"toy\.tar\.gz: HTTP 404 File not found; the file has moved"):
        fetch(toy)


def test_files_that_must_be_got_by_hand_are_named_after_the_rest_is_here(site, home):
    text = CARD.replace("  - {{name: q.qrels", "  - {{name: disks, how: sign the agreement}}\n  - {{name: q.qrels")
    (home / "data").mkdir(parents=True)
    (home / "data" / "toy.yaml").write_text(text.format(url=site[1], members="[docs.jsonl, q.tsv]"))
    with pytest.raises(
        NotFoundError, match=r"toy: disks cannot be downloaded: sign the agreement; put it at .*toy/disks"
    ):
        fetch(find_card("toy"))
    assert (home / "collections" / "toy" / "q.qrels").is_file()


def test_two_downloads_at_once(site, home):
    from filelock import FileLock

    toy = card(home, site[1])
    (home / "collections").mkdir(parents=True)
    with FileLock(home / "collections" / ".toy.lock"), pytest.raises(LockedError, match="toy: another process"):
        fetch(toy)


def test_a_damaged_manifest_says_what_to_do(site, home):
    toy = card(home, site[1])
    folder = fetch(toy)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(DataError, match=r"manifest\.json: is damaged \(JSONDecodeError\); delete it"):
        load_collection("toy").verify()


@pytest.mark.parametrize(("name", "source"), [("lee", "the package gensim"), ("msmarco-passage", "ir_datasets")])
def test_collections_that_come_otherwise_are_not_downloaded(name, source):
    with pytest.raises(ConfigError, match=f"{name} comes through {source}.*; there is nothing to download"):
        fetch(find_card(name))

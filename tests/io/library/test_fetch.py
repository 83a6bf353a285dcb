"""Whole collections from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from irkit.errors import ConfigError, DataError, DownloadError, LockedError, NotFoundError
from irkit.io import load_collection, load_rows
from irkit.io.library import manifest
from irkit.io.library.cards import find_card
from irkit.io.library.catalogue import load_parts
from irkit.io.library.fetch import fetch

CARD = """
name: toy
about: A toy.
source: [http://example.org/toy]
terms: Be kind.
files:
  - {{name: toy.tar.gz, url: "{url}/toy.tar.gz", members: {members}}}
  - {{name: q.qrels, url: "{url}/q.qrels"}}
kind: texts
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


def test_the_files_of_one_set_are_fetched_into_the_folder_of_all(site, home):
    folder, url = site
    files = []
    for name in ("thin", "wide"):
        for part in ("train", "valid", "test"):
            (folder / f"{name}.{part}.data").write_text("0,1\n")
            files.append(f"{{name: {name}/{name}.{part}.data, url: '{url}/{name}.{part}.data'}}")
    (home / "data").mkdir(parents=True)
    (home / "data" / "bars.yaml").write_text(
        f"name: bars\nkind: rows\nabout: Bars.\nfiles: [{', '.join(files)}]\n"
        'read: {format: bits, files: ["{set}/{set}.train.data", "{set}/{set}.valid.data", "{set}/{set}.test.data"]}\n'
        "sets: {thin: {}, wide: {}}\n"
    )
    load_parts("bars/thin", download=True)
    place = home / "collections" / "bars"
    assert sorted(path.name for path in place.iterdir()) == ["manifest.json", "thin"]
    load_parts("bars/wide", download=True)
    assert load_rows("bars/wide").train.tolist() == load_rows("bars/thin").train.tolist() == [[0, 1]]
    assert len(load_parts("bars").verify()) == 6, "each against its first download"


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


@contextmanager
def held(home):
    """Hold the lock of the collection as another process would, until the block ends."""
    from filelock import FileLock

    (home / "collections").mkdir(parents=True, exist_ok=True)
    begun, over = threading.Event(), threading.Event()

    def hold():
        with FileLock(home / "collections" / ".toy.lock"):
            begun.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait()
    try:
        yield over
    finally:
        over.set()
        thread.join()


def test_the_second_of_two_downloads_waits_with_a_word_and_finds_all_done(site, home, capsys):
    toy = card(home, site[1])
    folder = fetch(toy)
    capsys.readouterr()
    (folder / "q.qrels").rename(home / "away")
    with held(home) as over:

        def other():
            while "waiting" not in sys.stderr.getvalue():
                time.sleep(0.01)
            (home / "away").rename(folder / "q.qrels")  # the other process has got it
            over.set()

        thread = threading.Thread(target=other)
        thread.start()
        (site[0] / "q.qrels").unlink()  # so it is not fetched a second time
        assert fetch(toy) == folder
        thread.join()
    assert capsys.readouterr().err == "toy: another process is downloading it; waiting for it to finish\n"


def test_a_download_that_does_not_end_is_not_waited_for_for_ever(site, home, monkeypatch):
    toy = card(home, site[1])
    monkeypatch.setattr("irkit.io.library.fetch.WAIT", 0.01)
    with held(home), pytest.raises(LockedError, match="toy: another process has been downloading it for more than"):
        fetch(toy)


def test_what_dead_downloads_left_is_removed_and_parts_of_wanted_files_are_not(site, home):
    toy = card(home, site[1])
    folder = fetch(toy)
    (folder / "q.qrels").unlink()
    for name in ("toy.tar.gz.part", "toy.tar.gz.part.json", ".docs.jsonl.77-0123abcd.tmp", "q.qrels.part.version"):
        (folder / name).write_text("left")
    (folder / ".mine.tmp").write_text("not irkit's")
    (folder / "notes.part").write_text("not irkit's")
    fetch(toy)
    found = sorted(path.name for path in folder.iterdir())
    assert found == [".mine.tmp", "docs.jsonl", "manifest.json", "notes.part", "q.qrels", "q.tsv"]


@pytest.mark.parametrize("step", [3, 7, 11])
def test_a_fetch_that_dies_at_any_step_of_unpacking_is_whole_after_the_next(site, home, step):
    """The process ends without clean-up in one of its renames, syncs and removals."""
    toy = card(home, site[1])
    code = DYING.format(step=step)
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert died.returncode in {0, 9}, died.stderr
    folder = home / "collections" / "toy"
    for name, content in {"docs.jsonl": DOCS, "q.tsv": b"1\tone\n", "q.qrels": b"1 0 a 1\n"}.items():
        assert not (folder / name).exists() or (folder / name).read_bytes() == content
    fetch(toy)
    assert sorted(path.name for path in folder.iterdir()) == ["docs.jsonl", "manifest.json", "q.qrels", "q.tsv"]
    assert all(check.ok for check in load_collection("toy").verify())


DYING = """
import os
left = {step}

def dying(real):
    def step(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os._exit(9)
        return real(*arguments, **options)
    return step

from irkit.io.library.cards import find_card
from irkit.io.library.fetch import fetch
for name in ("fsync", "replace", "unlink"):
    setattr(os, name, dying(getattr(os, name)))
fetch(find_card("toy"))
"""


def test_an_archive_that_came_whole_is_not_fetched_again_where_its_digest_is_known(site, home):
    toy = card(home, site[1])
    packed = (site[0] / "toy.tar.gz").read_bytes()
    named = toy.files[0].changed(sha256=hashlib.sha256(packed).hexdigest())
    toy = toy.changed(files=(named, toy.files[1]))
    folder = home / "collections" / "toy"
    folder.mkdir(parents=True)
    (folder / "toy.tar.gz").write_bytes(packed)
    (site[0] / "toy.tar.gz").unlink()
    assert names(fetch(toy)) == ["docs.jsonl", "manifest.json", "q.qrels", "q.tsv"]


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system"), OSError(28, "No space")]
)
@pytest.mark.parametrize("what", ["mkdir", "replace", "fsync"])
def test_a_place_that_cannot_be_written_is_one_line_and_nothing_half_is_left(site, home, monkeypatch, error, what):
    toy = card(home, site[1])

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(*(Path, "mkdir") if what == "mkdir" else (os, what), refuse)
    with pytest.raises((DownloadError, DataError), match=rf"cannot write.*{error.strerror}; check free space and perm"):
        fetch(toy)
    monkeypatch.undo()
    monkeypatch.setenv("IRKIT_HOME", str(home))
    fetch(toy)
    assert all(check.ok for check in load_collection("toy").verify())


ENTRY = {"url": "u", "sha256": "0" * 64, "bytes": 1, "date": "2004-01-31"}


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[" * 100_000,
        "[]",
        '{"files": []}',
        *(
            json.dumps({"files": {"q.qrels": {**ENTRY, **wrong}}})
            for wrong in ({"sha256": "0"}, {"sha256": None}, {"bytes": "x"}, {"date": 3}, {"more": 1})
        ),
    ],
)
def test_a_damaged_manifest_says_what_to_do(home, content):
    (home / "a").mkdir(parents=True)
    (home / "a" / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=r"manifest\.json: is damaged \(\w+\); delete it"):
        manifest.load(home / "a")


@pytest.mark.parametrize(("name", "source"), [("lee", "the package gensim"), ("msmarco-passage", "ir_datasets")])
def test_collections_that_come_otherwise_are_not_downloaded(name, source):
    with pytest.raises(ConfigError, match=f"{name} comes through {source}.*; there is nothing to download"):
        fetch(find_card(name))

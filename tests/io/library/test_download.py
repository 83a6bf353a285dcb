"""Downloads from a server on this machine that can be told to misbehave."""

from __future__ import annotations

import hashlib
import io
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from irkit.errors import DownloadError
from irkit.io.library.download import _Redirects, download

DATA = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Remembers requests; `script` holds one behaviour for each request to come."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.script: list[str] = []
        self.data, self.etag = DATA, '"v1"'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file.bin"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        how = server.script.pop(0) if server.script else "serve"
        if how.isdigit():
            self.send_response(int(how))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if how.startswith("redirect "):
            self.send_response(302)
            self.send_header("Location", how.split()[1])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if how.startswith("raw "):
            self.wfile.write(how.removeprefix("raw ").encode("latin-1"))
            self.close_connection = True
            return
        data, start = server.data, 0
        wanted = self.headers.get("Range")
        same = self.headers.get("If-Range") in {None, server.etag}
        if wanted and same and how != "no range":
            start = int(wanted.removeprefix("bytes=").split("-")[0])
            if start >= len(data):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(data)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            shift = 1 if how == "other part" else 0
            self.send_header("Content-Range", f"bytes {start + shift}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        if how != "no length":
            self.send_header("Content-Length", str(len(data) - start))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        self.wfile.write(data[start : start + 100_000] if how == "cut" else data[start:])
        self.close_connection = True


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def get(server, folder, **options):
    return download(server.url, folder / "file.bin", **{"pause": 0.0, "timeout": 5.0, **options})


def test_a_file_arrives_whole_and_checked(server, tmp_path):
    assert get(server, tmp_path / "new", sha256=SHA256, md5=MD5, size=len(DATA)) == SHA256
    assert (tmp_path / "new" / "file.bin").read_bytes() == DATA
    assert names(tmp_path / "new") == ["file.bin"]


def test_a_cut_connection_is_continued_where_it_broke(server, tmp_path):
    server.script = ["cut", "cut"]
    assert get(server, tmp_path) == SHA256
    assert [wanted for _, wanted in server.asked] == [None, "bytes=100000-", "bytes=200000-"]
    assert names(tmp_path) == ["file.bin"]


def test_a_later_call_continues_what_an_earlier_one_left(server, tmp_path):
    server.script = ["cut"] * 2
    with pytest.raises(
        DownloadError,
        match=r"the connection broke after 200,000 of 512,000 bytes \(2 attempts\); 200,000 bytes are kept",
    ):
        get(server, tmp_path, attempts=2)
    assert names(tmp_path) == ["file.bin.part", "file.bin.part.json"]
    assert get(server, tmp_path, sha256=SHA256) == SHA256
    assert server.asked[-1][1] == "bytes=200000-"


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(server, tmp_path):
    server.script = ["cut"]
    with pytest.raises(DownloadError):
        get(server, tmp_path, attempts=1)
    server.data, server.etag = DATA[::-1], '"v2"'
    assert get(server, tmp_path) == hashlib.sha256(DATA[::-1]).hexdigest()


@pytest.mark.parametrize("how", ["no range", "other part"])
def test_a_server_that_ignores_or_mistakes_ranges_is_read_from_the_start(server, tmp_path, how):
    server.script = ["cut", how]
    assert get(server, tmp_path) == SHA256


def test_a_fresh_date_is_no_version(server, tmp_path):
    """Last-Modified counts whole seconds: a file may change twice within one."""
    head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nDate: Fri, 02 Jan 2004 10:00:30 GMT\r\nLast-Modified: {}\r\n\r\nabc"
    for date, kept in (("Fri, 02 Jan 2004 10:00:00 GMT", False), ("Fri, 02 Jan 2004 09:00:00 GMT", True)):
        server.script = [f"raw {head.format(date)}"]
        with pytest.raises(DownloadError, match="3 bytes are kept" if kept else "check the network"):
            get(server, tmp_path / str(kept), attempts=1)


def test_without_a_version_nothing_is_continued(server, tmp_path):
    server.etag = ""
    server.script = ["cut"]
    assert get(server, tmp_path) == SHA256
    assert [wanted for _, wanted in server.asked] == [None, None]


def test_a_length_need_not_be_known_where_a_digest_or_size_is(server, tmp_path):
    server.script = ["no length", "no length"]
    assert get(server, tmp_path, sha256=SHA256) == SHA256
    assert get(server, tmp_path / "b", size=len(DATA)) == SHA256


def test_without_length_size_and_digest_nobody_knows_whether_a_file_came_whole(server, tmp_path):
    server.script = ["no length"]
    with pytest.raises(DownloadError, match=r"the server does not say how long the file is.* put its bytes or sha256"):
        get(server, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("length", ["-1", "1e9", "\xb2", "9" * 5000, "0x10", "", "5, 5"])
def test_a_length_that_is_none_is_refused_in_one_line(server, tmp_path, length):
    server.script = [f"raw HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabc"]
    with pytest.raises(DownloadError, match=r"the server states a length of '.*'; fetch the file by hand") as caught:
        get(server, tmp_path)
    assert len(str(caught.value)) < 200
    assert names(tmp_path) == []


def test_an_endless_body_ends_at_the_size_of_the_card_or_at_the_limit(server, tmp_path):
    body = "".join(f"1000\r\n{'x' * 0x1000}\r\n" for _ in range(50))  # chunks that never end
    server.script = [f"raw HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}"] * 2
    with pytest.raises(DownloadError, match="sends more than the 100,000 bytes expected; check the address"):
        get(server, tmp_path, size=100_000)
    with pytest.raises(DownloadError, match="more than the 90,000 bytes expected; if that is right, put its bytes"):
        get(server, tmp_path / "b", limit=90_000)


def test_what_a_server_says_is_one_short_printable_line(server, tmp_path):
    server.script = [f"raw HTTP/1.1 404 \x1b[31mgone\x07 {'far ' * 200}\r\nContent-Length: 0\r\n\r\n"]
    with pytest.raises(DownloadError, match=r"HTTP 404 .*gone") as caught:
        get(server, tmp_path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 350


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://[::1", "Invalid IPv6 URL"),
        ("http://", "names no server"),
        ("http:///a", "names no server"),
        ("http://x:port/a", "Port could not be cast"),
        ("http://x:99999/a", "Port out of range"),
        ("http://x/a b", "holds a blank or control character"),
        ("http://x/a\nb", "holds a blank or control character"),
        ("http://x/\xe9", "can't encode"),
        ("http://x/\udc80", "can't encode"),
        (f"http://{'x' * 70}.org/a", "label"),
    ],
)
def test_an_address_that_is_none_is_refused_at_once_and_in_one_line(tmp_path, url, says):
    with pytest.raises(DownloadError, match="is no valid address") as caught:
        download(url, tmp_path / "new" / "a", pause=60.0)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_redirect_to_no_address_is_refused_in_one_line(server, tmp_path):
    server.script = ["redirect http://[::1"]
    with pytest.raises(DownloadError, match="leads to no valid address"):
        get(server, tmp_path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sha256": "0" * 64}, f"has the SHA-256 {SHA256}, expected {'0' * 64}"),
        ({"md5": "0" * 32}, f"has the MD5 {MD5}, expected {'0' * 32}"),
        ({"size": len(DATA) + 1}, "has 512,000 bytes, expected 512,001"),
    ],
)
def test_a_wrong_file_is_thrown_away(server, tmp_path, options, says):
    (tmp_path / "file.bin").write_bytes(b"old")
    with pytest.raises(DownloadError, match=says):
        get(server, tmp_path, **options)
    assert names(tmp_path) == ["file.bin"]
    assert (tmp_path / "file.bin").read_bytes() == b"old"
    assert len(server.asked) == 1, "the same wrong file is not fetched again"


@pytest.mark.parametrize("code", ["404", "403", "410"])
def test_a_refusal_is_final(server, tmp_path, code):
    server.script = [code]
    with pytest.raises(DownloadError, match=rf"file\.bin: HTTP {code} .*; "):
        get(server, tmp_path)
    assert len(server.asked) == 1
    assert names(tmp_path) == []


def test_a_busy_server_is_asked_again_a_few_times(server, tmp_path):
    server.script = ["503", "429"]
    assert get(server, tmp_path) == SHA256
    server.script = ["500"] * 9
    with pytest.raises(DownloadError, match=r"HTTP 500 Internal Server Error \(4 attempts\); check the network"):
        get(server, tmp_path / "b")
    assert len(server.script) == 5


def test_more_bytes_than_expected_are_refused(server, tmp_path):
    with pytest.raises(DownloadError, match="has 512,000 bytes, more than the 1,000 expected"):
        get(server, tmp_path, size=1000)
    server.script = ["no length"]
    with pytest.raises(DownloadError, match="sends more than the 1,000 bytes expected"):
        get(server, tmp_path, limit=1000, sha256=SHA256)
    assert "file.bin" not in names(tmp_path)


def test_redirects_are_followed_to_http_only(server, tmp_path):
    server.script = [f"redirect {server.url}"]
    assert get(server, tmp_path) == SHA256
    server.script = ["redirect file:///etc/passwd"]
    with pytest.raises(DownloadError, match="file:///etc/passwd' is not allowed"):
        get(server, tmp_path / "b")
    assert not (tmp_path / "b" / "file.bin").exists()


def test_a_redirect_from_https_to_http_is_refused():
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(DownloadError, match=r"redirects to http://example\.org/a, which is less safe"):
        _Redirects().redirect_request(request, io.BytesIO(), 302, "Found", {}, "http://example.org/a")
    assert (
        _Redirects()
        .redirect_request(request, io.BytesIO(), 302, "Found", {}, "https://example.org/b")
        .full_url.endswith("/b")
    )


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "data:,x", "/etc/passwd"])
def test_only_http_is_opened(tmp_path, url):
    with pytest.raises(DownloadError, match="only http and https addresses are opened"):
        download(url, tmp_path / "a")
    assert names(tmp_path) == []


def test_a_dead_server_is_reported(server, tmp_path):
    server.server_close()
    with pytest.raises(DownloadError, match=r"no connection: .* \(2 attempts\); check the network and try again"):
        get(server, tmp_path, attempts=2)


def test_a_folder_that_cannot_be_made_is_reported(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match=r"cannot write .*; check free space and permissions"):
        get(server, tmp_path / "file" / "x")

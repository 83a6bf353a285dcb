"""Fetch one file over HTTP: resumable, checked, and in its place only when it is whole and right.

Bytes go to `<name>.part`; an interrupted download leaves it there and the next one continues it
with a Range request, provided the server still has the same version (ETag or Last-Modified, kept
in `<name>.part.version`).
"""

from __future__ import annotations

import http.client
import os
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from irkit.errors import DownloadError, LockedError
from irkit.io.atomic import put
from irkit.io.checksums import hash_file
from irkit.screen import visible

LIMIT = 64 << 30
"Bytes that a file of unknown size may have."
ATTEMPTS = 4
PAUSE = 1.0
"Seconds before the first retry; each further retry waits twice as long."
_BLOCK = 1 << 18
_LATER = {408, 425, 429, 500, 502, 503, 504}


class _Broken(Exception):
    """The connection or the server failed in a way that may pass."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https only, and never from https back to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme != "https" and scheme != urllib.parse.urlsplit(req.full_url).scheme:
            raise DownloadError(f"{req.full_url}: redirects to {newurl}, which is less safe; fetch the file by hand")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    size: int | None = None,
    limit: int = LIMIT,
    attempts: int = ATTEMPTS,
    pause: float = PAUSE,
    timeout: float = 60.0,
) -> str:
    """Download a file.

    Parameters
    ----------
    url : str
        http or https; nothing else is opened, also behind redirects.
    path : Path
        Where the file goes, made whole by one rename at the end.
    sha256, md5 : str, optional
        Hexadecimal digits that the file must have.
    size : int, optional
        Bytes that the file must have.
    limit : int
        Bytes it may have at most where `size` is not given.
    attempts : int
        How often a connection that breaks, or a server that is busy, is tried.
    pause, timeout : float
        Seconds before the first retry, and without any byte before a connection counts as broken.

    Returns
    -------
    str
        The SHA-256 of the file.

    Raises
    ------
    DownloadError
        `url: what happened; what to do`. A partial download is kept for the next call, unless it
        was whole and wrong.
    LockedError
        If another process downloads the same file.
    """
    if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
        raise DownloadError(f"{url}: only http and https addresses are opened; copy the file yourself")
    part = path.with_name(path.name + ".part")
    version = path.with_name(path.name + ".part.version")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            for attempt in range(attempts):
                resumed = part.exists()
                try:
                    _fetch(url, part, version, size or limit, timeout)
                except _Broken as broken:
                    if attempt + 1 == attempts:
                        kept = part.stat().st_size if part.exists() else 0
                        todo = (
                            f"{kept:,} bytes are kept, run it again to continue"
                            if kept
                            else "check the network and try again"
                        )
                        raise DownloadError(f"{url}: {broken} ({attempts} attempts); {todo}") from None
                    time.sleep(min(pause * 2**attempt, 30.0))
                    continue
                found = hash_file(part)
                wrong = _wrong(part, found, sha256, md5, size)
                if wrong is None:
                    with part.open("rb+") as file:
                        os.fsync(file.fileno())
                    put(part, path)
                    version.unlink(missing_ok=True)
                    return found
                part.unlink()
                version.unlink(missing_ok=True)
                if not resumed or attempt + 1 == attempts:  # pieces of two versions deserve a second try
                    raise DownloadError(
                        f"{url}: {wrong}; the file there changed or was damaged on its way, try again later"
                    )
    except (DownloadError, LockedError):
        raise
    except OSError as error:
        raise DownloadError(
            f"{url}: cannot write {path}: {error.strerror or error}; check free space and permissions"
        ) from error
    raise AssertionError("unreachable: the last attempt returns or raises")


def _fetch(url: str, part: Path, version: Path, limit: int, timeout: float) -> None:
    """Make `part` complete, continuing what is there if the server agrees."""
    have = part.stat().st_size if part.exists() else 0
    known = version.read_text() if version.exists() else ""
    if have and not known:
        have = 0
    headers = {"User-Agent": "irkit", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": known}
    try:
        with _opener().open(urllib.request.Request(url, headers=headers), timeout=timeout) as response:
            start = have if response.status == 206 else 0
            if response.status == 206 and not _starts_at(response, have):
                part.unlink(missing_ok=True)
                raise _Broken("the server sent another part than the one asked for")
            total = _total(response, start)
            if total is not None and total > limit:
                raise DownloadError(f"{url}: has {total:,} bytes, more than the {limit:,} expected; check the address")
            _refuse_full_disk(url, part, total, start)
            version.write_text(_version(response))
            _copy(url, response, part, start, total, limit)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:  # nothing is left to send, or the part is of another version
                if error.headers.get("Content-Range") == f"bytes */{have}":
                    return
                part.unlink(missing_ok=True)
                raise _Broken("the server has less of this file than is here already") from None
            if error.code in _LATER:
                raise _Broken(f"HTTP {error.code} {error.reason}") from None
            todo = (
                "the file has moved, look for it at the collection's site"
                if error.code in {404, 410}
                else "check the address"
            )
            raise DownloadError(f"{url}: HTTP {error.code} {error.reason}; {todo}") from None
    except urllib.error.URLError as error:
        raise _Broken(f"no connection: {error.reason}") from None
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _Broken(_reason(error)) from None


def _copy(url: str, response: Any, part: Path, start: int, total: int | None, limit: int) -> None:
    with part.open("ab" if start else "wb") as file, _bar(url, start, total) as bar:
        have = start
        while block := _read(response):
            have += len(block)
            if have > limit:
                raise DownloadError(f"{url}: sends more than the {limit:,} bytes expected; check the address")
            file.write(block)
            bar.update(len(block))
    if total is not None and have < total:
        raise _Broken(f"the connection broke after {have:,} of {total:,} bytes")


def _read(response: Any) -> bytes:
    try:
        return response.read(_BLOCK)
    except (http.client.HTTPException, OSError) as error:
        raise _Broken(_reason(error)) from None


def _reason(error: Exception) -> str:
    return f"the connection broke: {str(error) or type(error).__name__}"


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener that knows http and https alone: no file, no ftp, no data."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _starts_at(response: Any, have: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {have}-")


def _total(response: Any, start: int) -> int | None:
    length = str(response.headers.get("Content-Length", ""))
    return start + int(length) if length.isdigit() else None


def _version(response: Any) -> str:
    """Return what identifies this version of the file to `If-Range`; a weak ETag does not."""
    etag = str(response.headers.get("ETag", ""))
    return etag if etag.startswith('"') else str(response.headers.get("Last-Modified", ""))


def _refuse_full_disk(url: str, part: Path, total: int | None, start: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - start > free:
        raise DownloadError(
            f"{url}: needs {total - start:,} bytes, {free:,} are free in {part.parent}; make room first"
        )


def _wrong(part: Path, found: str, sha256: str | None, md5: str | None, size: int | None) -> str | None:
    have = part.stat().st_size
    if size is not None and have != size:
        return f"has {have:,} bytes, expected {size:,}"
    if sha256 is not None and found != sha256:
        return f"has the SHA-256 {found}, expected {sha256}"
    if md5 is not None and (other := hash_file(part, "md5")) != md5:
        return f"has the MD5 {other}, expected {md5}"
    return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise LockedError(f"{path}: another process is downloading it; wait for it to finish") from None
    try:
        yield
    finally:
        lock.release()  # the file stays: removing it would let two processes hold two locks of one name


@contextmanager
def _bar(url: str, start: int, total: int | None) -> Iterator[Any]:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    from tqdm import tqdm

    name = urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1]
    with tqdm(
        total=total,
        initial=start,
        desc=visible(name),
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        disable=not sys.stderr.isatty(),
    ) as bar:
        yield bar

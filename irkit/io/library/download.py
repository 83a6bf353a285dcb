"""Fetch one file over HTTP: resumable, checked, and in its place only when it is whole and right.

What has arrived is kept in a `Part` beside the file. A later call continues it with a Range request,
provided that its bytes are those on record and the server still has the same version of the file.
A file counts as whole when it has the length that the server stated, or the size or digest that the
caller knows; where nothing of this is known, it is refused.
"""

from __future__ import annotations

import http.client
import re
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple

from irkit.atomic import put
from irkit.errors import DownloadError
from irkit.io.library.checksums import hash_file
from irkit.io.library.partial import Part
from irkit.progress import progress
from irkit.screen import visible

LIMIT = 16 << 30
"Bytes that a file of unknown size may have."
ATTEMPTS = 4
PAUSE = 1.0
"Seconds before the first retry; each further retry waits twice as long."
_BLOCK = 1 << 18
_LATER = {408, 425, 429, 500, 502, 503, 504}
_SETTLED = 60.0  # seconds; a file changed more recently may change again within one tick of Last-Modified
_LENGTH = re.compile(r"[0-9]{1,18}\Z")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)\Z")


class _Broken(Exception):
    """The connection or the server failed in a way that may pass."""


class _Wanted(NamedTuple):
    """What the caller knows of a file."""

    sha256: str | None
    md5: str | None
    size: int | None
    limit: int


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https only, and never from https back to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        fp.close()  # urllib would read the body, however long it is
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme != "https" and scheme != urllib.parse.urlsplit(req.full_url).scheme:
            where = _plain(newurl)
            raise DownloadError(f"{req.full_url}: redirects to {where}, which is less safe; fetch the file by hand")
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
    """
    _check(url)
    wanted = _Wanted(sha256, md5, size, size or limit)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Part(path, url)
        for attempt in range(attempts):
            resumed = part.have > 0
            try:
                _fetch(url, part, wanted, timeout)
            except _Broken as broken:
                if attempt + 1 == attempts:
                    raise DownloadError(f"{url}: {broken} ({attempts} attempts); {_kept(part)}") from None
                time.sleep(min(pause * 2**attempt, 30.0))
                continue
            wrong = _wrong(part, wanted)
            if wrong is None:
                found = part.sha256
                put(part.path, path)
                part.drop()
                return found
            part.drop()
            if not resumed or attempt + 1 == attempts:  # pieces of two versions deserve a second try
                raise DownloadError(
                    f"{url}: {wrong}; the file there changed or was damaged on its way, try again later"
                )
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError(
            f"{url}: cannot write {path}: {error.strerror or error}; check free space and permissions"
        ) from error
    raise AssertionError("unreachable: the last attempt returns or raises")


def _check(url: str) -> None:
    """Refuse what is no address of a file, before anything is opened."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
        url.encode("ascii")
        (host or "").encode("idna")
    except ValueError as error:
        raise DownloadError(f"{url!r}: is no valid address ({error}); correct it in the card") from None
    if parts.scheme not in {"http", "https"}:
        raise DownloadError(f"{url}: only http and https addresses are opened; copy the file yourself")
    if not host or re.search(r"[\x00-\x20\x7f]", url):
        what = "names no server" if not host else "holds a blank or control character"
        raise DownloadError(f"{url!r}: is no valid address ({what}); correct it in the card")


def _kept(part: Part) -> str:
    if part.have and part.version:
        return f"{part.have:,} bytes are kept, run it again to continue"
    return "check the network and try again"


def _fetch(url: str, part: Part, wanted: _Wanted, timeout: float) -> None:
    """Make `part` complete, continuing what is there if the server agrees."""
    if part.whole:
        return
    headers = {"User-Agent": "irkit", "Accept-Encoding": "identity"}
    if part.have and part.version:
        headers |= {"Range": f"bytes={part.have}-", "If-Range": part.version}
    try:
        with _opener().open(urllib.request.Request(url, headers=headers), timeout=timeout) as response:
            _begin(url, response, part, wanted)
            _copy(url, response, part, wanted)
    except urllib.error.HTTPError as error:
        with error:
            _refused(url, error, part)
    except urllib.error.URLError as error:
        raise _Broken(f"no connection: {_plain(error.reason)}") from None
    except (http.client.InvalidURL, ValueError) as error:  # also in what a redirect names
        raise DownloadError(f"{url}: leads to no valid address ({_plain(error)}); fetch the file by hand") from None
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _Broken(_reason(error)) from None


def _begin(url: str, response: Any, part: Part, wanted: _Wanted) -> None:
    """Make the part ready for the body of a response: continued, or begun anew."""
    if response.status == 206:
        found = _RANGE.match(str(response.headers.get("Content-Range", "")))
        total = int(found[3]) if found and found[3] != "*" else part.total
        if not found or int(found[1]) != part.have or (part.total is not None and total != part.total):
            part.drop()
            raise _Broken("the server sent another part than the one asked for")
    else:
        total = _length(url, response)
    if total is not None and total > wanted.limit:
        raise DownloadError(f"{url}: has {total:,} bytes, more than the {wanted.limit:,} expected; {_larger(wanted)}")
    if response.status == 206:
        part.total = total
    else:
        part.begin(_version(response), total)
    if total is None and not _chunked(response) and not (wanted.sha256 or wanted.md5 or wanted.size):
        raise DownloadError(
            f"{url}: the server does not say how long the file is, so that nobody can tell whether it came whole; "
            "put its bytes or sha256 into the card"
        )
    free = shutil.disk_usage(part.path.parent).free
    if total is not None and total - part.have > free:
        raise DownloadError(
            f"{url}: needs {total - part.have:,} bytes, {free:,} are free in {part.path.parent}; make room first"
        )


def _refused(url: str, error: urllib.error.HTTPError, part: Part) -> None:
    """Say what a status means; return only if it means that nothing is left to send."""
    if error.code == 416:  # or that the part is of another version
        if part.total is None and error.headers.get("Content-Range") == f"bytes */{part.have}":
            part.total = part.have
            return
        part.drop()
        raise _Broken("the server has less of this file than is here already")
    said = f"HTTP {error.code} {_plain(error.reason)}".rstrip()
    if error.code in _LATER:
        raise _Broken(said)
    gone = error.code in {404, 410}
    todo = "the file has moved, look for it at the collection's site" if gone else "check the address"
    raise DownloadError(f"{url}: {said}; {todo}") from None


def _copy(url: str, response: Any, part: Part, wanted: _Wanted) -> None:
    most = wanted.limit if part.total is None else part.total
    with part.appending(), _bar(url, part.have, part.total) as bar:
        while block := _read(response):
            if part.have + len(block) > most:
                raise DownloadError(f"{url}: sends more than the {most:,} bytes expected; {_larger(wanted)}")
            part.write(block)
            bar.update(len(block))
    if part.total is not None and part.have < part.total:
        raise _Broken(f"the connection broke after {part.have:,} of {part.total:,} bytes")


def _read(response: Any) -> bytes:
    try:
        return bytes(response.read1(_BLOCK))
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise _Broken(_reason(error)) from None


def _reason(error: Exception) -> str:
    return f"the connection broke: {_plain(error) or type(error).__name__}"


def _plain(text: Any) -> str:
    """Return what a server or the system said as one short line of printable characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in str(text)).split())
    return line if len(line) <= 200 else line[:197] + "..."


def _larger(wanted: _Wanted) -> str:
    return "check the address" if wanted.size else "if that is right, put its bytes into the card"


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


def _chunked(response: Any) -> bool:
    """Say whether the end of the body is marked in the body itself."""
    return bool(getattr(response, "chunked", False))


def _length(url: str, response: Any) -> int | None:
    """Return the bytes of the body as the server states them, None where it states nothing."""
    stated = response.headers.get("Content-Length")
    if stated is None or _chunked(response):
        return None
    if not _LENGTH.match(str(stated)):
        raise DownloadError(f"{url}: the server states a length of {_plain(stated)[:40]!r}; fetch the file by hand")
    return int(stated)


def _version(response: Any) -> str:
    """Return what identifies this version of the file to `If-Range`; a weak ETag or a fresh date does not."""
    etag = str(response.headers.get("ETag", ""))
    if etag.startswith('"') and etag.isprintable():
        return etag
    changed, now = response.headers.get("Last-Modified"), response.headers.get("Date")
    try:
        age = (parsedate_to_datetime(str(now)) - parsedate_to_datetime(str(changed))).total_seconds()
    except (ValueError, TypeError, OverflowError):  # absent, or no dates
        return ""
    return str(changed) if age >= _SETTLED else ""


def _wrong(part: Part, wanted: _Wanted) -> str | None:
    """Compare what lies on the disk with what was written, and with what the caller knows."""
    found = hash_file(part.path)
    have = part.path.stat().st_size
    if have != part.have or found != part.sha256:
        return f"was changed on the disk while it was written ({have:,} bytes, {part.have:,} written)"
    if wanted.size is not None and have != wanted.size:
        return f"has {have:,} bytes, expected {wanted.size:,}"
    if wanted.sha256 is not None and found != wanted.sha256:
        return f"has the SHA-256 {found}, expected {wanted.sha256}"
    if wanted.md5 is not None and (other := hash_file(part.path, "md5")) != wanted.md5:
        return f"has the MD5 {other}, expected {wanted.md5}"
    return None


@contextmanager
def _bar(url: str, start: int, total: int | None) -> Iterator[Any]:
    """Say how far a download is."""
    name = urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1]
    with progress(total, visible(name), "B", initial=start, unit_scale=True, unit_divisor=1024) as bar:
        yield bar

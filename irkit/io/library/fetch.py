"""Download a whole collection as its card says: terms first, every file checked, archives unpacked."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from irkit.atomic import LEFTOVER
from irkit.errors import ConfigError, DownloadError, LockedError, NotFoundError
from irkit.io.library import manifest
from irkit.io.library.archive import extract
from irkit.io.library.card import PACKAGES, Card, FileCard
from irkit.io.library.checksums import hash_file
from irkit.io.library.download import PAUSE, download
from irkit.locate import home
from irkit.screen import visible

WAIT = 6 * 3600.0
"Seconds that a download waits for one of the same collection by another process."


def cache_folder(card: Card) -> Path:
    """Return where a downloaded collection lies; it need not exist."""
    return home() / "collections" / card.name.partition("/")[0]  # sets of one card lie together


def fetch(card: Card, *, pause: float = PAUSE) -> Path:
    """Download what is missing of a collection; while another process does so, wait for it.

    Parameters
    ----------
    card : Card
    pause : float
        Seconds before the first retry of a broken connection.

    Returns
    -------
    Path
        The folder, which now holds every file that the card names.

    Raises
    ------
    DownloadError
        If a file cannot be fetched, or is not what it was or should be.
    NotFoundError
        If a file has no address; the message says how to get it. What has one is there by then.
    LockedError
        If another process downloads the same collection and does not come to an end.
    """
    if card.package is not None or card.through_irds:
        source = (
            f"the package {PACKAGES[card.package.split('/')[0]]}"
            if card.package
            else "ir_datasets, when it is first read"
        )
        raise ConfigError(f"fetch: {card.name} comes through {source}; there is nothing to download")
    folder = cache_folder(card)
    with _locked(card):  # another process may have fetched the files while this one waited
        missing = [file for file in card.files if not all((folder / name).is_file() for name in _brings(file))]
        if any(file.url for file in missing):
            _announce(card, folder)
        _sweep(card, folder, missing)
        for file in missing:
            if file.url is not None:
                _fetch(file, folder, pause)
    by_hand = next((file for file in missing if file.url is None and not (folder / file.name).exists()), None)
    if by_hand is not None:
        how = next((file.how for file in (by_hand, *card.files) if file.how), "see its source")
        raise NotFoundError(
            f"{card.name}: {by_hand.name} cannot be downloaded: {how}; put it at {folder / by_hand.name}"
        )
    return folder


def _brings(file: FileCard) -> list[str]:
    """Return the names of the files that are there when a file of the card has been fetched."""
    return list(file.members) or [file.name]


def _sweep(card: Card, folder: Path, missing: Sequence[FileCard]) -> None:
    """Remove what downloads that died left in a collection's folder, except parts to be continued."""
    left = [
        folder / f"{file.name}{ending}"
        for file in card.files
        for ending in (".part", ".part.json", ".part.version")
        if file not in missing or ending == ".part.version"
    ]
    with suppress(OSError):
        left += [path for path in folder.rglob(".*.tmp") if LEFTOVER.fullmatch(path.name)]
        for path in set(left) - {folder / name for name in card.paths()}:
            path.unlink(missing_ok=True)


def _fetch(file: FileCard, folder: Path, pause: float) -> None:
    """Download one file, unpack it if it is an archive, and write down what came."""
    assert file.url is not None  # the caller chose it so
    known = manifest.load(folder)
    target = folder / file.name
    if file.members and file.sha256 and target.is_file() and hash_file(target) == file.sha256:
        found = file.sha256  # its unpacking did not come to an end
    else:
        found = download(file.url, target, sha256=file.sha256, md5=file.md5, size=file.bytes, pause=pause)
    before = known.get(file.name)
    if before is not None and before["sha256"] != found:
        target.unlink()
        raise DownloadError(
            f"{file.url}: is not the file of {before['date']}: its SHA-256 is {found}, then {before['sha256']}; "
            f"delete {folder / manifest.NAME} to accept the new one"
        )
    record = {**known, file.name: manifest.fetched(file.url, found, target.stat().st_size)}
    if file.members:
        for member, path in zip(
            file.members, extract(target, folder, list(file.members), digests=file.members), strict=True
        ):
            record[member] = manifest.fetched(file.url, hash_file(path), path.stat().st_size)
    manifest.save(folder, record)
    if file.members:
        target.unlink()  # its files and its digest are kept


def say(text: str) -> None:
    """Print a line on standard error."""
    print(visible(text), file=sys.stderr)


def _announce(card: Card, folder: Path) -> None:
    sizes = [file.bytes for file in card.files if file.url]
    size = f" ({sum(filter(None, sizes)):,} bytes)" if all(sizes) else ""
    say(f"{card.name}: downloading{size} to {folder}")
    say(f"terms: {card.terms or 'none stated by the owners'}")
    for address in card.source:
        say(f"source: {address}")


@contextmanager
def _locked(card: Card) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder = cache_folder(card).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f".{cache_folder(card).name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"{card.name}: another process is downloading it; waiting for it to finish")
            lock.acquire(timeout=WAIT)
    except Timeout:
        raise LockedError(
            f"{card.name}: another process has been downloading it for more than {WAIT / 3600:g} hours; "
            "end it, or wait for it to finish"
        ) from None
    except OSError as error:
        raise DownloadError(
            f"{folder}: cannot write: {error.strerror or error}; check free space and permissions"
        ) from error
    try:
        yield
    finally:
        lock.release()

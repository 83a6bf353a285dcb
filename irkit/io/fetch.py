"""Download a whole collection as its card says: terms first, every file checked, archives unpacked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from irkit.errors import ConfigError, DataError, DownloadError, LockedError, NotFoundError
from irkit.io import manifest
from irkit.io.archive import extract
from irkit.io.cards import CollectionCard, FileCard
from irkit.io.checksums import sha256
from irkit.io.download import PAUSE, download
from irkit.locate import home
from irkit.screen import visible


def cache_folder(card: CollectionCard) -> Path:
    """Return where a downloaded collection lies; it need not exist."""
    return home() / "collections" / card.name


def fetch(card: CollectionCard, *, pause: float = PAUSE) -> Path:
    """Download what is missing of a collection.

    Parameters
    ----------
    card : CollectionCard
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
        If another process downloads the same collection.
    """
    if card.package is not None or card.through_irds:
        source = f"the package {card.package.split('/')[0]}" if card.package else "ir_datasets, when it is first read"
        raise ConfigError(f"fetch: {card.name} comes through {source}; there is nothing to download")
    folder = cache_folder(card)
    missing = [
        file for file in card.files if not all((folder / name).is_file() for name in file.members or [file.name])
    ]
    if any(file.url for file in missing):
        _announce(card, folder)
    with _locked(card):
        for file in missing:
            if file.url is not None:
                _fetch(file, folder, pause)
    by_hand = next((file for file in missing if file.url is None and not (folder / file.name).exists()), None)
    if by_hand is not None:
        raise NotFoundError(
            f"{card.name}: {by_hand.name} cannot be downloaded: {by_hand.how}; put it at {folder / by_hand.name}"
        )
    return folder


def _fetch(file: FileCard, folder: Path, pause: float) -> None:
    """Download one file, unpack it if it is an archive, and write down what came."""
    assert file.url is not None  # the caller chose it so
    known = manifest.load(folder)
    target = folder / file.name
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
        for path, (member, expected) in zip(
            extract(target, folder, list(file.members)), file.members.items(), strict=True
        ):
            digest = sha256(path)
            if expected is not None and digest != expected:
                path.unlink()
                raise DataError(
                    f"{target}: {member} has the SHA-256 {digest}, expected {expected}; do not trust this archive"
                )
            record[member] = manifest.fetched(file.url, digest, path.stat().st_size)
    manifest.save(folder, record)
    if file.members:
        target.unlink()  # its files and its digest are kept


def say(text: str) -> None:
    """Print a line on standard error."""
    print(visible(text), file=sys.stderr)


def _announce(card: CollectionCard, folder: Path) -> None:
    sizes = [file.bytes for file in card.files if file.url]
    size = f" ({sum(filter(None, sizes)):,} bytes)" if all(sizes) else ""
    say(f"{card.name}: downloading{size} to {folder}")
    say(f"terms: {card.terms or 'none stated by the owners'}")
    for address in card.source:
        say(f"source: {address}")


@contextmanager
def _locked(card: CollectionCard) -> Iterator[None]:
    from filelock import FileLock, Timeout

    folder = cache_folder(card).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f".{card.name}.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise LockedError(f"{card.name}: another process is downloading it; wait for it to finish") from None
    except OSError as error:
        raise DownloadError(
            f"{folder}: cannot write: {error.strerror or error}; check free space and permissions"
        ) from error
    try:
        yield
    finally:
        lock.release()

"""Take wanted files out of a tar or zip archive, trusting nothing in it (`irkit.io.archives`).

Files are written one by one, each whole or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from irkit.atomic import writing
from irkit.errors import DataError
from irkit.io.archives import LIMIT, Entry, blocks, entries


def extract(
    archive: Path,
    folder: Path,
    members: Sequence[str],
    *,
    digests: Mapping[str, str | None] | None = None,
    limit: int = LIMIT,
) -> list[Path]:
    """Extract some files of an archive into a folder.

    Parameters
    ----------
    archive : Path
        A tar (plain, gzip, bzip2, xz) or zip file, told by its content.
    folder : Path
        Made if need be.
    members : sequence of str
        Paths as they shall stand in `folder`. An entry belongs to a member if its path is the
        member's or ends with `/` and the member's, so that an enclosing folder does not matter.
    digests : mapping of str to str or None, optional
        The SHA-256 that a member must have; with another one it never gets its place.
    limit : int
        Bytes that all entries may have together.

    Returns
    -------
    list of Path
        The files written, in the order of `members`.

    Raises
    ------
    DataError
        If the archive is damaged, unsafe, too large, lacks a member, holds one twice or one with
        another digest; or if a file cannot be written.
    """
    wanted: dict[str, Entry] = {}
    with entries(archive, limit) as found:
        for entry in found:
            member = _member(entry.name, members)
            if member is None or entry.kind == "folder":
                continue
            if entry.kind != "file":
                raise DataError(f"{archive}: entry {entry.name!r} is a link or device; a plain file is needed there")
            if member in wanted:
                both = f"{wanted[member].name!r} and {entry.name!r}"
                raise DataError(f"{archive}: {member!r} is there twice, as {both}; unpack it by hand")
            wanted[member] = entry
        missing = [member for member in members if member not in wanted]
        if missing:
            raise DataError(
                f"{archive}: there is no file {missing[0]!r} in it; its layout may have changed, unpack it by hand"
            )
        for member, entry in wanted.items():  # in the order of the archive
            with writing(folder / member) as target:
                digest = _copy(target, entry, archive)
                expected = digests.get(member) if digests else None
                if expected is not None and digest != expected:
                    raise DataError(
                        f"{archive}: {member} has the SHA-256 {digest}, expected {expected}; do not trust this archive"
                    )
    return [folder / member for member in members]


def _copy(target: IO[bytes], entry: Entry, archive: Path) -> str:
    """Copy an entry; return its SHA-256."""
    digest = hashlib.sha256()
    for block in blocks(archive, entry):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()


def _member(name: str, members: Sequence[str]) -> str | None:
    name = PurePosixPath(name).as_posix()
    return next((member for member in members if name == member or name.endswith(f"/{member}")), None)

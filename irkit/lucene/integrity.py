"""Is an index as it was written? Asked once for each file as it is, see `irkit.verified`.

Lucene's files end with checksums that Lucene compares; the files of the sidecar have digests in its manifest, and the
manifest has its own. Nothing of an index is parsed, mapped or searched before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from irkit import verified
from irkit.errors import ConfigError, DamagedError, JavaError
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java
from irkit.lucene.manifest import Manifest
from irkit.lucene.owned import FOLDER
from irkit.lucene.shards import mend, shard_folders
from irkit.lucene.wire import java_errors

LUCENE = "lucene"
"Token of a file that holds its own checksum."


class DamagedPart(Exception):
    """A file of a sidecar is not what its manifest says; it is made again from Lucene's files."""


def commit_files(index: Path) -> list[str]:
    """List Lucene's files of the latest commit, as paths inside the folder of the index.

    Raises
    ------
    JavaError
        If Lucene cannot read the commit.
    """
    integrity, found = java("Integrity"), []
    for shard in shard_folders(index):
        with java_errors(f"index: {shard} cannot be read"):
            names = interruptible(integrity.files, str(shard)).decode().split("\n")
        found += [(shard / name).relative_to(index).as_posix() for name in names]
    return found


def check_index(index: Path, files: Iterable[str] | None = None) -> None:
    """Check Lucene's files of the latest commit unless they are known to be intact.

    Parameters
    ----------
    index : path
        Folder of the index.
    files : iterable of str, optional
        Their names, if they are known; else Lucene is asked.

    Raises
    ------
    DamagedError
        If a file is not as it was written, or missing; the message names it.
    ConfigError
        If another version of Lucene wrote it.
    """
    if files is None:
        try:
            files = commit_files(index)
        except JavaError:
            check_again(index)  # says which file, and why
            raise
    tokens = {str(index / name): LUCENE for name in files}
    verified.once(index, tokens, lambda doubtful: check_again(index))


def check_again(index: Path) -> None:
    """Check Lucene's files of the latest commit, whatever is known of them."""
    folders = shard_folders(index)
    for i, folder in enumerate(folders):
        _check(folder, "build it again" if folder == index else mend(folders, i))


def _check(index: Path, todo: str) -> None:
    integrity = java("Integrity")
    with java_errors(f"index: {index} cannot be read"):
        lines = interruptible(integrity.check, str(index)).decode().splitlines()
    if lines:
        kind, name, why = lines[0].split(" ", 2)
        more = f", and {len(lines) - 1} more" if len(lines) > 1 else ""
        if kind == "version":
            raise ConfigError(f"index: another version of Lucene wrote {index} ({name}: {why}); {todo}")
        raise DamagedError(f"index: {index} is damaged ({name}: {why}{more}); {todo}")


def check_parts(index: Path, folder: Path, parts: Mapping[str, str]) -> None:
    """Check files of a sidecar, given with their digests, unless they are known to be intact.

    Raises
    ------
    DamagedPart
        If a file is missing or holds something else.
    """

    def check(doubtful: list[str]) -> None:
        for path in doubtful:
            try:
                found = verified.file_digest(path)
            except OSError as error:
                raise DamagedPart(f"{Path(path).name}: {error.strerror or error}") from None
            if found != parts[Path(path).name]:
                raise DamagedPart(f"{Path(path).name}: it does not hold what was written")

    verified.once(index, {str(folder / name): token for name, token in parts.items()}, check)


def remember(index: Path, manifest: Manifest, written: Path) -> None:
    """Note that an index that was just built, with its sidecar, is intact.

    Parameters
    ----------
    index : path
        Where it will be found.
    manifest : Manifest
    written : path
        Where it is now: a folder that gets another name takes its files along as they are.
    """
    tokens = dict.fromkeys(manifest.files, LUCENE) | {f"{FOLDER}/{name}": said for name, said in manifest.parts.items()}
    found = verified.states(str(written / name) for name in tokens)
    files = {str(index / name): said for name, said in tokens.items()}
    verified.remember(index, files, {str(index / Path(path).relative_to(written)): found[path] for path in found})

"""Which folders an index lies in: its own, or those of its shards, which `shards.json` names in their order.

A shard is an index like any other. Its documents are numbered after those of the shards before it, and Lucene reads
all of them as one: frequencies, lengths and scores are those of one index of all documents.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from irkit.atomic import writing
from irkit.config import digest
from irkit.errors import DamagedError
from irkit.locate import SHARDS
from irkit.streams import by_command

FORMAT = 1

FORM = re.compile(r"shard-\d+-[0-9a-f]{8}")
"Names of the folders of shards."


def shard_folders(index: Path) -> list[Path]:
    """List the folders of an index, itself where it has no shards.

    Raises
    ------
    DamagedError
        If `shards.json` is not as irkit wrote it.
    OSError
        If it cannot be read.
    """
    try:
        content = (index / SHARDS).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return [index]
    names = _parse(content)
    if names is None:
        raise DamagedError(f"index: {index} is damaged ({SHARDS}: it is not what irkit wrote); build it again")
    return [index / name for name in names]


def java_paths(index: Path) -> list[str]:
    """List the folders of an index as the bridge takes them."""
    return [str(folder) for folder in shard_folders(index)]


def lost_shard(folders: Sequence[Path]) -> str | None:
    """Say which of some shards is not there, if any, and what to do."""
    gone = [i for i, folder in enumerate(folders) if not any(folder.glob("segments_*"))]
    if not gone:
        return None
    more = f", and {len(gone) - 1} more" if gone[1:] else ""
    return f"({folders[gone[0]].name} is missing{more}); {mend(folders, gone[0])}"


def mend(folders: Sequence[Path], number: int) -> str:
    """Say how a shard that is lost or damaged is mended."""
    if len(folders) == 1:
        return "build it again"
    how = f"irkit index --replace {number}" if by_command() else f"replace_shard, shard {number}"
    return f"build that shard again with {how}, or all of them"


def is_ours(index: Path) -> bool:
    """Say whether the file `shards.json` of a folder is irkit's, though it may be damaged."""
    content = (index / SHARDS).read_bytes()[:1000]
    return not content or _parse(content) is not None or b'"shards"' in content


def new_shard(index: Path, number: int) -> Path:
    """Make a folder for a shard that nobody reads before `write_shards` names it."""
    folder = index / f"shard-{number}-{secrets.token_hex(4)}"
    folder.mkdir()
    return folder


def write_shards(index: Path, folders: Sequence[Path]) -> None:
    """Say in one step which folders an index consists of."""
    content = {"format": FORMAT, "shards": [folder.name for folder in folders]}
    with writing(index / SHARDS) as file:
        file.write((json.dumps({**content, "digest": digest(content)}, indent=1) + "\n").encode())


def _parse(content: bytes) -> list[str] | None:
    try:
        values = json.loads(content)
        said = values.pop("digest")
        names: list[str] = values["shards"]
        if said != digest(values) or values["format"] != FORMAT:
            return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return names if names and all(isinstance(name, str) and FORM.fullmatch(name) for name in names) else None

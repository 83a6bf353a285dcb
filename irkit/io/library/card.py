"""What every card says, whatever the data are: where they come from, what their owners allow, which files there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from irkit.config import Config
from irkit.io.library.manifest import NAME as MANIFEST
from irkit.locate import is_inside

PACKAGES = {"gensim": "gensim", "sklearn": "scikit-learn"}
"Python packages that a card may name, and what they are installed as: irkit depends on them."

_SHA256 = "^[0-9a-f]{64}$"


def _members(value: Any) -> Any:
    names = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return dict.fromkeys(value) if names else value


class FileCard(Config):
    """One file as its owners publish it."""

    name: str
    "Path inside the collection's folder."
    url: str | None = None
    "Official address; none where the file cannot be fetched without an agreement."
    how: str = ""
    "How to get a file without an address; where several come together it is said of the first."
    sha256: str | None = Field(None, pattern=_SHA256)
    unpacked: str | None = Field(None, pattern=_SHA256)
    "SHA-256 of what a compressed file holds; copies that were packed anew have it too."
    md5: str | None = Field(None, pattern="^[0-9a-f]{32}$")
    bytes: int | None = Field(None, ge=1)
    members: Annotated[dict[str, str | None], BeforeValidator(_members)] = Field(default_factory=dict)
    "For an archive: the files taken out of it, with their SHA-256 where it is known."


class Card(Config, ABC):
    """What every card says, whatever the collection holds."""

    kind: str
    "What the data are."
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")
    about: str
    source: tuple[str, ...] = ()
    terms: str = ""
    citation: str = ""
    folder: str | None = None
    "Folder under `IRKIT_DATA`, default the name."
    package: str | None = None
    "`package/folder` of one of `PACKAGES`, which carries the files."
    files: tuple[FileCard, ...] = ()

    @model_validator(mode="after")
    def _stays_inside(self) -> Card:
        for name in self.paths():
            if not is_inside(name):
                raise ValueError(f"the file {name!r} lies outside the collection's folder")
        for name in (name for file in self.files for name in (file.name, *file.members)):
            if PurePosixPath(name).as_posix() in {".", MANIFEST}:
                raise ValueError(f"files: {name!r} cannot be the name of one; that place is irkit's")
        if self.folder is not None and not is_inside(self.folder):
            raise ValueError(f"the folder {self.folder!r} lies outside of IRKIT_DATA")
        if self.package is not None:
            package, _, inside = self.package.partition("/")
            if package not in PACKAGES:
                raise ValueError(f"package must be one of {', '.join(PACKAGES)}, got {package!r}")
            if inside and not is_inside(inside):
                raise ValueError(f"package: the folder {inside!r} lies outside of {package}")
        return self

    @abstractmethod
    def reads(self) -> list[str | None]:
        """Return the files that the collection is read from, None where a part has no file."""

    @abstractmethod
    def needed(self) -> list[str]:
        """Return the files without which the collection cannot be used."""

    @abstractmethod
    def holds(self) -> dict[str, int]:
        """Return how much of what the collection holds, as far as the card says."""

    def lies_in(self, folder: Path) -> bool:
        """Say whether a folder holds the files without which the collection cannot be used."""
        return all((folder / name).exists() for name in self.needed())

    def paths(self) -> list[str]:
        """Return every file that the card names, without repeats."""
        named = [*self.reads(), *(name for file in self.files for name in (file.name, *file.members))]
        return list(dict.fromkeys(name for name in named if name is not None))

    @property
    def through_irds(self) -> bool:
        """Whether ir_datasets provides the collection."""
        return False

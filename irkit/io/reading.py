"""What readers take and give: options, queries, judgements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from irkit.documents import Document
from irkit.errors import ConfigError


class Query(NamedTuple):
    """One query and the line it starts on."""

    qid: str
    text: str
    line: int


class Judgement(NamedTuple):
    """One relevance judgement and the line it stands on."""

    qid: str
    docno: str
    label: int
    line: int


@dataclass(frozen=True)
class Reading:
    """How a file is read; every option has a meaning in some formats only."""

    encoding: str = "utf-8"
    "Any encoding that keeps ASCII bytes as they are; bytes that do not fit it are an error."
    fields: tuple[str, ...] | None = None
    "Which fields form the text, in this order: SMART letters, TREC tags, JSON keys, column names."
    id_field: str | None = None
    "The JSON key or column that holds the id, where it has an unusual name."
    numbering: Literal["given", "ordinal"] = "given"
    "`ordinal` numbers queries 1, 2, ... by position instead of by the ids in the file."

    def __post_init__(self) -> None:
        try:
            ascii_kept = bytes(range(128)).decode(self.encoding) == bytes(range(128)).decode("ascii")
        except (LookupError, UnicodeDecodeError):
            ascii_kept = False
        if not ascii_kept:
            raise ConfigError(
                f"read: encoding must be one that extends ASCII, got {self.encoding!r}; utf-8 and latin-1 are such"
            )
        if self.fields is not None and (isinstance(self.fields, str) or not self.fields):
            raise ConfigError(f"read: fields must be a list of one or more names, got {self.fields!r}")

    def only(self, format: str, *names: str) -> None:
        """Raise `ConfigError` if an option is set that the format has no use for."""
        for field in fields(self):
            if field.name not in names and getattr(self, field.name) != field.default:
                allowed = ", ".join(names) or "none"
                raise ConfigError(
                    f"read: {field.name} has no meaning in the format {format}; its options are {allowed}"
                )


DocumentReader: TypeAlias = Callable[[Path, Reading], Iterator[Document]]
QueryReader: TypeAlias = Callable[[Path, Reading], Iterator[Query]]
QrelsReader: TypeAlias = Callable[[Path, Reading], Iterator[Judgement]]

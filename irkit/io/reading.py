"""What readers take and give: options, queries, judgements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

from irkit.errors import ConfigError, DataError
from irkit.ids import LARGEST_LABEL
from irkit.io.lines import bad, decoded, raw_lines, whole
from irkit.wording import shown

LONGEST_DOCUMENT = 1 << 26
"Characters of a document or topic that goes over many lines; one whose end is lost would fill the memory."


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


def read_label(token: object, path: Path, line: int) -> int:
    """Read a grade of relevance: a whole number, which may be written as `1.0`.

    Raises
    ------
    DataError
        If it is no whole number, or beyond plus and minus `LARGEST_LABEL`.
    """
    if type(token) is str and len(token) < 7 and token.isascii() and token.isdigit():
        return int(token)
    text = str(token)
    head, point, tail = text.partition(".")
    number = head if point and head and not tail.strip("0") else text
    try:
        label = whole(number, "label", path, line)
    except DataError:
        raise bad(path, line, f"the label must be a whole number, got {shown(text)}", "correct the line") from None
    if abs(label) > LARGEST_LABEL:
        what = f"the label must lie within -{LARGEST_LABEL:,}..{LARGEST_LABEL:,}, got {shown(text)}"
        raise bad(path, line, what, "correct the line")
    return label


def column(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """Return the column that has the first of these names that there is, in whatever case."""
    called = {name.lower(): name for name in row}
    return next((called[name] for name in names if name in called), None)


def listed(names: Iterable[object]) -> str:
    """Return names as an error message lists them, the first of them where there are many.

    Examples
    --------
    >>> listed(["id", "text"]), listed(range(40))
    ('id, text', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 28 more')
    """
    texts = [text if len(text := str(name)) <= 60 else f"{text[:60]}..." for name in names]
    more = f" and {len(texts) - 12:,} more" if len(texts) > 12 else ""
    return (", ".join(texts[:12]) or "nothing") + more


def check_size(size: int, what: str, path: Path, line: int) -> None:
    """Raise `DataError` if a document or topic that starts on this line is longer than any is."""
    if size > LONGEST_DOCUMENT:
        raise bad(path, line, f"{what} has more than {LONGEST_DOCUMENT:,} characters", "look for its missing end")


def whole_text(path: Path, reading: Reading) -> str:
    """Return the text of a file that is one document, its lines ended by a newline each but the last.

    Raises
    ------
    DataError
        If the file is empty, does not fit the encoding or is longer than `LONGEST_DOCUMENT` bytes.
    """
    parts: list[str] = []
    size = 0
    for line, raw in raw_lines(path, of_text=True):
        parts.append(decoded(raw, reading.encoding, path, line))
        size += len(raw) + 1
        check_size(size, "the file", path, line)
    return "\n".join(parts)

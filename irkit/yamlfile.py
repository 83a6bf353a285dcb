"""Plain YAML files with line numbers: recipes, cards and suites are read and written here.

The language is a safe part of YAML 1.2: mappings, lists and plain scalars. `yes`, `no`, `on` and
dates stay text, `1e-3` is a number, keys are always text. Tags, anchors, aliases and repeated keys
are refused, and size, number of values and depth are bounded, so a file can neither run code nor
unfold into something large.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from irkit.errors import ConfigError, DataError, IrkitError
from irkit.streams import open_bytes
from irkit.wording import kind_of, no_file

Where: TypeAlias = tuple[str | int, ...]
"Where a value lies in a file: mapping keys and list positions from the top."

LARGEST = 250_000
"Bytes a file may have."

MOST = 10_000
"Values a file may hold: keys, scalars, lists and mappings."

DEEPEST = 40
"Levels of nesting a file may have."

_ONE_LINE = 90  # characters of a list or mapping that is written on one line
_MAP, _SEQ, _STR, _FLOAT = (f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "float"))
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")

# YAML 1.2, core schema. YAML 1.1, PyYAML's own, reads `no` as false, `1:30` as 90 and `1e-3` as text.
_SCALARS: list[tuple[re.Pattern[str], Callable[[str], Any]]] = [
    (re.compile(r"(?:~|null|Null|NULL|)\Z"), lambda text: None),
    (re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]{1,300}\Z"), int),
    (_NUMBER, float),
    (re.compile(r"[-+]?(?:\.inf|\.Inf|\.INF)\Z"), lambda text: -math.inf if text[0] == "-" else math.inf),
    (re.compile(r"(?:\.nan|\.NaN|\.NAN)\Z"), lambda text: math.nan),
]


@dataclass(frozen=True)
class YamlFile:
    """A parsed file that still knows which line each value came from."""

    path: str
    "The file, as messages name it."
    value: dict[str, Any]
    "Plain values: dict, list, str, int, float, bool, None."
    lines: dict[Where, int] = field(repr=False)
    "Line of each key and list item, counted from 1."

    def line(self, *where: str | int) -> int:
        """Return the line of a value, or of the nearest thing around it that the file holds."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def at(self, *where: str | int) -> str:
        """Return `path:line` of a value, the head of an error message."""
        return f"{self.path}:{self.line(*where)}"

    def quoted(self, message: str) -> Where:
        """Return where the file has a text that a message quotes; nowhere, (), where it quotes none of it."""
        for where in self.lines:
            value: Any = self.value
            for step in where:
                value = value[step]
            if isinstance(value, str) and value and repr(value) in message:
                return where
        return ()

    def error(self, message: str, *where: str | int, kind: type[IrkitError] = ConfigError) -> IrkitError:
        """Make an error that begins with the file and the line of a value."""
        return kind(f"{self.at(*where)}: {message}")


def read_yaml(path: str | Path) -> YamlFile:
    """Read a YAML file whose top level is a mapping.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        If it is too large, not UTF-8, not YAML, or uses what this module refuses; says file and line.
    """
    path = Path(path)
    try:
        with open_bytes(path) as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise no_file(path) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read; {error.strerror or error}") from None
    if len(content) > LARGEST:
        raise DataError(f"{path}:1: more than {LARGEST} bytes; irkit's YAML files are short")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8, got byte 0x{content[error.start]:02x}; save it as UTF-8") from None
    return parse_yaml(text, path)


def parse_yaml(text: str, path: str | Path = "<text>") -> YamlFile:
    """Read YAML text whose top level is a mapping; `path` names it in messages.

    Raises
    ------
    DataError
        As `read_yaml`.

    Examples
    --------
    >>> parsed = parse_yaml("name: x\\nstages:\\n  - {use: cut, k: 1e1}\\n")
    >>> parsed.value
    {'name': 'x', 'stages': [{'use': 'cut', 'k': 10.0}]}
    >>> parsed.line("stages", 0, "k")
    3
    """
    lines: dict[Where, int] = {}
    value = _Builder(text, str(path), lines).document()
    if not isinstance(value, dict):
        raise DataError(f"{path}:1: the top level must be a mapping of fields (name: ...), got {kind_of(value)}")
    return YamlFile(str(path), value, lines)


def parse_value(text: str, who: str = "<text>") -> Any:
    """Read one YAML value, as an option on the command line holds it.

    Examples
    --------
    >>> parse_value("1e-3"), parse_value("auto"), parse_value("[1, 2]")
    (0.001, 'auto', [1, 2])
    """
    return _Builder(text, who, {}).document()


class _Builder:
    """Builds plain values from the parser's events, one event at a time."""

    def __init__(self, text: str, path: str, lines: dict[Where, int]) -> None:
        self.path = path
        self.lines = lines
        self.text = text
        self.count = 0

    def document(self) -> Any:
        try:
            self.events: Iterator[Any] = yaml.parse(self.text, Loader=yaml.SafeLoader)
            self._next(yaml.StreamStartEvent)
            event = next(self.events)
            if isinstance(event, yaml.StreamEndEvent):
                return None
            value = self._value(next(self.events), (), 0)
            self._next(yaml.DocumentEndEvent)
            event = next(self.events)
            if not isinstance(event, yaml.StreamEndEvent):
                raise self._error("a second document begins here; keep one per file", event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise DataError(f"{self.path}:{line}: not YAML; {_in_words(error)}") from None
        except yaml.reader.ReaderError as error:
            line = self.text.count("\n", 0, error.position) + 1
            raise DataError(
                f"{self.path}:{line}: not YAML; the character {_shown(error.character)} is not allowed"
            ) from None
        return value

    def _next(self, kind: type[yaml.Event]) -> None:
        event = next(self.events)
        if not isinstance(event, kind):  # the parser's grammar promises this
            raise self._error(f"not YAML; unexpected {type(event).__name__}", event)

    def _value(self, event: Any, where: Where, depth: int) -> Any:
        self.lines.setdefault(where, _line(event))
        self._refuse(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style is not None else _scalar(event.value)
        return self._list(where, depth) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(where, depth)

    def _list(self, where: Where, depth: int) -> list[Any]:
        out: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            out.append(self._value(event, (*where, len(out)), depth + 1))
        return out

    def _mapping(self, where: Where, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            self._refuse(event, depth)
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error("a key must be text, got a list or a mapping", event)
            key, here = event.value, (*where, event.value)
            if key in out:
                first = self.lines[here]
                raise self._error(f"{_cut(repr(key))} occurs twice, first in line {first}; keep one", event)
            self.lines[here] = _line(event)
            out[key] = self._value(next(self.events), here, depth + 1)
        return out

    def _refuse(self, event: Any, depth: int) -> None:
        self.count += 1
        if self.count > MOST:
            raise self._error(f"more than {MOST} values; irkit's YAML files are short", event)
        if isinstance(event, yaml.AliasEvent):
            raise self._error(f"aliases are not supported, got *{_cut(str(event.anchor))}; write the value out", event)
        if event.anchor is not None:
            raise self._error(f"anchors are not supported, got &{_cut(event.anchor)}; write the value out", event)
        if event.tag is not None:
            tag = _cut(event.tag.replace("tag:yaml.org,2002:", "!!"))
            raise self._error(f"tags are not allowed, got {tag}; files hold plain values only", event)
        if depth > DEEPEST:
            raise self._error(f"nested deeper than {DEEPEST} levels", event)

    def _error(self, message: str, event: Any) -> DataError:
        return DataError(f"{self.path}:{_line(event)}: {message}")


_PROBLEMS = {
    "mapping values are not allowed here": "a colon too many, or a line that is not indented like its neighbours",
    "found character '\\t' that cannot start any token": "a tab; indent with blanks",
    "expected <block end>": "a line that is not indented like its neighbours",
    "but got '<stream end>'": "a bracket is not closed",
    "expected '<document start>'": "a second value begins here; keep one per file",
    "could not find expected ':'": "a colon is missing, or an indentation",
    "found unexpected end of stream": "a quote is not closed",
}
"What the parser's problems mean, by a part of their text."


def _in_words(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context).split())
    return next((words for part, words in _PROBLEMS.items() if part in problem), problem)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def _shown(character: Any) -> str:
    return repr(chr(character) if isinstance(character, int) else character)


def _scalar(text: str) -> Any:
    for pattern, convert in _SCALARS:
        if pattern.match(text):
            return convert(text)
    return text


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or 1.2 would read as something else; indents lists; writes no aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Rows(list[Any]):
    """A list that is always written one item a line."""


class _Fields(dict[str, Any]):
    """A mapping that is always written one field a line."""


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    text = repr(value) if math.isfinite(value) else ".nan" if math.isnan(value) else f"{'-' * (value < 0)}.inf"
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")  # other tools' YAML 1.1 reads 1e-05 as text
    return dumper.represent_scalar(_FLOAT, text)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    breaks = any(character in value for character in "\x85\u2028\u2029")  # PyYAML would fold these into spaces
    return dumper.represent_scalar(_STR, value, style='"' if breaks else None)


def _mapping(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.MappingNode:
    flow = len(repr(value)) <= _ONE_LINE and not any(_holds(item, list) for item in value.values())
    return dumper.represent_mapping(_MAP, value, flow_style=flow and not isinstance(value, _Fields))


def _list(dumper: yaml.SafeDumper, value: Sequence[Any]) -> yaml.SequenceNode:
    flow = not isinstance(value, _Rows) and len(repr(value)) <= _ONE_LINE and not _holds(value, list)
    return dumper.represent_sequence(_SEQ, value, flow_style=flow or not value)


def _holds(value: Any, kind: type) -> bool:
    return isinstance(value, list) and any(isinstance(item, kind) for item in value)


# Text such as "1e-3" is a number in YAML 1.2 alone, and must be quoted to stay text.
_Dumper.add_implicit_resolver(_FLOAT, _NUMBER, list("-+.0123456789"))
_Dumper.add_representer(float, _float)
_Dumper.add_representer(str, _text)
for _kind in (dict, _Fields):
    _Dumper.add_representer(_kind, _mapping)
for _other in (list, tuple, _Rows):
    _Dumper.add_representer(_other, _list)


def dump_yaml(value: Mapping[str, Any]) -> str:
    """Write plain values as YAML: fields in the order given, short lists and mappings on one line.

    Reading the text back with `parse_yaml` gives an equal value.

    Raises
    ------
    ConfigError
        If the value holds anything but dict, list, str, int, float, bool and None.

    Examples
    --------
    >>> print(dump_yaml({"name": "x", "needs": ["index"], "stages": [{"use": "cut", "k": 1}]}), end="")
    name: x
    needs: [index]
    stages:
      - {use: cut, k: 1}
    """
    fields = _Fields((name, _Rows(item) if _holds(item, dict) else item) for name, item in value.items())
    try:
        return yaml.dump(fields, Dumper=_Dumper, allow_unicode=True, width=110, sort_keys=False)
    except yaml.representer.RepresenterError as error:
        wrong = error.args[-1]
        raise ConfigError(f"yaml: cannot write {type(wrong).__name__}, got {wrong!r}; use plain values") from None

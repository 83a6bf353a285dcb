"""What `help`, `inspect.signature` and completion say of a class with settings: made from its config, when asked for.

A constructor is written as it runs, `(self, index, config=None, **settings)`; the settings are the fields of
`config_type`, each with a type, a default and a text. Here they are put in the place of `**settings`, in the signature
of the class and in the part "Parameters" of its docstring.
"""

from __future__ import annotations

import re
import textwrap
from abc import ABCMeta
from collections.abc import Callable
from functools import reduce
from inspect import Parameter, Signature, cleandoc, signature
from operator import or_
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from irkit.config import Config

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Function = TypeVar("Function", bound=Callable[..., Any])

WIDTH = 100
"Characters in a line of a generated text."

ABOUT = {
    "cross_encoder": "Model that reads query and text together.",
    "encoder": "Model of documents.",
    "index": "Lucene index, or the folder of one, which the stage then opens for itself; what it opened is closed "
    "when nothing uses it any more. Where several stages search one index, open it once and give it to each.",
    "train": "Ratings to be fitted on.",
    "vectors": "Word vectors, or the file of some, which the stage then reads for itself.",
}
"What resources are; a class whose resource is more than this says so in its docstring."

OPENED = {"index": "Index", "vectors": "Vectors"}
"Resources that a stage opens where it is given a path, and what they are then."

_SECTION = re.compile(r"^(\w+)\n-{3,}$", re.MULTILINE)
_BOUNDS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


class Described(ABCMeta):
    """Kind of class that has a `config_type`: its signature and docstring show each setting."""

    @property
    def __signature__(cls) -> Signature:
        return signature_of(cls)

    @property
    def __doc__(cls) -> str | None:
        return described(cls)

    @__doc__.setter
    def __doc__(cls, text: str | None) -> None:
        type.__dict__["__doc__"].__set__(cls, text)


class Constructor(NamedTuple):
    """What the constructor of a class takes."""

    places: list[Parameter]
    "What may come without a name, such as resources and the pipelines of an operator."
    named: list[Parameter]
    "What comes by name, besides settings and config."
    config: Parameter | None
    settings: bool
    "Whether it takes the fields of the config by name."


def constructor(kind: Any) -> Constructor:
    """Return what the constructor of a class takes: as it is written, but a resource needs no name."""
    taken = dict(list(signature(kind.__init__).parameters.items())[1:])
    config = taken.pop("config", None)
    settings = any(one.kind is one.VAR_KEYWORD for one in taken.values())
    places = [one for one in taken.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
    named = {name: one for name, one in taken.items() if one.kind is one.KEYWORD_ONLY}
    if all(one.default is one.empty for one in places):
        needs = [need for need in getattr(kind, "needs", ()) if need in named]
        places += [named.pop(need).replace(kind=Parameter.POSITIONAL_OR_KEYWORD) for need in needs]
    return Constructor(places, list(named.values()), config, settings)


def signature_of(kind: Any) -> Signature:
    """Return the signature of a class: resources first, then the settings by name, then the config.

    Parameters
    ----------
    kind : class with a `config_type`
    """
    places, named, config, settings = constructor(kind)
    places = [one.replace(annotation=_accepted(one)) for one in places]
    fields = kind.config_type.model_fields
    if settings:
        named += _fields(kind.config_type)
    if config is not None and fields:
        written = f"{kind.config_type.__name__} | None" if settings else config.annotation
        named.append(config.replace(kind=config.KEYWORD_ONLY, annotation=written))
    return Signature([*places, *named])


def showing(config_type: type[Config]) -> Callable[[Function], Function]:
    """Return a decorator that shows the fields of a config in the place of a function's `**settings`.

    Their defaults are shown as `...`, for the function may have others: those of a model that it is given.
    """

    def shown(function: Function) -> Function:
        own = signature(function)
        kept = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
        fields = [one.replace(default=...) for one in _fields(config_type)]
        function.__signature__ = own.replace(parameters=[*kept, *fields])  # type: ignore[attr-defined]
        return function

    return shown


def _fields(config_type: type[Config]) -> list[Parameter]:
    """Return the fields of a config as parameters by name."""
    return [
        Parameter(
            field.alias or name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.is_required() else field.get_default(call_default_factory=True),
            annotation=plain(field.annotation),
        )
        for name, field in config_type.model_fields.items()
    ]


def described(kind: Any) -> str | None:
    """Return the docstring of a class with its part "Parameters" completed; None where there is neither.

    What the docstring itself says of a parameter stays.
    """
    text = type.__dict__["__doc__"].__get__(kind)
    before, entries, after = _divided(cleandoc(text) if isinstance(text, str) else "")
    places, named, config, settings = constructor(kind)
    lines = [
        entries.get(one.name) or _entry(one.name, _type(one), ABOUT.get(one.name, "")) for one in (*places, *named)
    ]
    fields = kind.config_type.model_fields
    if settings:
        lines += [
            _entry(field.alias or name, setting_type(field), field.description or "") for name, field in fields.items()
        ]
    if config is not None and fields:
        instead = "All settings at once, instead of by name." if settings else ""
        lines.append(_entry("config", kind.config_type.__name__ + (", optional" if settings else ""), instead))
    if not lines:
        return text if isinstance(text, str) else None
    return "\n\n".join(filter(None, (before, "Parameters\n----------\n" + "\n".join(lines), after)))


def setting_type(field: FieldInfo) -> str:
    """Say what a setting may be and what it is unless given, as numpydoc does.

    Examples
    --------
    >>> from pydantic.fields import Field
    >>> class Some(Config):
    ...     n: int = Field(10, ge=1)
    ...     model: Literal["a", "b"] | None = None
    >>> [setting_type(field) for field in Some.model_fields.values()]
    ['int >= 1, default 10', "{'a', 'b'}, optional"]
    """
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    kind, bounds = _words(plain(field.annotation)), _bounds(field)
    kind = kind.removesuffix(" or None") if default is None else kind
    kind = ", ".join(filter(None, (kind, bounds))) if " or " in kind else f"{kind} {bounds}".rstrip()
    if field.is_required():
        return kind
    return f"{kind}, optional" if default is None else f"{kind}, default {_value(default)}"


def _bounds(field: FieldInfo) -> str:
    """Say the least and the greatest value of a setting, as far as it has them."""
    marks = {name: getattr(mark, name) for mark in field.metadata for name in _BOUNDS if hasattr(mark, name)}
    said = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in marks.items()}
    least, most = said.get("ge", said.get("gt")), said.get("le", said.get("lt"))
    if least and most:
        return f"in {'[' if 'ge' in said else '('}{least}, {most}{']' if 'le' in said else ')'}"
    return " ".join(f"{_BOUNDS[name]} {value}" for name, value in said.items())


def plain(annotation: Any) -> Any:
    """Return an annotation without what pydantic reads in it.

    Examples
    --------
    >>> plain(tuple[Annotated[int, "at least 1"], ...] | None)
    tuple[int, ...] | None
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return plain(arguments[0])
    if not arguments or origin is Literal or not any(_marked(one) for one in arguments):
        return annotation
    inner = tuple(map(plain, arguments))
    if origin is UnionType:
        return reduce(or_, inner)
    return Union[inner] if origin is Union else origin[inner]  # noqa: UP007  # of a tuple


def _marked(annotation: Any) -> bool:
    return get_origin(annotation) is Annotated or any(map(_marked, get_args(annotation)))


def _accepted(resource: Parameter) -> Any:
    """Return the annotation of a resource, with that of a path where one may stand for it."""
    kind = OPENED.get(resource.name)
    return f"{kind} | str | PathLike[str]" if kind else resource.annotation


def _type(one: Parameter) -> str:
    """Say what a parameter that is no setting may be."""
    if one.name in OPENED:
        return f"{OPENED[one.name]} or path"
    kind = one.annotation if isinstance(one.annotation, str) else _words(one.annotation)
    kind = "" if one.annotation is one.empty or kind == "Any" else kind.removesuffix(" | None").replace(" | ", " or ")
    return kind if one.default is one.empty else ", ".join(filter(None, (kind, "optional")))


def _entry(name: str, kind: str, text: str) -> str:
    body = textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join(filter(None, (f"{name} : {kind}" if kind else name, body)))


def _words(annotation: Any) -> str:
    """Say a type in the words of numpydoc."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is NoneType:
        return "None"
    if origin is Literal:
        return f"{{{', '.join(map(repr, arguments))}}}"
    if origin in (Union, UnionType):
        return " or ".join(map(_words, arguments))
    if arguments:
        inner = ", ".join("..." if one is ... else _words(one) for one in arguments)
        return f"{origin.__name__}[{inner}]"
    return str(getattr(annotation, "__name__", annotation))


def _value(default: Any) -> str:
    """Return a default as Python text; of a config what is not its own default."""
    if isinstance(default, Config):
        given = ", ".join(f"{name}={value!r}" for name, value in default.given().items())
        return f"{type(default).__name__}({given})"
    return repr(default)


def _divided(text: str) -> tuple[str, dict[str, str], str]:
    """Divide a docstring into what is before its parameters, the entry of each, and what is after them."""
    sections = list(_SECTION.finditer(text))
    if not sections:
        return text, {}, ""
    first = sections[0]
    if first[1] != "Parameters":
        return text[: first.start()].strip(), {}, text[first.start() :].strip()
    end = sections[1].start() if len(sections) > 1 else len(text)
    entries: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", text[first.end() : end].strip()):
        names = re.split(r" *: *", entry.partition("\n")[0])[0]
        entries |= {name.strip(): entry.rstrip() for name in names.split(",")}
    return text[: first.start()].strip(), entries, text[end:].strip()

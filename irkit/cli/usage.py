"""What the parser of the command line found wrong, in the words of our other messages."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from irkit.cli.standard import restored
from irkit.errors import near_misses

if TYPE_CHECKING:
    from cyclopts import CycloptsError

_KINDS = {int: "a whole number", float: "a number", bool: "true or false"}


def usage(error: CycloptsError) -> str:
    """Say in one line what is wrong with a command line, and what to write or where to look."""
    chain = " ".join(error.command_chain or ())
    help = f"see irkit {chain + ' ' if chain else ''}--help"
    what = restored(_said(error, help))
    return f"{chain}: {what}" if chain else what


def _said(error: CycloptsError, help: str) -> str:
    import cyclopts

    if isinstance(error, cyclopts.UnknownCommandError):
        token = (error.unused_tokens or [""])[0]
        commands = [name for name in getattr(error.app, "_commands", ()) if name[0] != "-"]
        return f"there is no command {token!r}; {_nearest(token, commands, help)}"
    if isinstance(error, cyclopts.UnknownOptionError):
        token = error.token.keyword or error.token.value
        options = [name for one in error.argument_collection if one.parse for name in one.names]
        setting = (
            f"a recipe's settings are written --set {token.lstrip('-')}=..., {help}" if "--set" in options else help
        )
        return f"there is no option {token}; {_nearest(token, options, setting)}"
    if isinstance(error, cyclopts.UnusedCliTokensError):
        return f"there is more than it takes, {' '.join(error.unused_tokens or ())}; {help}"
    if type(error) is cyclopts.MissingArgumentError and error.argument is not None:
        given = error.keyword or next((one.keyword for one in error.argument.tokens if one.keyword), None)
        return f"{given} needs a value; {help}" if given else f"{error.argument.name} is missing; {help}"
    if isinstance(error, cyclopts.RepeatArgumentError):
        return f"{error.token.keyword} is given twice; keep one"
    if isinstance(error, cyclopts.CoercionError) and error.token is not None and error.target_type is not None:
        name = error.token.keyword or (error.argument.name if error.argument is not None else "an argument")
        value = restored(error.token.value)
        return f"{name} is not valid, got {value!r}; {_instead(error.target_type, value)}"
    text = str(error).strip().rstrip(".")
    return f"{text[:1].lower()}{text[1:]}; {help}"


def _nearest(token: str, names: Sequence[str], help: str) -> str:
    """Return near misses if there are any, else where all are listed."""
    near = near_misses(token, names)
    return near if near.startswith("did you mean") else help


def _instead(kind: Any, value: str) -> str:
    """Say what a value of a type may be.

    Examples
    --------
    >>> _instead(Literal["grid", "random"], "gird"), _instead(float | Literal["auto"] | None, "lots")
    ('did you mean grid?', 'it must be a number or auto')
    """
    if get_origin(kind) is Literal:
        return near_misses(value, map(str, get_args(kind)))
    parts = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    words = [", ".join(map(str, get_args(one))) if get_origin(one) is Literal else _KINDS.get(one) for one in parts]
    return f"it must be {' or '.join(filter(None, words)) or 'of another kind'}"

"""Read a pipeline from the text that prints it: `lucene(model='bm25') % 100 >> passages(size=100)`.

Only calls of known stages, their settings as literals, and the operators are read; nothing else of
Python is, and nothing is executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from irkit.errors import ConfigError, IrkitError, near_misses
from irkit.pipeline.stage import Stage

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.RShift: lambda a, b: a >> b,
    ast.Mod: lambda a, b: a % b,
    ast.Mult: lambda a, b: a * b,
    ast.Add: lambda a, b: a + b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitXor: lambda a, b: a ^ b,
    ast.Pow: lambda a, b: a**b,
}


def parse(text: str, stages: Mapping[str, type[Stage]], **resources: Any) -> Stage:
    """Build the pipeline that an expression describes.

    Parameters
    ----------
    text : str
        As `repr` of a pipeline gives it. A stage's name is written with `_` for `-`.
    stages : mapping of name to stage class
    resources
        What the stages need, such as `index`.

    Raises
    ------
    ConfigError
        If the text is not such an expression; the message says at which column.
    CompositionError
        If stages do not fit.
    """
    known = {name.replace("-", "_"): kind for name, kind in stages.items()}
    try:
        out = _read(ast.parse(text.strip(), mode="eval").body, known, resources)
    except SyntaxError as error:
        where = f"column {error.offset}: " if error.offset else ""
        raise ConfigError(f"pipeline: is not an expression, got {_short(text)}; {where}{error.msg}") from None
    except (RecursionError, MemoryError):
        raise ConfigError(f"pipeline: is too deeply nested, got {_short(text)}; write it as a recipe") from None
    if not isinstance(out, Stage):
        raise ConfigError(f"pipeline: must be a pipeline, got {_short(text)}; write a stage such as cut(k=10)")
    return out


def _read(node: ast.expr, stages: Mapping[str, type[Stage]], resources: dict[str, Any]) -> Any:
    """Return the stage or number of a node."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            sides = _read(left, stages, resources), _read(right, stages, resources)
            if not any(isinstance(side, Stage) for side in sides):
                raise _refused(node, "joins no pipelines")
            try:
                return _OPERATORS[type(op)](*sides)
            except IrkitError:
                raise
            except TypeError:  # such as 3 % stage
                raise _refused(node, "does not fit") from None
        case ast.Call(func=ast.Attribute(value=inner, attr="parallel"), args=[ast.Constant(value=int(n))], keywords=[]):
            pipeline = _read(inner, stages, resources)
            if not isinstance(pipeline, Stage):
                raise _refused(node, "is no pipeline")
            return pipeline.parallel(n)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            if name not in stages:
                raise ConfigError(f"pipeline: there is no stage {name!r}; {near_misses(name, stages)}")
            parts = tuple(_read(arg, stages, resources) for arg in args)
            if not all(isinstance(part, Stage) for part in parts):
                raise _refused(node, "takes its settings by name, as in cut(k=10)")
            settings = {word.arg: _literal(word.value) for word in keywords if word.arg is not None}
            if len(settings) < len(keywords):
                raise _refused(node, "has a setting without a name")
            return stages[name].make(settings, parts, resources)
        case _:
            return _number(node)


def _number(node: ast.expr) -> float:
    value = _literal(node)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _refused(node, "is neither a stage nor a number")
    return value


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise _refused(node, "is not a plain value") from None


def _refused(node: ast.expr, why: str) -> ConfigError:
    return ConfigError(f"pipeline: {_short(ast.unparse(node))} at column {node.col_offset + 1} {why}")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")

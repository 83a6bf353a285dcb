"""The public door of a package: names that are imported when they are first used, so that importing it costs nothing.

A package's `__init__` says its names once, as the imports that a type checker reads:

    if TYPE_CHECKING:
        from irkit.generative.made import MADE as MADE
    else:
        __getattr__, __dir__, __all__ = door(__name__)

`door` reads these imports from the package's own source and does each when its name is asked for. A package inside it,
`from irkit import generative as generative`, is among the names that completion shows, and `import *` leaves it out.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from typing import Any


def door(package: str, *others: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return the `__getattr__`, `__dir__` and `__all__` of a package.

    Parameters
    ----------
    package : str
        Its name; it is being imported.
    others : str
        Names that it defines itself and that are public too, such as `__version__`.
    """
    places = _imports(package)
    inside = [name for name, module in places.items() if module == package]
    shown = sorted([*others, *places])

    def __getattr__(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if name in inside:
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(places[name]), name)

    return __getattr__, lambda: shown, [name for name in shown if name not in inside]


def _imports(package: str) -> dict[str, str]:
    """Return the names that a package imports for type checkers only, each with its module."""
    loader: Any = sys.modules[package].__spec__.loader  # type: ignore[union-attr]  # which runs the package now
    found: dict[str, str] = {}
    for node in ast.parse(loader.get_source(package)).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            lines = [line for line in node.body if isinstance(line, ast.ImportFrom) and line.module]
            found |= {name.name: str(line.module) for line in lines for name in line.names}
    return found

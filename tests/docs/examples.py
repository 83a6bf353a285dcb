"""Run the worked examples: Python files of cells that begin with `# %%`, or `# %% [markdown]` where they are prose.

Below each cell of code stands what it prints, in lines that begin with `# > `.
`python -m tests.docs.examples` runs them all and rewrites these lines.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT, places, same

SHOWN = "# >"


@dataclass
class Cell:
    """A cell of code with the output that the file shows."""

    first: int
    "Number of its first line, from 1."
    code: list[str]
    shown: list[str]


def examples() -> list[Path]:
    return sorted((ROOT / "docs" / "examples").glob("*.py"))


def cells(text: str) -> list[Cell]:
    """Return the cells of code."""
    found: list[Cell] = []
    prose = True
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# %%"):
            prose = line != "# %%"
            if not prose:
                found.append(Cell(number + 1, [], []))
        elif not prose and line.startswith(SHOWN):
            found[-1].shown.append(line[len(SHOWN) + 1 :])
        elif not prose:
            found[-1].code.append(line)
    return found


def outputs(path: Path, folder: Path) -> list[list[str]]:
    """Run an example in a folder; return what each of its cells prints, in lines."""
    from irkit.recommend.guards import LOOKS

    LOOKS.counts.clear()  # an example is a process of its own
    namespace: dict[str, object] = {"__name__": path.stem}
    found: list[list[str]] = []
    with contextlib.chdir(folder):
        for cell in cells(path.read_text(encoding="utf-8")):
            out = io.StringIO()
            code = compile("\n" * (cell.first - 1) + "\n".join(cell.code), str(path), "exec")
            with contextlib.redirect_stdout(out):
                exec(code, namespace)
            found.append(out.getvalue().splitlines())
    return found


def rewritten(text: str, came: list[list[str]], hidden: dict[str, str]) -> str:
    """Return the text of an example with other outputs; those that are the same stay as they are."""
    lines: list[str] = []
    at = -1
    for part in re.split(r"(?m)^(?=# %%)", text):
        if part.startswith("# %%\n"):
            at += 1
            (cell,) = cells(part)
            shown = came[at] if same(cell.shown, came[at], hidden) else cell.shown
            code = "\n".join(["# %%", *cell.code]).rstrip()
            lines.append("\n".join([code, *(f"{SHOWN} {line}".rstrip() for line in shown)]) + "\n\n")
        else:
            lines.append(part)
    return "".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    os.environ["COLUMNS"] = "80"
    for one in [Path(name).resolve() for name in sys.argv[1:]] or examples():
        with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as home:
            os.environ["IRKIT_HOME"] = home
            printed = outputs(one, Path(work))
            before = one.read_text(encoding="utf-8")
            one.write_text(rewritten(before, printed, places(Path(work), Path(home))), encoding="utf-8")
        print(one.relative_to(ROOT))

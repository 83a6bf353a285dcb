"""Run what the documents show: python blocks, console blocks and the files they name.

    ```python                runs in one namespace per page; a ```text block right after it is what it prints,
                             and may end with the last line of a trace: irkit.errors.FrameError: ...
    ```console               lines that begin with "$ " are run, the lines below each are what it prints
    ```json title="a.json"   any block with a title is written to that file first
    ```console data          needs IRKIT_DATA; likewise "python data"
    ```console ray           needs the package ray; likewise "python ray"
    ```console trained       figures of nets trained here, elsewhere a hundredth apart; likewise "python trained"

A page with a file pyproject.toml has its package installed while it runs.

`python -m tests.docs.pages` runs every page and rewrites the shown output from what came out.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import gensim

from irkit.errors import IrkitError
from tests.plugins import installed

ROOT = Path(__file__).parents[2]
VENV = "/home/me/irkit/.venv"
NEAR = 2e-3
FENCE = re.compile(r"^```(.*)$")


@dataclass
class Block:
    """One fenced block of a page."""

    kind: str
    words: list[str]
    title: str | None
    lines: list[str]
    first: int
    "Number of its first line inside the fence, from 1."


@dataclass
class Shown:
    """Something that was run, with what the page shows and what came out."""

    source: str
    "What was run."
    line: int
    "Where, from 1."
    expected: list[str]
    at: tuple[int, int]
    "The lines of the page that show the output, from and to (numbers from 0, end exclusive)."
    actual: list[str] = field(default_factory=list)
    status: int | None = None
    "What a command of irkit that ran in this process returned."
    near: float = NEAR
    "Part by which decimal fractions may differ."


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    found: list[Block] = []
    inside: Block | None = None
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = FENCE.match(line)
        if inside is None and fence:
            info = fence.group(1).strip()
            title = re.search(r'title="([^"]+)"', info)
            words = re.sub(r'title="[^"]+"', "", info).split()
            inside = Block(words[0] if words else "", words[1:], title and title.group(1), [], number + 1)
        elif inside is not None and fence and not fence.group(1):
            found.append(inside)
            inside = None
        elif inside is not None:
            inside.lines.append(line)
    assert inside is None, f"{page.name}: a block is not closed"
    return found


def run(page: Path, folder: Path) -> Iterator[Shown]:
    """Run a page's blocks in order, in a folder of its own; yield whatever shows output."""
    from irkit.recommend.guards import LOOKS

    LOOKS.counts.clear()  # a page is a process of its own
    namespace: dict[str, object] = {"__name__": page.stem}
    found = blocks(page)
    with contextlib.chdir(folder), contextlib.ExitStack() as stack:
        for number, block in enumerate(found):
            if block.title:
                Path(block.title).parent.mkdir(parents=True, exist_ok=True)
                Path(block.title).write_text("\n".join(block.lines) + "\n", encoding="utf-8")
            if block.title == "pyproject.toml":
                stack.enter_context(installed(folder))
            if "data" in block.words and not os.environ.get("IRKIT_DATA"):
                continue
            if "ray" in block.words and find_spec("ray") is None:
                continue
            if block.kind == "python" and not block.title:
                after = found[number + 1] if number + 1 < len(found) else None
                yield _python(page, block, after, namespace)
            elif block.kind == "console":
                for shown in _commands(block):
                    output, shown.status = _command(shown.source)
                    shown.actual = output.splitlines()
                    yield shown


def _python(page: Path, block: Block, after: Block | None, namespace: dict[str, object]) -> Shown:
    out = io.StringIO()
    # Line numbers of a traceback are those of the page.
    code = compile("\n" * (block.first - 1) + "\n".join(block.lines) + "\n", str(page), "exec")
    shows = after is not None and after.kind == "text" and _between(page, block, after)
    with contextlib.redirect_stdout(out):
        try:
            exec(code, namespace)
        except IrkitError as error:
            if not (shows and after and after.lines[-1].startswith("irkit.errors.")):
                raise
            print(*traceback.format_exception_only(error), sep="", end="")
    start = after.first - 1 if shows else -1
    expected = after.lines if shows else []
    return Shown(
        "\n".join(block.lines),
        block.first,
        expected,
        (start, start + len(expected)),
        out.getvalue().splitlines(),
        near=_near(block),
    )


def places(folder: Path, home: Path) -> dict[str, str]:
    """Return the folders that outputs name, each with what pages show for it, the innermost first."""
    here = {
        str(folder): "/home/me/work",
        str(home): "/home/me/.irkit",
        sysconfig.get_path("purelib"): f"{VENV}/lib/python3.11/site-packages",
        str(Path(gensim.__file__).parents[1]): f"{VENV}/lib/python3.11/site-packages",
        sys.prefix: VENV,
        str(ROOT): "/home/me/irkit",
    }
    return dict(sorted(here.items(), key=lambda place: -len(place[0])))


def _between(page: Path, block: Block, after: Block) -> bool:
    """Say whether only blank lines stand between two blocks."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return not any(line.strip() for line in lines[block.first + len(block.lines) : after.first - 2])


def _near(block: Block) -> float:
    return 1e-2 if "trained" in block.words else NEAR


def _commands(block: Block) -> list[Shown]:
    found: list[Shown] = []
    continued = False
    for number, line in enumerate(block.lines, block.first):
        if continued:
            found[-1].source += "\n" + line
            found[-1].at = (number, number)
        elif line.startswith("$ "):
            found.append(Shown(line[2:], number, [], (number, number), near=_near(block)))
        else:
            assert found, f"line {number}: output without a command"
            found[-1].expected.append(line)
            found[-1].at = (found[-1].at[0], number)
        continued = line.endswith("\\") and (continued or line.startswith("$ "))
    return found


def _command(source: str) -> tuple[str, int | None]:
    """Run a command as a user would see it: both streams in one, and the status of a plain `irkit`, run in here."""
    if not source.startswith("irkit ") or re.search(r"[|<>;&`$\\]", source):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        found = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            ["bash", "-c", source],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PATH": path, "PYTHONPATH": found},
        )
        return done.stdout, None
    from irkit.cli import main
    from irkit.recommend.guards import LOOKS

    LOOKS.counts.clear()  # a command is a process of its own
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = main(shlex.split(source)[1:])
    return out.getvalue(), status


# ---------------------------------------------------------------------------------------- comparison

COSTS = {"ms/query", "ms/pair", "ms/user", "ms/row", "ms/batch", "ms/coin", "s/fit", "MB"}
"Columns that differ from run to run; they are the last of their tables."

NUMBER = re.compile(r"-?\d+\.\d+")

FULL = 12
"More characters than this has a number only where it is printed in full, to as many digits as it takes."

VOLATILE = [
    (re.compile(r"(?<![\w.-])\d[\d.,]* ?(s|ms|MB)\b"), r"# \1"),  # times and memory
    (re.compile(r"\b\d{4}-\d\d-\d\d( \d\d:\d\d)?"), "DATE"),
    (re.compile(r"^(ok       (?:python|java) +)[\d.]+ at "), r"\1# at "),  # versions of the machine
    (re.compile(r"^run by Ray .*"), "run by Ray"),  # its version, and as many workers as there are cores
    (re.compile(r"^(ok       jvm .* at most )\d+m$"), r"\1#m"),  # and its heap
]
"What else differs from run to run, and what stands for it in a comparison."


PROGRESS = re.compile(r"^irkit: .+: [\d,]+ of [\d,]+ ")
"What a run of a minute or more says of how far it is; it is no output."


def same(expected: list[str], actual: list[str], places: dict[str, str] | None = None, near: float = NEAR) -> str:
    """Say how two outputs differ, an empty string where they do not; white space counts.

    What `COSTS` and `VOLATILE` name may differ, and blank lines at the end; a line `...` stands for any lines. Decimal
    fractions must have as many digits and agree to a part, `near`, as the last ones hang on the processor; `places`
    are folders with the names that pages show for them.
    """
    shown, came = _steady(expected, {}), _steady(actual, places or {})
    at = 0
    for place, line in enumerate(shown):
        if line == "...":
            if place + 1 == len(shown):
                return ""
            while at < len(came) and not _alike(shown[place + 1], came[at], near):
                at += 1
            continue
        if at >= len(came):
            return f"missing: {line}"
        if not _alike(line, came[at], near):
            return f"shown: {line}\n came: {came[at]}"
        at += 1
    return f"not shown: {came[at]}" if at < len(came) else ""


def _steady(lines: list[str], places: dict[str, str]) -> list[str]:
    """Put a word for what differs from run to run."""
    out: list[str] = []
    cut: int | None = None
    head = ""
    for line in (_placed(line, places).rstrip() for line in lines if not PROGRESS.match(line)):
        if line.startswith("--") and set(line) <= {"-", " "}:
            cut = _costs_begin(head, line)
            if cut is not None:
                out[-1] = head[:cut].rstrip()
        elif not line:
            cut = None
        head = line
        if cut is not None:
            line = line[:cut].rstrip()
        for pattern, word in VOLATILE:
            line = pattern.sub(word, line)
        out.append(line)
    while out and not out[-1]:
        out.pop()
    return out


def _placed(line: str, places: dict[str, str]) -> str:
    for place, shown in places.items():
        line = line.replace(place, shown)
    return line


def _costs_begin(head: str, dashes: str) -> int | None:
    """Return where the first column of costs begins in a table of such a head and line of dashes."""
    for column in re.finditer(r"-+", dashes):
        if head[column.start() : column.end()].strip() in COSTS:
            return column.start()
    return None


def _alike(one: str, other: str, near: float) -> bool:
    """Say whether two lines have the same text and close numbers."""
    if one == other:
        return True
    mine, yours = (NUMBER.findall(line) for line in (one, other))
    return (
        NUMBER.split(one) == NUMBER.split(other)
        and all(len(a) == len(b) or min(len(a), len(b)) > FULL for a, b in zip(mine, yours, strict=True))
        and all(abs(float(a) - float(b)) <= max(2e-4, near * abs(float(a))) for a, b in zip(mine, yours, strict=True))
    )


# -------------------------------------------------------------------------------------------- update


def update(page: Path) -> int:
    """Rewrite the outputs a page shows from what comes out now; return how many changed."""
    lines = page.read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        os.environ["IRKIT_HOME"] = home
        shown = list(run(page, Path(folder)))
        hidden = places(Path(folder), Path(home))
    changed = 0
    for one in reversed(shown):
        start, end = one.at
        if start < 0 or not same(one.expected, one.actual, hidden, one.near):
            continue
        changed += 1
        came = [_placed(line, hidden).rstrip() for line in one.actual]
        while came and not came[-1]:
            came.pop()
        lines[start:end] = _left_out(one.expected, came) if "..." in one.expected else came
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return changed


def _left_out(expected: list[str], came: list[str]) -> list[str]:
    """Return what came without the lines that the page leaves out; a line that it keeps begins with the same words."""
    kept: list[str] = []
    for line in expected:
        alike = [one for words in (2, 1) for one in came if one.split()[:words] == line.split()[:words]]
        kept.append(line if line == "..." or not alike else alike[0])
    return kept


if __name__ == "__main__":
    os.environ["COLUMNS"] = "80"
    for one in [Path(name).resolve() for name in sys.argv[1:]] or pages():
        print(f"{one.relative_to(ROOT)}: {update(one)} outputs changed")

"""How the benchmarks print: tables, the machine, and the versions of what they are compared with."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]

VERSIONS = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        pass
"""


def table(rows: list[dict], columns: list[str]) -> list[str]:
    """Lay rows out in Markdown; what falls short of a bar such as `>= 1.3` is said to."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return lines + ["| " + " | ".join(_cell(cell) for cell in _judged(row, columns)) + " |" for row in rows]


def _judged(row: dict, columns: list[str]) -> list[object]:
    wanted = re.match(r"([<>]=?) ([\d.,]+)", str(row.get("wanted", "")))
    measured = next((row[name] for name in ("measured", "ratio", "value") if isinstance(row.get(name), float)), None)
    if wanted is None or measured is None:
        return [row[column] for column in columns]
    sign, bar = wanted[1], float(wanted[2].replace(",", ""))
    met = measured >= bar if sign.startswith(">") else measured <= bar
    return [row[column] if met or column != "wanted" else f"{row[column]}: missed" for column in columns]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return str(value)


def machine() -> str:
    """Say what was measured on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}"


def versions(python: Path | str, packages: Iterable[str]) -> list[str]:
    """Return those packages that an interpreter has, each with its version."""
    done = subprocess.run([python, "-c", VERSIONS, *packages], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()

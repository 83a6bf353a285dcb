"""Cold starts: fresh processes from nothing to the first answer."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from pathlib import Path

from benchmarks.build import timed

WANTED = {
    "import irkit": "< .05 s over an empty process",
    "irkit --help": "< .3 s",
    "irkit search": "<= 1.0 s, <= 200 MB",
}

PYSERINI = """
import os, sys
os.environ.setdefault("OPENAI_API_KEY", "unused")
from irkit.lucene import jvm
jvm.start()
from pyserini.search.lucene import LuceneSearcher
for hit in LuceneSearcher(sys.argv[1]).search(sys.argv[2], k=10):
    print(hit.docid, hit.score)
"""


def compare(index: Path, query: str, *, repeats: int) -> list[dict]:
    """Time each command `repeats` times in turns; one row per command with medians."""
    copied = index.with_name(
        f"{index.name}-copied"
    )  # every file is another one, and is read once before it is believed
    irkit = str(Path(sys.executable).with_name("irkit"))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import irkit": [sys.executable, "-c", "import irkit"],
        "irkit --help": [irkit, "--help"],
        "irkit search, after cp -r": [irkit, "search", str(copied), query],
        "irkit search": [irkit, "search", str(index), query],
        "pyserini import + search": [sys.executable, "-c", PYSERINI, str(index), query],
    }
    os.environ["NO_COLOR"] = "1"
    runs: dict[str, list[dict]] = {name: [] for name in commands}
    for repeat in range(repeats + 1):
        for name, command in commands.items():
            if str(copied) in command:
                shutil.rmtree(copied, ignore_errors=True)
                shutil.copytree(index, copied)
            took = timed(command)
            if repeat:  # the first round warms the disk cache
                runs[name].append(took)
    return [
        {
            "command": name,
            **{key: statistics.median(run[key] for run in took) for key in took[0]},
            "wanted": WANTED.get(name, ""),
        }
        for name, took in runs.items()
    ]

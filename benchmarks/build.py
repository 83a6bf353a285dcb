"""Index build: irkit beside Anserini's IndexCollection, each in a process of its own, taking turns."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.corpus import in_parts
from irkit.lucene.jvm import java_home, lucene_jar


def anserini(json_folder: Path, out: Path, threads: int) -> list[str]:
    return [
        str(java_home() / "bin" / "java"), "-Xmx4g", "-cp", str(lucene_jar()), "io.anserini.index.IndexCollection",
        "-collection", "JsonCollection", "-generator", "DefaultLuceneDocumentGenerator",
        "-threads", str(threads), "-input", str(json_folder), "-index", str(out),
    ]  # fmt: skip


def ours(documents: Path, out: Path, threads: int) -> list[str]:
    options = ["--to", str(out), "--threads", str(threads), "--no-text", "--overwrite"]
    return [sys.executable, "-m", "irkit", "index", str(documents), *options]


def timed(command: list[str]) -> dict:
    """Run a command and return its wall and CPU seconds and its peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"benchmark: {command[0]} failed\n{errors.decode()[-2000:]}")
    return {
        "wall": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "rss_mb": usage.ru_maxrss / 1024,
    }


def size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def compare(folder: Path, documents: int, work: Path, *, repeats: int, threads: int = 2) -> list[dict]:
    """Build the same collection in turns; one row per system with medians."""
    runs: dict[str, list[dict]] = {"irkit": [], "anserini IndexCollection": []}
    sizes: dict[str, float] = {}
    for _ in range(repeats):
        for name in runs:
            out = work / f"built-{name.split()[0]}"
            shutil.rmtree(out, ignore_errors=True)
            irkit = name == "irkit"
            command = (
                ours(folder / "documents.jsonl", out, threads) if irkit else anserini(in_parts(folder), out, threads)
            )
            runs[name].append(timed(command))
            sizes[name] = size(out)
    rows = []
    for name, took in runs.items():
        median = {key: statistics.median(run[key] for run in took) for key in took[0]}
        rows.append({"system": name, **median, "docs_per_s": documents / median["wall"], "mb": sizes[name]})
    return rows

"""Run the benchmarks and write their table: `make bench` or `python -m benchmarks [--documents N] [--repeats N]`.

What is compared is measured in one run on one machine, peers taking turns; medians are reported.
`--write` puts the last table of every part into `docs/benchmarks.md`. This process stays small: the kernel
counts what a process held when it started another as the other's memory, so all work is done in children.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.prepare import generate, make_index, real_collection

ROOT = Path(__file__).parents[1]
PARTS = ["search", "frequent", "real", "feedback", "build", "startup", "large"]
HEAD = """# Benchmarks

`make bench` prints these tables. Systems take turns within each pass, so ratios hold where a machine's speed drifts;
single figures do not."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=300_000, help="size of the generated collection")
    parser.add_argument("--large", type=int, default=1_000_000, help="size of the larger one, 0 to leave it out")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--only", nargs="*", choices=PARTS)
    args = parser.parse_args()
    wanted = set(args.only or PARTS)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    args.work.mkdir(parents=True, exist_ok=True)
    folder = apart(generate, args.work / f"passages-{args.documents}", args.documents)
    index = apart(make_index, folder / "documents.jsonl", args.work / f"index-{args.documents}")
    for part in PARTS:
        if part in wanted:
            title, *lines = SECTIONS[part](args, folder, index)
            about = f"Measured {date.today()} on {_machine()}; {args.repeats} passes, medians, systems taking turns."
            text = "\n".join([f"## {title}", "", about, "", *lines])
            (args.work / f"{part}.md").write_text(text)
            print(f"{text}\n", flush=True)
    if args.write:
        parts = [path.read_text() for part in PARTS if (path := args.work / f"{part}.md").is_file()]
        (ROOT / "docs" / "benchmarks.md").write_text("\n\n".join([HEAD, *parts]) + "\n")


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def search_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import search

    rows = search.compare(index, folder / "queries.tsv", args.work, repeats=args.repeats)
    found = [{"ratio": what, "measured": value, "wanted": least} for what, value, least in search.bars(rows)]
    lines = [f"Search, {args.documents:,} generated passages, 1,000 ordinary queries"]
    lines += _table(rows, ["route", "k", "threads", "qps", "cpu_ms", "rss_mb"])
    return [*lines, "", *_table(found, ["ratio", "measured", "wanted"])]


def frequent_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import search

    routes = ("limit", "irkit-wand", "irkit-auto", "bm25s")
    rows = search.compare(index, folder / "frequent.tsv", args.work, repeats=args.repeats, routes=routes)
    lines = [f"Search, {args.documents:,} generated passages, 1,000 queries of five frequent words"]
    return lines + _table(rows, ["route", "k", "threads", "qps", "cpu_ms"])


def real_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import search

    lines = ["Search, real collections, one thread"]
    rows = []
    for name in ("npl", "cranfield", "cacm", "medline"):
        count = apart(real_collection, name, args.work)
        if isinstance(count, str):
            lines.append(f"{name}: {count}\n")
            continue
        own = apart(make_index, args.work / name / "documents.jsonl", args.work / f"index-{name}")
        queries = args.work / name / "queries.tsv"
        timed = search.compare(own, queries, args.work, repeats=args.repeats, settings=((1000, 1), (10, 1)))
        rows += [{"collection": name, **row} for row in timed]
    return lines + _table(rows, ["collection", "route", "k", "qps", "cpu_ms"])


def feedback_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import feedback

    rows = apart(feedback.compare_paths, index, folder, args.work, args.repeats)
    times = [row for row in rows if "ms" in row]
    lines = [
        f"Query models and feedback, {args.documents:,} generated passages",
        *_table(times, ["figure", "ms"]),
    ]
    return [*lines, "", *_table([row for row in rows if "ratio" in row], ["figure", "ratio", "wanted"])]


def build_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import build

    rows = build.compare(folder, args.documents, args.work, repeats=args.repeats)
    lines = [f"Index build, {args.documents:,} passages, 2 threads, no stored text"]
    lines += _table(rows, ["system", "docs_per_s", "wall", "cpu", "mb", "rss_mb"])
    return [*lines, f"\nirkit / IndexCollection: {rows[1]['wall'] / rows[0]['wall']:.2f}x the speed (wanted >= 1.1)"]


def startup_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import startup

    query = (folder / "queries.tsv").open().readline().rstrip("\n").split("\t")[1]
    rows = startup.compare(index, query, repeats=args.repeats)
    ours, theirs = rows[-2], rows[-1]
    return [
        "Cold start: a fresh process each",
        *_table(rows, ["command", "wall", "cpu", "rss_mb"]),
        f"\nirkit search is {theirs['wall'] / ours['wall']:.1f}x faster than pyserini's import and search "
        f"(wanted >= 5) and takes {ours['rss_mb'] / theirs['rss_mb']:.2f}x its memory (wanted <= 0.35)",
    ]


def large_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import build, search

    if not args.large:
        return ["A larger collection", "left out"]
    large = apart(generate, args.work / f"passages-{args.large}", args.large)
    built = args.work / f"index-{args.large}"
    shutil.rmtree(built, ignore_errors=True)
    took = build.timed(build.ours(large / "documents.jsonl", built, 2))
    lines = [f"{args.large:,} passages"]
    lines.append(f"built in {took['wall']:.1f} s, {args.large / took['wall']:,.0f} documents/s")
    settings, routes = ((1000, 1), (10, 1)), ("irkit-wand", "irkit-auto")
    for size, where in ((args.documents, index), (args.large, built)):
        queries = folder / "queries.tsv"
        rows = search.compare(where, queries, args.work, repeats=args.repeats, settings=settings, routes=routes)
        lines += [f"\nThe same 1,000 queries over {size:,} passages:\n"]
        lines += _table(rows, ["route", "k", "threads", "qps", "cpu_ms"])
    return lines


SECTIONS = {
    "search": search_section,
    "frequent": frequent_section,
    "real": real_section,
    "feedback": feedback_section,
    "build": build_section,
    "startup": startup_section,
    "large": large_section,
}


def _table(rows: list[dict], columns: list[str]) -> list[str]:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return lines + ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
    return str(value)


def _machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}"


if __name__ == "__main__":
    main()

"""Run the benchmarks and write their table: `make bench` or `python -m benchmarks [--documents N] [--repeats N]`.

Everything is measured in one run on one machine, peers taking turns; medians are reported. The
table goes to `docs/benchmarks.md` with `--write`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
from datetime import date
from pathlib import Path

from benchmarks import build, corpus, search, startup

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=300_000, help="size of the generated collection")
    parser.add_argument("--large", type=int, default=1_000_000, help="size of the larger one, 0 to leave it out")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    parser.add_argument("--only", nargs="*", choices=["search", "frequent", "real", "build", "startup", "large"])
    args = parser.parse_args()
    wanted = set(args.only or ["search", "frequent", "real", "build", "startup", "large"])
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    args.work.mkdir(parents=True, exist_ok=True)
    lines = [f"Measured {date.today()} on {_machine()}; {args.repeats} passes, medians, systems taking turns."]
    folder = corpus.generate(args.work / f"passages-{args.documents}", args.documents)
    index = _index(folder / "json" / "documents.jsonl", args.work / f"index-{args.documents}")
    if wanted & {"search", "frequent"}:
        search.index_bm25s(index, folder / "json" / "documents.jsonl")
    for name, file in (("search", "queries.tsv"), ("frequent", "frequent.tsv")):
        if name in wanted:
            rows = search.compare(index, folder / file, args.work, repeats=args.repeats)
            title = "ordinary queries" if name == "search" else "queries of five frequent words"
            lines += _search_section(
                f"{args.documents:,} generated passages, 1,000 {title}", rows, check=name == "search"
            )
    if "real" in wanted:
        for name in ("npl", "cranfield", "cacm", "medline"):
            lines += _real(name, args)
    if "build" in wanted:
        rows = build.compare(folder, args.documents, args.work, repeats=args.repeats)
        lines += [f"\n## Index build, {args.documents:,} passages, 2 threads, no stored text\n"]
        lines += _table(rows, ["system", "docs_per_s", "wall", "cpu", "mb", "rss_mb"])
        lines += [f"\nirkit / IndexCollection: {rows[1]['wall'] / rows[0]['wall']:.2f}x the speed (wanted >= 1.1)"]
    if "startup" in wanted:
        rows = startup.compare(index, corpus.read_queries(folder / "queries.tsv")[0], repeats=args.repeats)
        lines += ["\n## Cold start: a fresh process each\n", *_table(rows, ["command", "wall", "cpu", "rss_mb"])]
        ours, theirs = rows[-2], rows[-1]
        lines += [
            f"\nirkit search is {theirs['wall'] / ours['wall']:.1f}x faster than pyserini's import and search (wanted >= 5) "
            f"and takes {ours['rss_mb'] / theirs['rss_mb']:.2f}x its memory (wanted <= 0.35)"
        ]
    if "large" in wanted and args.large:
        lines += _large(args, folder, index)
    text = "\n".join(lines)
    print(text)
    if args.write:
        page = ROOT / "docs" / "benchmarks.md"
        page.write_text(f"# Benchmarks\n\n`make bench` prints this page's tables.\n\n{text}\n")


def _search_section(title: str, rows: list[dict], *, check: bool) -> list[str]:
    lines = [f"\n## Search, {title}\n", *_table(rows, ["route", "k", "threads", "qps", "cpu_ms", "rss_mb"])]
    if check:
        found = [{"ratio": what, "measured": value, "wanted": wanted} for what, value, wanted in search.bars(rows)]
        lines += ["", *_table(found, ["ratio", "measured", "wanted"])]
    return lines


def _real(name: str, args: argparse.Namespace) -> list[str]:
    from irkit.errors import IrkitError
    from irkit.io import load_collection

    try:
        collection = load_collection(name)
    except IrkitError as error:
        return [f"\n## Search, {name}\n", f"left out: {error}"]
    folder = args.work / name
    folder.mkdir(exist_ok=True)
    with (folder / "documents.jsonl").open("w") as out:
        for document in collection.documents():
            out.write(json.dumps({"id": document.docno, "contents": document.text}) + "\n")
    texts = [" ".join(text.split()) for text in collection.queries()["query"]]
    rounds = -(-1000 // len(texts))  # enough repetitions for a measurable pass
    (folder / "queries.tsv").write_text("".join(f"{i}\t{text}\n" for i, text in enumerate(texts * rounds)))
    index = _index(folder / "documents.jsonl", args.work / f"index-{name}")
    search.index_bm25s(index, folder / "documents.jsonl")
    rows = search.compare(index, folder / "queries.tsv", args.work, repeats=args.repeats, settings=((1000, 1), (10, 1)))
    return _search_section(f"{name}, {len(texts)} queries x {rounds}", rows, check=False)


def _large(args: argparse.Namespace, small: Path, small_index: Path) -> list[str]:
    folder = corpus.generate(args.work / f"passages-{args.large}", args.large)
    index = args.work / f"index-{args.large}"
    shutil.rmtree(index, ignore_errors=True)
    took = build.timed(build.ours(folder / "json", index, 2))
    lines = [
        f"\n## {args.large:,} passages\n",
        f"built in {took['wall']:.1f} s, {args.large / took['wall']:,.0f} documents/s",
    ]
    settings, routes = ((1000, 1), (10, 1)), ("irkit-wand", "irkit-auto")
    queries = small / "queries.tsv"
    for title, where in ((f"{args.documents:,}", small_index), (f"{args.large:,}", index)):
        rows = search.compare(where, queries, args.work, repeats=args.repeats, settings=settings, routes=routes)
        lines += [
            f"\nThe same 1,000 queries over {title} passages:\n",
            *_table(rows, ["route", "k", "threads", "qps", "cpu_ms"]),
        ]
    return lines


def _index(documents: Path, path: Path) -> Path:
    from irkit.io import read_documents
    from irkit.lucene import build_index

    if not path.is_dir():
        build_index(path, read_documents(documents), store_text=False).close()
    return path


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

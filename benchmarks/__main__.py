"""Run the benchmarks and write their table: `make bench` or `python -m benchmarks [--documents N] [--repeats N]`.

What is compared is measured in one run on one machine, peers taking turns; medians are reported.
`--write` puts the last table of every part into its page in `docs`. This process stays small: the kernel
counts what a process held when it started another as the other's memory, so all work is done in children.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.util import find_spec
from pathlib import Path

from benchmarks import search
from benchmarks.prepare import generate, index_engines, make_index, real_collection
from benchmarks.tables import ROOT, machine, table, versions
from benchmarks.turns import apart

PAGES = {
    "benchmarks.md": ["search", "frequent", "real", "feedback", "build", "startup", "boards"],
    "benchmarks-engines.md": ["engines", "where", "large"],
    "benchmarks-recommend.md": ["recommend"],
    "benchmarks-steps.md": ["steps", "processes"],
    "benchmarks-ray.md": ["shards", "ray-suites"],
    "benchmarks-serve.md": ["serve"],
}
PARTS = [part for parts in PAGES.values() for part in parts]
LEXICAL, ENGINES = ("pyserini", "bm25s", "numba"), ("pyterrier_pisa", "tantivy")
PEERS = {
    "search": LEXICAL,
    "frequent": LEXICAL[1:],
    "real": LEXICAL,
    "feedback": LEXICAL[:1],
    "build": LEXICAL[:1],
    "startup": LEXICAL[:1],
    "engines": ENGINES,
    "large": ENGINES,
    "recommend": ("scikit-surprise", "lenskit", "cornac", "implicit", "irspack"),
    "steps": ("torch",),
}
"What each part needs besides irkit."
LARGER, LARGEST = 1_000_000, 8_840_000
HEADS = {
    "benchmarks.md": """# Benchmarks

`make bench` prints these tables. Systems take turns within each pass, so ratios hold where a machine's speed drifts;
single figures do not.""",
    "benchmarks-engines.md": """# Search, timed beside PISA and tantivy

`make bench ARGS="--only engines where large --peers PYTHON"` prints these tables, with `--large` the last; PYTHON is
that of an environment with `pyterrier_pisa` and `tantivy`. Systems take turns within each pass. PISA's figures hold its
frame, as ours do where a frame is named; tantivy gives addresses alone. A ratio is of processor time.""",
    "benchmarks-recommend.md": """# Recommenders, timed

`make bench ARGS="--only recommend --peers PYTHON"` prints these tables; IRKIT_DATA names the folder that holds ml-100k,
PYTHON is that of an environment with scikit-surprise, lenskit, cornac, implicit and irspack. Systems take turns, on one
thread each.""",
    "benchmarks-steps.md": """# Training steps, by operation

`make bench ARGS="--only steps processes"` prints these tables. The first: operations that take 5 % and more of the
processor time of training, by torch's own names (`addmm` and `mm` are matrix products).""",
    "benchmarks-ray.md": """# Ray, timed

`make bench ARGS="--only shards ray-suites"` prints these tables; IRKIT_DATA names the folder that holds ml-100k,
cranfield and npl. Both engines of suites run in processes of one thread each, Ray in as many workers as there are
cores.""",
    "benchmarks-serve.md": """# The service under load

`make bench ARGS="--only serve"` prints these tables: a service over loopback, its clients on the same processors.""",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=300_000, help="size of the generated collection")
    parser.add_argument("--large", action="store_true", help=f"also with {LARGEST:,} documents; 20 GB of disk, an hour")
    parser.add_argument("--peers", nargs="+", default=[], help="interpreters of environments that have other toolkits")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    parser.add_argument("--write", action="store_true", help="write the pages of the parts that are run")
    parser.add_argument("--only", nargs="*", choices=PARTS)
    args = parser.parse_args()
    wanted = set(args.only or PARTS)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    args.work.mkdir(parents=True, exist_ok=True)
    searching = wanted - {"recommend", "steps", "processes", "ray-suites", "shards", "serve"}
    folder, index = sized(args, args.documents) if searching else (args.work, args.work)
    for part in PARTS:
        if part in wanted:
            title, *lines = SECTIONS[part](args, folder, index)
            about = f"Measured {date.today()} on {machine()}; "
            about += "one pass." if part == "serve" else f"{args.repeats} passes, medians, systems taking turns."
            about += _beside(args, part)
            text = "\n".join([f"## {title}", "", about, "", *lines])
            (args.work / f"{part}.md").write_text(text)
            print(f"{text}\n", flush=True)
    for page, parts in PAGES.items():
        if args.write and wanted & set(parts):
            texts = [path.read_text() for part in parts if (path := args.work / f"{part}.md").is_file()]
            (ROOT / "docs" / page).write_text("\n\n".join([HEADS[page], *texts]) + "\n")


def _peer(args: argparse.Namespace, part: str) -> Path | None:
    """Return the interpreter that has some of what a part is compared with."""
    return next((Path(python) for python in args.peers if versions(python, PEERS[part])), None)


def _beside(args: argparse.Namespace, part: str) -> str:
    """Say which versions a part is compared with."""
    found = versions(_peer(args, part) or sys.executable, PEERS.get(part, ()))
    return f"\nBeside {', '.join(found)}." if found else ""


def search_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    rows = search.compare(index, folder / "queries.tsv", args.work, repeats=args.repeats)
    found = search.bars(rows)
    lines = [f"Search, {args.documents:,} generated passages, 1,000 ordinary queries"]
    lines += table(rows, ["route", "k", "threads", "qps", "cpu_ms", "rss_mb"])
    return [*lines, "", *table(found, ["ratio", "measured", "wanted"])]


def frequent_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    routes = ("limit", "irkit-wand", "irkit-auto", "irkit-frame", "bm25s")
    rows = search.compare(index, folder / "frequent.tsv", args.work, repeats=args.repeats, routes=routes)
    found = search.bars(rows)
    lines = [f"Search, {args.documents:,} generated passages, 1,000 queries of five frequent words"]
    lines += table(rows, ["route", "k", "threads", "qps", "cpu_ms"])
    return [*lines, "", *table(found, ["ratio", "measured", "wanted"])]


def real_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
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
    return lines + table(rows, ["collection", "route", "k", "qps", "cpu_ms"])


def feedback_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import feedback

    rows = apart(feedback.compare_paths, index, folder, args.work, args.repeats)
    times = [row for row in rows if "ms" in row]
    lines = [
        f"Query models and feedback, {args.documents:,} generated passages",
        *table(times, ["figure", "cpu_ms", "ms", "peak_mb"]),
        "",
        *table([row for row in rows if "ratio" in row], ["figure", "ratio", "wanted"]),
        "\nLess loss ranks worse: the recipe `rfmf` from both starts\n",
    ]
    starts = []
    for name in ("cranfield", "cacm"):
        count = apart(real_collection, name, args.work)
        if isinstance(count, str):
            lines.append(f"{name}: {count}\n")
            continue
        own = apart(make_index, args.work / name / "documents.jsonl", args.work / f"index-{name}", False)
        starts += apart(feedback.compare_starts, name, own)
    return [*lines, *table(starts, ["collection", "start of RFMF", "AP", "P@10"])] if starts else lines


def build_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import build

    rows = build.compare(folder, args.documents, args.work, repeats=args.repeats)
    lines = [f"Index build, {args.documents:,} passages, 2 threads, no stored text"]
    lines += table(rows, ["system", "docs_per_s", "wall", "cpu", "mb", "rss_mb"])
    speed, spent = (rows[1][what] / rows[0][what] for what in ("wall", "cpu"))
    return [
        *lines,
        f"\nirkit / IndexCollection: {speed:.2f}x the speed (wanted >= 1.3), {spent:.2f}x by processor time",
    ]


def startup_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import startup

    query = (folder / "queries.tsv").open().readline().rstrip("\n").split("\t")[1]
    rows = startup.compare(index, query, repeats=args.repeats)
    ours, theirs = rows[-2], rows[-1]
    return [
        "Cold start: a fresh process each",
        *table(rows, ["command", "wall", "cpu", "rss_mb", "wanted"]),
        f"\nirkit search is {theirs['wall'] / ours['wall']:.1f}x faster than pyserini's import and search "
        f"(wanted >= 5) and takes {ours['rss_mb'] / theirs['rss_mb']:.2f}x its memory (wanted <= 0.35)",
    ]


def boards_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import boards

    rows = apart(boards.measure, index, folder, args.repeats)
    return [f"Experiments of {boards.QUERIES:,} queries and five systems", *table(rows, ["figure", "value", "wanted"])]


def engines_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    lines = ["Search beside PISA and tantivy, the same analysed tokens"]
    if _peer(args, "engines") is None:
        return [*lines, "left out: no --peers"]
    for documents in (args.documents, LARGER):
        passages, built = sized(args, documents)
        both = tuple((k, threads) for threads in (1, 2) for k in search.DEPTHS)
        lines += beside(args, passages, built, documents, both, args.repeats)
    return lines


def where_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import where

    lines = ["Where the time of a search goes"]
    for documents in (args.documents, LARGER):
        passages, built = sized(args, documents)
        rows = apart(where.measure, built, passages / "queries.tsv", args.repeats)
        cells = [{"us_a_query": "", "ns_a_posting": "", "number": "", **row} for row in rows]
        lines += [f"\n{documents:,} passages, 1,000 ordinary queries:\n"]
        lines += table(cells, ["part", "us_a_query", "ns_a_posting", "number"])
    return [*lines, "", where.ABOUT]


def beside(
    args: argparse.Namespace,
    folder: Path,
    index: Path,
    documents: int,
    settings: tuple[tuple[int, int], ...],
    repeats: int,
    kinds: tuple[str, ...] = ("queries", "frequent"),
) -> list[str]:
    """Time ordinary queries and those of frequent words on ours and on other engines."""
    peers = _peer(args, "engines")
    builds = apart(index_engines, folder, index, peers)
    lines = [f"\nBuilt {documents:,} passages from analysed tokens, one thread:\n"]
    lines += table(
        [{"system": name, **took} for name, took in builds.items()], ["system", "wall", "cpu", "mb", "rss_mb"]
    )
    for name in kinds:
        about = {"queries": "ordinary queries", "frequent": "queries of five frequent words"}[name]
        rows = search.compare(
            index, folder / f"{name}.tsv", args.work, repeats=repeats, settings=settings, routes=search.ENGINES,
            peers=peers,
        )  # fmt: skip
        found = search.beside_engines(rows)
        lines += [f"\n{documents:,} passages, 1,000 {about}:\n"]
        lines += table(rows, ["route", "k", "threads", "qps", "cpu_ms", "hits", "rss_mb"])
        lines += ["", *table(found, ["ratio", "measured", "wanted"])]
    return lines


def sized(args: argparse.Namespace, documents: int) -> tuple[Path, Path]:
    """Generate passages and index them, unless that is done."""
    folder = apart(generate, args.work / f"passages-{documents}", documents)
    return folder, apart(make_index, folder / "documents.jsonl", args.work / f"index-{documents}", documents < LARGER)


def large_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import build

    if not args.large:
        return ["A larger collection", "left out: no --large"]
    large = apart(generate, args.work / f"passages-{LARGEST}", LARGEST)
    built = args.work / f"index-{LARGEST}"
    shutil.rmtree(built, ignore_errors=True)
    took = build.timed(build.ours(large / "documents.jsonl", built, 2))
    lines = [f"{LARGEST:,} passages"]
    lines.append(
        f"built in {took['wall']:.0f} s ({took['cpu']:.0f} of processor, {took['rss_mb']:,.0f} MB of memory), "
        f"{LARGEST / took['wall']:,.0f} documents/s; {build.size(built):,.0f} MB on disk"
    )
    if _peer(args, "large") is not None:
        lines += beside(args, large, built, LARGEST, tuple((k, 1) for k in search.DEPTHS), 3, ("queries",))
    return lines


def recommend_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    if "IRKIT_DATA" not in os.environ:
        return ["Recommenders", "left out: no IRKIT_DATA"]
    from benchmarks import ratings

    with _one_thread():
        lines = apart(ratings.report, Path(os.environ["IRKIT_DATA"]), _peer(args, "recommend"), args.repeats)
    return ["Recommenders", *lines]


def steps_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    if "IRKIT_DATA" not in os.environ:
        return ["Training steps", "left out: no IRKIT_DATA"]
    from benchmarks import steps

    with _one_thread():
        rows = steps.measure(args.repeats)
    return [
        f"{steps.STEPS} steps, of recommenders one epoch",
        *table(rows, ["model", "data", "ms", "of", "operations"]),
    ]


def shards_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import shards

    passages = apart(generate, args.work / f"passages-{args.documents}", args.documents)
    built = {n: apart(shards.make, passages, args.work, n) for n in (None, *shards.SHARDS)}
    one, *several = (path for path, _ in built.values())
    same = apart(shards.equal, passages, one, dict(zip(shards.SHARDS, several, strict=True)))
    builds = [{"shards": n or "one index", "built in s": took} for n, (_, took) in built.items()]
    lines = [
        f"Shards, {args.documents:,} generated passages",
        *table(builds, list(builds[0])),
        f"\nBuilt with texts. Results of {len(shards.RECIPES)} recipes beside those of one index, to the bit:\n",
        *table(same, list(same[0])),
    ]
    if "IRKIT_DATA" in os.environ:
        rows = [row for name in shards.REAL for row in apart(shards.real, args.work, name)]
        lines += ["\nThe same on collections at hand:\n", *table(rows, list(rows[0]))]
    if find_spec("ray") is None:
        return [*lines, "\nleft out: actors, as there is no Ray"]
    with _one_thread():
        rows = apart(shards.timed, passages, one, several[0], args.repeats)
        each = apart(shards.latency, passages, one, dict(zip(shards.SHARDS, several, strict=True)))
        lost = apart(shards.killed, passages, several[0])
    return [
        *lines,
        "\nMilliseconds for 1,000 queries; actors have one thread each:\n",
        *table(rows, list(rows[0])),
        "",
        *table(shards.bars(rows), ["figure", "measured", "wanted"]),
        "\nQueries one at a time, ten hits each, actors of one thread on these cores:\n",
        *table(each, list(each[0])),
        "\nActors killed while they searched:\n",
        *table([lost], list(lost)),
    ]


def ray_suites_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    if "IRKIT_DATA" not in os.environ or find_spec("ray") is None:
        return ["Suites by Ray", "left out: no IRKIT_DATA, or no Ray"]
    from benchmarks import ray_suites

    with _one_thread():
        rows = apart(ray_suites.compare, args.repeats)
    return ["Suites by Ray", *table(rows, ["figure", "local_s", "ray_s", "same", "wanted"])]


def processes_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    if "IRKIT_DATA" not in os.environ:
        return ["Training across processes", "left out: no IRKIT_DATA"]
    from benchmarks import processes

    rows = processes.measure(args.repeats)
    return [
        "Training steps, two threads of one process or two processes",
        *table(rows, ["model", "processes x threads", "ms a step", "cpu ms", "s around"]),
    ]


def serve_section(args: argparse.Namespace, folder: Path, index: Path) -> list[str]:
    from benchmarks import serve

    passages = apart(generate, args.work / f"passages-{args.documents}", args.documents)
    built = apart(make_index, passages / "documents.jsonl", args.work / f"index-{args.documents}", False)
    busy = os.getloadavg()[0]
    parts = apart(serve.alone, built, passages / "queries.tsv")
    rows, bars = apart(serve.measure, built, passages / "queries.tsv")
    return [
        f"The service, {args.documents:,} generated passages",
        *table(rows, ["load", "clients", "answered", "away", "answers/s", "p50 ms", "p99 ms"]),
        "",
        *table(bars, ["figure", "measured", "wanted"]),
        "\nOne search without the service:\n",
        *table(parts, ["part", "p50 ms", "p99 ms"]),
        f"\nLoad average before and after: {busy:.1f} and {os.getloadavg()[0]:.1f}; "
        "what else runs takes from all figures.",
    ]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes started meanwhile compute on one thread."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ |= dict.fromkeys(names, "1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


SECTIONS = {
    "search": search_section,
    "frequent": frequent_section,
    "engines": engines_section,
    "where": where_section,
    "real": real_section,
    "feedback": feedback_section,
    "build": build_section,
    "startup": startup_section,
    "boards": boards_section,
    "large": large_section,
    "recommend": recommend_section,
    "steps": steps_section,
    "shards": shards_section,
    "ray-suites": ray_suites_section,
    "processes": processes_section,
    "serve": serve_section,
}


if __name__ == "__main__":
    main()

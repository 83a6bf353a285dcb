"""What an experiment spends outside retrieval, and what its report weighs: 10,000 queries, five systems.

Run by `python -m benchmarks --only boards`. Retrieval is the time of the stages themselves; all else is outside:
measures, intervals, tests, tables, and the report as a page, Markdown and JSON.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from irkit.evaluate.board import Board, Result
    from irkit.lucene import Index
    from irkit.pipeline import Stage

QUERIES = 10_000
MEASURES = "AP nDCG@10 RR@10 P@10 R@1000"
POOL = 20
"Documents judged of each query, beside the one it was drawn from."
RESEARCH = "what a researcher runs, k=1000"


def measure(index_path: Path, folder: Path, repeats: int, queries: int = QUERIES) -> list[dict[str, Any]]:
    """Time experiments in turns; rows of figure, value and what is wanted: medians over repeats."""
    from irkit.io import read_qrels, read_queries
    from irkit.lucene import Index

    index = Index.open(index_path)
    judge(index, folder, queries)
    topics = read_queries(folder / f"boards-{queries}.tsv"), read_qrels(folder / f"boards-{queries}.qrels")
    experiments = {
        RESEARCH: research(index),
        "BM25 with five settings, k=1000": plain(index, 1000),
        "BM25 with five settings, k=10": plain(index, 10),
    }
    took: dict[str, list[dict[str, float]]] = {name: [] for name in experiments}
    with tempfile.TemporaryDirectory() as scratch:
        for repeat in range(repeats + 1):
            for name, systems in experiments.items():
                found = once(systems, *topics, Path(scratch) / name)
                if repeat:  # the first round compiles
                    took[name].append(found)
        medians = {
            name: {key: statistics.median(one[key] for one in runs) for key in runs[0]} for name, runs in took.items()
        }
        page = Path(scratch) / RESEARCH / "boards.html"
        rows = [row for name, figures in medians.items() for row in _rows(name, figures)]
        rows.append({"figure": "page, MB", "value": page.stat().st_size / 1e6, "wanted": "< 5"})
        rows.append({"figure": "page, seconds to open in Chromium", "value": opened(page, repeats), "wanted": "< 2"})
    return rows


def judge(index: Index, folder: Path, queries: int) -> None:
    """Write queries and judgements of them, unless they are there.

    A query holds 3 to 8 words of one document, as the generator's own do, and that document is graded 3. What BM25
    finds first is judged too, and by chance graded 1 or 2, the less often the further down.
    """
    from irkit.io import read_documents
    from irkit.pipeline import Retrieve

    judged = folder / f"boards-{queries}.qrels"
    if judged.is_file():
        return
    rng = np.random.default_rng(11)
    asked = set(np.linspace(0, len(index.docnos) - 1, queries).astype(int).tolist())
    drawn: dict[str, tuple[str, str]] = {}
    for row, document in enumerate(read_documents(folder / "documents.jsonl")):
        if row in asked:
            words = rng.choice(document.text.rstrip(".").split(), int(rng.integers(3, 9)))
            drawn[f"Q{len(drawn):05d}"] = document.docno, " ".join(words)
    (folder / f"boards-{queries}.tsv").write_text("".join(f"{qid}\t{text}\n" for qid, (_, text) in drawn.items()))
    found = Retrieve(index=index, n=POOL)({qid: text for qid, (_, text) in drawn.items()})
    chance = rng.random(len(found)) * (1 + found["rank"].to_numpy())
    labels = (chance < 1).astype(int) + (chance < 0.3)
    grades = dict(zip(zip(found["qid"], found["docno"], strict=True), labels.tolist(), strict=True))
    grades |= {(qid, docno): 3 for qid, (docno, _) in drawn.items()}
    judged.write_text("".join(f"{qid} 0 {docno} {grade}\n" for (qid, docno), grade in grades.items()))


def research(index: Index) -> dict[str, Stage]:
    """Return what a researcher would run: five systems, two of which share a part with another."""
    from irkit.recipe import load_recipe

    names = {"bm25": "bm25", "ql-dirichlet": "ql-dirichlet", "bm25-rm3": "bm25-rm3", "rrf": "rrf-bm25-ql"}
    systems = {name: load_recipe(recipe).build(index=index) for name, recipe in names.items()}
    return {**systems, "bm25-long": _bm25(index, 1.2, 0.75, 1000)}


def plain(index: Index, k: int) -> dict[str, Stage]:
    """Return BM25 with five settings: hardly any work in retrieval."""
    return {f"bm25-{b}": _bm25(index, 0.9, b, k) for b in (0.4, 0.2, 0.3, 0.5, 0.6)}


def _bm25(index: Index, k1: float, b: float, k: int) -> Stage:
    from irkit.pipeline import Retrieve

    return Retrieve(index=index, model="bm25", k1=k1, b=b, n=k)


def once(systems: Mapping[str, Stage], queries: Any, qrels: Any, folder: Path) -> dict[str, float]:
    """Run an experiment, print it and write its report; return seconds of all and of retrieval, and peak memory."""
    from irkit.evaluate import experiment, plan
    from irkit.evaluate.memory import peak_memory_mb, reset_peak
    from irkit.report import write_report

    run = plan._run
    stages: list[dict[str, float]] = []
    peaks: list[float] = []

    def timed(*arguments: Any) -> Any:
        start = _now()
        found = run(*arguments)
        stages.append(_since(start))
        return found

    def peak_kept() -> bool:
        """An experiment sets the mark of memory back before each stage: note first how high it stood."""
        peaks.append(peak_memory_mb())
        return reset_peak()

    folder.mkdir(exist_ok=True)
    reset_peak()
    start = _now()
    with patch.object(plan, "_run", timed), patch.object(plan, "reset_peak", peak_kept):
        found = experiment(dict(systems), queries, qrels, MEASURES, baseline=next(iter(systems)))
    str(found)
    write_report(_result(found.to_board(data="generated passages")), folder)
    whole = _since(start)
    retrieval = {name: sum(stage[name] for stage in stages) for name in whole}
    return {
        **{f"retrieval {name}": seconds for name, seconds in retrieval.items()},
        **{f"outside {name}": seconds - retrieval[name] for name, seconds in whole.items()},
        "peak": max(*peaks, peak_memory_mb()),
    }


def opened(page: Path, repeats: int) -> float | str:
    """Return the median of seconds that a headless Chromium takes to open a page and draw its charts."""
    from tests.report.chromium import Browser, chromium

    path = chromium()
    if path is None:
        return "left out: no Chromium"
    took = []
    with Browser(path) as browser:
        for _ in range(repeats):
            start = time.perf_counter()
            browser.open(page)
            took.append(time.perf_counter() - start)
    return statistics.median(took)


def _rows(name: str, found: dict[str, float]) -> list[dict[str, Any]]:
    wanted = "< 20" if name == RESEARCH else ""
    share = {kind: 100 / (1 + found[f"retrieval {kind}"] / found[f"outside {kind}"]) for kind in ("wall", "cpu")}
    return [
        {"figure": f"{name}: outside retrieval, % of the time", "value": share["wall"], "wanted": wanted},
        {"figure": f"{name}: outside retrieval, % of processor time", "value": share["cpu"], "wanted": wanted},
        {"figure": f"{name}: in retrieval, seconds of processor", "value": found["retrieval cpu"], "wanted": ""},
        {"figure": f"{name}: outside retrieval, seconds of processor", "value": found["outside cpu"], "wanted": ""},
        {"figure": f"{name}: peak memory, MB", "value": found["peak"], "wanted": ""},
    ]


def _result(board: Board) -> Result:
    from irkit.evaluate.board import Machine, Result

    unsaid = dict.fromkeys(("about", "date", "irkit", "code", "command"), "")
    machine = Machine(cpu="", cores=1, python="", platform="")
    return Result(suite="boards", machine=machine, seed=42, boards=[board], **unsaid)


def _now() -> dict[str, float]:
    return {"wall": time.perf_counter(), "cpu": time.process_time()}


def _since(start: dict[str, float]) -> dict[str, float]:
    return {name: now - start[name] for name, now in _now().items()}

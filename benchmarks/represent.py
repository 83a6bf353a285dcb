"""Representations of documents, timed: training, encoding and decomposition beside their peers; search: `dense.py`.

    python -m benchmarks.represent [--only words tokens encode lsa] [--large] [--repeats N] [--write]

Systems take turns, each in a process of its own with one thread; medians are reported. Without `--large` sizes are a
tenth of those of the tables.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import passes, texts
from benchmarks.tables import ROOT, machine, table
from benchmarks.turns import apart, take_turns

SOFTMAXES = ("full", "tree", "sampled")
VOCABULARIES = (2_000, 10_000, 50_000)
EXACT = 1e-3
"Largest relative error of a singular value for two decompositions to be called equally good."


@dataclass(frozen=True)
class Sizes:
    """What is measured how large."""

    passages: int = 300_000
    "Generated, and decomposed by LSA."
    encoded: int = 100_000
    seconds: float = 3.0
    "CPU-seconds of a training."
    terms: int = 50_000
    "Vocabulary of LSA and of encoding."
    dimensions: int = 100
    hidden: tuple[int, ...] = (50, 200)
    vocabularies: tuple[int, ...] = VOCABULARIES


HEAD = """# Representations, timed

`python -m benchmarks.represent --large` prints these tables. Systems take turns, so ratios hold where a machine's speed
drifts; single figures do not. Texts are generated: Zipfian, topical passages of about 59 words."""

SMALL = Sizes(30_000, 10_000, seconds=0.5)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.represent", description=__doc__.split("\n")[0])
    parser.add_argument("--large", action="store_true", help="the sizes of the tables, not a tenth of them")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "work")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks-represent.md")
    parser.add_argument("--only", nargs="*", choices=SECTIONS)
    args = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    sizes = Sizes() if args.large else SMALL
    args.work.mkdir(parents=True, exist_ok=True)
    path = apart(texts.number, args.work, sizes.passages)
    kept = args.work / ("represent" if args.large else "represent-small")
    kept.mkdir(exist_ok=True)
    for name, section in SECTIONS.items():
        if name in (args.only or SECTIONS):
            title, *lines = section(path, sizes, args.repeats)
            about = f"Measured {date.today()} on {machine()}; one thread each, medians of {args.repeats}."
            text = "\n".join([f"## {title}", "", about, "", *lines])
            (kept / f"{name}.md").write_text(text)
            print(f"{text}\n", flush=True)
    if args.write:
        places = [kept / f"{name}.md" for name in (*SECTIONS, "search")]  # the last by benchmarks.dense --keep
        parts = [place.read_text() for place in places if place.is_file()]
        (ROOT / "docs" / "benchmarks-represent.md").write_text("\n\n".join([HEAD, *parts]) + "\n")


def words_section(path: Path, sizes: Sizes, repeats: int) -> list[str]:
    """DocNADE by softmax, hidden units and vocabulary."""
    rows = []
    for vocabulary in sizes.vocabularies:
        for hidden in sizes.hidden:
            systems = {
                softmax: (
                    passes.training,
                    (path, "DocNADE", {"softmax": softmax, "hidden_size": hidden}, vocabulary, sizes.seconds, True),
                )
                for softmax in SOFTMAXES
            }
            found = take_turns(systems, repeats)
            rates = {name: _figure(one, "rate") for name, one in found.items()}
            rows.append({"vocabulary": f"{vocabulary:,}", "hidden units": hidden, **rates})
    at = {(row["vocabulary"], row["hidden units"], softmax): row[softmax] for row in rows for softmax in SOFTMAXES}
    bars = [
        ("full softmax, 2,000 words, 200 hidden units", at.get(("2,000", 200, "full")), 30_000),
        ("tree, 2,000 words, 50 hidden units", at.get(("2,000", 50, "tree")), 200_000),
    ]
    return [
        "Training of DocNADE, words per CPU-second",
        *table(rows, ["vocabulary", "hidden units", *SOFTMAXES]),
        "",
        *_wanted("words per CPU-second", bars),
    ]


def tokens_section(path: Path, sizes: Sizes, repeats: int) -> list[str]:
    """Language models with the fused loss and with torch's."""
    vocabulary = min(10_000, max(sizes.vocabularies))
    models: dict[str, tuple[str, dict[str, Any]]] = {
        "RNNLM": ("RNNLM", {"carry": True}),
        "TopicRNN, vocabulary switch": ("TopicRNN", {"carry": True, "switch": "vocab"}),
        "TopicRNN, position switch": ("TopicRNN", {"carry": True, "switch": "position"}),
    }
    rows = []
    for name, (kind, settings) in models.items():
        systems = {
            loss: (passes.training, (path, kind, settings, vocabulary, sizes.seconds, loss == "fused"))
            for loss in ("fused", "torch")
        }
        found = take_turns(systems, repeats)
        rows.append({"model": name, **{loss: _figure(one, "rate") for loss, one in found.items()}})
    bars = [(row["model"], row["fused"], 5_000) for row in rows if row["model"] != "RNNLM"]
    return [
        f"Training of language models, tokens per CPU-second: GRU of 100 units, {vocabulary:,} words, 50 topics",
        "`fused` is irkit's linear layer and cross-entropy in one, `torch` the same by `linear` and `cross_entropy`.",
        "",
        *table(rows, ["model", "fused", "torch"]),
        "",
        *_wanted("tokens per CPU-second", bars),
    ]


def encode_section(path: Path, sizes: Sizes, repeats: int) -> list[str]:
    """Bags into vectors."""
    taught = max(2_000, sizes.dimensions + 1)
    settings = {
        "LSA": ("LSA", {"dimensions": sizes.dimensions}),
        "DocNADE": ("DocNADE", {"hidden_size": 200, "softmax": "tree"}),
        "DocNADE, idf-weighted": ("DocNADE", {"hidden_size": 200, "softmax": "tree", "aggregate": "idf"}),
    }
    found = take_turns(
        {
            name: (passes.encoding, (path, kind, given, sizes.terms, sizes.encoded, taught))
            for name, (kind, given) in settings.items()
        },
        repeats,
    )
    rows = [
        {
            "model": name,
            "dimensions": one["size"],
            "documents/s": sizes.encoded / one["wall"],
            "CPU s": one["cpu"],
            "MB before": one["held_mb"],
            "MB at most": one["peak_mb"],
        }
        for name, one in found.items()
        if isinstance(one, dict)
    ]
    dense = sizes.encoded * sizes.terms * 4 / 2**20
    return [
        f"Encoding {sizes.encoded:,} documents of {sizes.terms:,} terms, counts to vectors",
        f"All counts as one array would take {dense:,.0f} MB.",
        "",
        *table(rows, ["model", "dimensions", "documents/s", "CPU s", "MB before", "MB at most"]),
    ]


def lsa_section(path: Path, sizes: Sizes, repeats: int) -> list[str]:
    """The decomposition beside scikit-learn's and gensim's."""
    systems = {
        name: (passes.decomposition, (path, name, sizes.terms, sizes.passages, sizes.dimensions))
        for name in ("irkit", *passes.PEERS)
    }
    found = take_turns(systems, min(repeats, 3), warm=False)
    done = {name: one for name, one in found.items() if isinstance(one, dict)}
    errors = {name: largest_error(one["values"], done["irkit"]["values"]) for name, one in done.items()}
    rows = [
        {
            "system": name,
            "seconds": one["wall"],
            "CPU s": one["cpu"],
            "MB before": one["held_mb"],
            "MB at most": one["peak_mb"],
            "largest error": f"{errors[name]:.0e}",
        }
        for name, one in done.items()
    ]
    left = [f"- {name}: {one}" for name, one in found.items() if not isinstance(one, dict)]
    fastest = min(
        (one["wall"] for name, one in done.items() if name != "irkit" and errors[name] <= EXACT), default=None
    )
    bar = "no peer is as exact"
    if fastest is not None:
        bar = f"irkit / the fastest that errs by {EXACT:g} or less: {done['irkit']['wall'] / fastest:.2f}x the time"
    return [
        f"LSA of {sizes.passages:,} documents of {sizes.terms:,} terms, {sizes.dimensions} dimensions",
        "The peers get the weighted matrix; irkit gets documents, and its time has the counts and weights in it. The "
        "error is that of a singular value, relative to irkit's, which are exact.",
        "",
        *table(rows, ["system", "seconds", "CPU s", "MB before", "MB at most", "largest error"]),
        *left,
        "",
        bar,
    ]


def largest_error(values: list[float], exact: list[float]) -> float:
    """Return the largest relative difference of singular values."""
    return max(abs(one - other) / other for one, other in zip(values, exact, strict=True))


SECTIONS: dict[str, Callable[[Path, Sizes, int], list[str]]] = {
    "words": words_section,
    "tokens": tokens_section,
    "encode": encode_section,
    "lsa": lsa_section,
}


def _figure(found: dict[str, Any] | str, name: str) -> Any:
    """Return a figure of a system, or why it is left out."""
    return found if isinstance(found, str) else found[name]


def _wanted(what: str, bars: list[tuple[str, Any, int]]) -> list[str]:
    rows = [
        {what: name, "measured": value, "wanted": f">= {least:,}"}
        for name, value, least in bars
        if isinstance(value, float)
    ]
    return table(rows, [what, "measured", "wanted"]) if rows else []


if __name__ == "__main__":
    main()

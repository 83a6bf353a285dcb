"""Made-up results for the tests of reports: the shape is real, every number comes from a seed."""

from __future__ import annotations

import numpy as np

NAMES = [
    ("bm25", "Okapi BM25 with Lucene's defaults.", 0.42),
    ("ql-dirichlet", "Query likelihood, Dirichlet smoothing.", 0.97),
    ("ql-jelinek-mercer", "Query likelihood, linear smoothing.", 0.91),
    ("tfidf", "Cosine of tf-idf vectors.", 0.38),
    ("rrf", "BM25 and query likelihood, fused by reciprocal rank.", 1.52),
    ("bm25-passages", "BM25 over passages; the best passage counts.", 3.9),
    ("eqe1", "Query likelihood, expanded with EQE1.", 14.2),
    ("rfmf", "Feedback by matrix factorisation.", 61.0),
]


WHITE_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR42mP4/5/h/38AC/oD/f1NxGYAAAAASUVORK5CYII="
WHITE_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9" fill="#fff"/></svg>'
)


def toy_result(systems: int = 8, queries: int = 50, measures: tuple[str, ...] = ("AP", "nDCG@10", "P@10")) -> dict:
    """Return a result with two boards; the second has no costs, no significance and fewer systems."""
    return {
        "schema": 1,
        "suite": "toy",
        "about": "Made-up numbers that show what a report looks like.",
        "date": "2026-11-21",
        "irkit": "0.1.0",
        "code": "3f9a1c0d5be247c68f12",
        "machine": {"cpu": "Toy CPU at 2.0 GHz", "cores": 2, "python": "3.11.7", "platform": "Linux"},
        "seed": 42,
        "command": "irkit leaderboard toy",
        "boards": [
            toy_board("lee", systems, queries, measures, seed=1),
            {**toy_board("cranfield", 3, 30, measures[:1], seed=2, costs=False), "baseline": None, "notes": []},
        ],
    }


def tiny_result(*systems: dict, measures: tuple[str, ...] = ("AP",), **board: object) -> dict:
    """Return a result with one board and the given systems; the first is the baseline."""
    whole = {
        "collection": "lee",
        "about": "",
        "data_hash": "",
        "documents": 350,
        "queries": 1,
        "split": None,
        "measures": list(measures),
        "baseline": systems[0]["name"] if systems else None,
        "test": "paired t",
        "correction": "Holm",
        "interval": "95 % bootstrap",
        "notes": [],
        "systems": list(systems),
    }
    return {**toy_result(systems=1, queries=2), "boards": [whole | board]}


def tiny_system(name: str, measures: dict[str, dict], **changes: object) -> dict:
    """Return a system with some statistics of each measure; the others are unknown."""
    unknown = dict.fromkeys(("delta", "p", "p_corrected", "p_wilcoxon", "p_randomisation", "robustness"))
    plain = {"low": 0.0, "high": 1.0, "wins": 0, "ties": 0, "losses": 0, **unknown}
    system = {
        "name": name,
        "about": "",
        "recipe": "",
        "recipe_hash": "",
        "recipe_yaml": "",
        "command": "",
        "measures": {measure: plain | cell for measure, cell in measures.items()},
        "ms_per_query": None,
        "peak_memory_mb": None,
        "notes": [],
        "per_query": {measure: {} for measure in measures},
    }
    return system | changes


def density_result() -> dict:
    """Return a result with a board of density models: an exact value, a bound above it and an estimate below."""
    cells = {
        "independent": {"mean": -25.5, "kind": "exact"},
        "exact": {"mean": -19.25, "delta": 6.25, "p_corrected": 0.001, "kind": "exact"},
        "bound": {"mean": -19.125, "delta": 6.375, "p_corrected": 0.001, "kind": "lower_bound", "stderr": 0.0625},
        "loose": {"mean": -26.0, "delta": -0.5, "p_corrected": 0.001, "kind": "lower_bound", "stderr": 1e-6},
        "sampled": {"mean": -21.5, "delta": 4.0, "p_corrected": 0.001, "kind": "estimate", "stderr": 0.25, "ess": 0.2},
    }
    systems = [
        tiny_system(name, {"log p": cell}, fit_seconds=2.5, parameters=6464, ms_per_query=0.5)
        for name, cell in cells.items()
    ]
    board = {"kind": "density", "collection": "digits", "documents": 1297, "queries": 250, "split": "threshold"}
    return tiny_result(*systems, measures=("log p",), **board)


def picture(name: str, **changes: str) -> dict:
    """Return a picture of a system: a white square, as PNG or SVG."""
    if name == "samples":
        return {"name": name, "caption": "White.", "media": "image/png", "content": WHITE_PNG, **changes}
    return {"name": name, "caption": "White.", "media": "image/svg+xml", "content": WHITE_SVG, **changes}


def gallery_result() -> dict:
    """Return a result with pictures of three density models, the last of which is the best."""
    samples, curve = picture("samples"), picture("learning curve")
    systems = [
        tiny_system("none", {"log p": {"mean": -25.0}}),
        tiny_system("plain", {"log p": {"mean": -20.5}}, figures=[samples, curve]),
        tiny_system(
            "left", {"log p": {"mean": -21.0}}, figures=[samples, picture("latent plane", caption="91.0 %."), curve]
        ),
        tiny_system("right", {"log p": {"mean": -19.0}}, figures=[picture("latent plane", caption="93.0 %.")]),
    ]
    return tiny_result(*systems, measures=("log p",), kind="density", collection="mnist")


def toy_board(
    collection: str, systems: int, queries: int, measures: tuple[str, ...], *, seed: int, costs: bool = True
) -> dict:
    rng = np.random.default_rng(seed)
    easy = rng.beta(2, 3, size=queries)
    names = [
        NAMES[i] if i < len(NAMES) else (f"system-{i:02d}", "", float(rng.lognormal(1, 2))) for i in range(systems)
    ]
    values = {}  # (system, measure) -> (queries,)
    for number, (name, _, _) in enumerate(names):
        for measure in measures:
            noise = rng.normal(0.012 * (number % 7) - 0.02, 0.08 if number else 0.0, size=queries)
            noise[rng.random(queries) < 0.25] = 0.0
            values[name, measure] = np.clip(easy + noise, 0, 1).round(4)
    return {
        "collection": collection,
        "about": f"A toy board called {collection}.",
        "data_hash": "c0ffee5eed",
        "documents": 350,
        "queries": queries,
        "split": None,
        "measures": list(measures),
        "baseline": "bm25",
        "test": "paired t",
        "correction": "Holm",
        "interval": "95 % bootstrap",
        "notes": ["Every number on this board is made up."],
        "systems": [
            {
                "name": name,
                "about": about,
                "recipe": name,
                "recipe_hash": f"{number:016x}",
                "recipe_yaml": f"name: {name}\nneeds: [index]\nstages:\n  - {{use: lucene, model: {name}, n: 1000}}\n",
                "command": f"irkit run {name} {collection}",
                "measures": {m: toy_cell(values[name, m], values["bm25", m], rng) for m in measures},
                "ms_per_query": ms if costs else None,
                "peak_memory_mb": 310.0 + 12 * number if costs else None,
                "notes": ["Fitted on the training split."] if name == "rfmf" else [],
                "per_query": {m: {str(q + 1): float(v) for q, v in enumerate(values[name, m])} for m in measures},
            }
            for number, (name, about, ms) in enumerate(names)
        ],
    }


def toy_cell(own: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> dict:
    """Return the statistics of one measure, with an invented but plausible p."""
    difference = own - other
    spread = 1.96 * own.std() / np.sqrt(len(own))
    baseline = not difference.any()
    error = difference.std() / np.sqrt(len(own)) or 1.0
    p = None if baseline else float(np.exp(-((difference.mean() / error) ** 2) / 1.5))
    return {
        "mean": float(own.mean()),
        "low": float(own.mean() - spread),
        "high": float(own.mean() + spread),
        "delta": float(difference.mean()),
        "p": p,
        "p_corrected": None if p is None else min(1.0, 3 * p),
        "p_wilcoxon": None if p is None else min(1.0, 1.1 * p),
        "p_randomisation": None if p is None else min(1.0, 0.9 * p),
        "wins": int((difference > 0).sum()),
        "ties": int((difference == 0).sum()) if not baseline else 0,
        "losses": int((difference < 0).sum()),
        "robustness": float(np.sign(difference).mean()),
    }

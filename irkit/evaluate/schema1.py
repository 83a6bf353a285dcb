"""Result files of schema 1, which had one set of words for boards of all kinds, put into those of schema 2."""

from __future__ import annotations

import re
from typing import Any

# Kind of board -> kind of task, what there is much of, what values are paired over, what a time is for one of.
_WORDS = {
    "retrieval": ("retrieval", ("document", "documents"), ("query", "queries"), "query"),
    "ratings": ("ratings", ("item", "items"), ("user", "users"), "pair"),
    "top-n": ("top-n", ("item", "items"), ("user", "users"), "user"),
    "density": ("likelihood", ("training row", "training rows"), ("test row", "test rows"), "row"),
}
_LOWER = {"rmse", "mse", "mae", "perplexity", "ppl", "nats", "bits", "bpc", "nll", "loss"}


def upgraded(result: dict[str, Any]) -> dict[str, Any]:
    """Return plain values of schema 1 as those of schema 2; every number stays."""
    return {**result, "schema": 2, "boards": [_board(board) for board in result["boards"]]}


def lower_is_better(measure: str) -> bool:
    """Tell from a measure's name whether small values are good, which files of schema 1 do not say.

    Examples
    --------
    >>> [lower_is_better(name) for name in ("RMSE (cold users)", "nats per word", "nDCG@10", "ERR@20")]
    [True, True, False, False]
    """
    return not _LOWER.isdisjoint(re.findall(r"[a-z]+", measure.lower()))


def _board(board: dict[str, Any]) -> dict[str, Any]:
    kind, things, units, timed = _WORDS[board.get("kind", "retrieval")]
    counts = [(board["documents"], things), (board["queries"], units)]
    condition = "binarised by" if kind == "likelihood" else "split"
    moved = ("kind", "collection", "documents", "queries", "split", "measures", "systems")
    return {
        **{key: value for key, value in board.items() if key not in moved},
        "kind": kind,
        "data": board["collection"],
        "sizes": [{"number": n, "one": one, "many": many} for n, (one, many) in counts if n is not None],
        "timed": timed,
        "each": "each user's own " if kind == "ratings" else "",
        "conditions": {condition: board["split"]} if board["split"] else {},
        "measures": [_measure(name, kind) for name in board["measures"]],
        "rows": [_row(system) for system in board["systems"]],
    }


def _measure(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "lower": lower_is_better(name), "unit": "nats" if kind == "likelihood" else ""}


def _row(system: dict[str, Any]) -> dict[str, Any]:
    names = {"measures": "cells", "per_query": "values", "ms_per_query": "milliseconds"}
    return {names.get(key, key): value for key, value in system.items()}

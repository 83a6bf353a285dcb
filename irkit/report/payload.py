"""What the scripts of a page draw and copy, as JSON-able values; queries are columns to keep it small."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from irkit.evaluate.looks import COMMON, FIRST, Looks
from irkit.report import publish
from irkit.report.view import Board, Cell, Report, System

MILLION = 1_000_000
UNKNOWN = 0xFFFFFF


def payload(report: Report) -> dict[str, Any]:
    """Return it for every board."""
    return {"boards": [_board(board) for board in report.boards]}


def _board(board: Board) -> dict[str, Any]:
    qids = _qids(board)
    return {
        "title": board.title,
        "interval": board.interval,
        "words": {"query": board.unit[0], "queries": board.unit[1], "cost": board.timed, "value": board.each},
        "measures": [
            {"name": m.name, "lower": m.lower, "digits": m.digits, "possible": m.possible} for m in board.measures
        ],
        "qids": qids,
        "systems": [_system(system, board, qids) for system in board.systems],
        "looks": None if board.looks is None else _looks(board.looks, board, qids),
        "copies": {"latex": publish.latex(board), "csv": publish.csv(board), "markdown": publish.markdown(board)},
    }


def _system(system: System, board: Board, qids: list[str]) -> dict[str, Any]:
    cells = [system.cells[measure.name] for measure in board.measures]
    return {
        "name": system.name,
        "baseline": system.baseline,
        "ms": system.milliseconds,
        "range": system.milliseconds_range,
        "cells": [[cell.mean, *ends(cell)] for cell in cells],
        "signs": [cell.sign for cell in cells],
        "curves": [[line.panel, line.name, line.unit, line.x, line.y] for line in system.curves],
        "perQuery": [column(system.values[measure.name], qids) for measure in board.measures],
    }


def column(values: Mapping[str, float], qids: list[str]) -> list[float | None] | str | None:
    """Return values in the order of `qids` with six digits; None where nothing was measured.

    Values that are whole numbers of millionths, as those between 0 and 1 are, are packed where that is shorter: three
    bytes each, the highest first, 0xFFFFFF for an unknown one, in base 64. Result files keep as many digits.

    Examples
    --------
    >>> column({"1": 0.5, "2": 1.0}, ["1", "2", "3"])
    [0.5, 1, None]
    >>> column({"1": 0.123456, "2": 0.654321}, ["1", "2", "3"])
    'AeJACfvx////'
    """
    if not values:
        return None
    found = [values.get(qid) for qid in qids]
    plain = [None if value is None else _short(float(f"{value:.6g}")) for value in found]
    whole = [UNKNOWN if value is None else round(value * MILLION) for value in found]
    known = [number for number, value in zip(whole, found, strict=True) if value is not None]
    if 4 * len(qids) < len(json.dumps(plain, separators=(",", ":"))) and min(known) >= 0 and max(known) < UNKNOWN:
        return base64.b64encode(b"".join(number.to_bytes(3, "big") for number in whole)).decode()
    return plain


def ends(cell: Cell) -> tuple[float, float]:
    """Return the ends of an interval; where there is none, the mean twice, which draws none."""
    return (cell.mean, cell.mean) if cell.low is None or cell.high is None else (cell.low, cell.high)


def _short(value: float) -> float:
    return int(value) if value.is_integer() else value


def _looks(looks: Looks, board: Board, qids: list[str]) -> dict[str, Any]:
    names = [system.name for system in board.systems]
    return {
        "first": FIRST,
        "common": sorted(COMMON),
        "texts": [looks.texts.get(qid, "") for qid in qids],
        "details": {
            qid: {
                "docs": [[one.docno, one.label, one.passage] for one in look.documents],
                "lists": [look.found.get(name) for name in names],
                "why": {names.index(name): trails for name, trails in look.why.items() if name in names},
            }
            for qid, look in looks.details.items()
        },
    }


def _qids(board: Board) -> list[str]:
    """Return every query of a board once, in order of first appearance."""
    seen: dict[str, None] = {}
    for system in board.systems:
        for values in system.values.values():
            seen.update(dict.fromkeys(values))
    return list(seen)

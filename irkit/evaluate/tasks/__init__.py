"""The kinds of tasks, by the field of a suite that names what is measured on."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irkit.evaluate.tasks.task import TaskChoice

TASKS = {
    "collections": "irkit.evaluate.tasks.retrieval:CollectionChoice",
    "ratings": "irkit.evaluate.tasks.ratings:RatingsChoice",
    "density": "irkit.evaluate.tasks.likelihood:DataChoice",
}
"What a suite's field stands for, `module:Class`; plug-ins add theirs by the entry points `irkit.tasks`."


def task_fields() -> list[str]:
    """Return the fields of a suite that name what is measured on."""
    return [*TASKS, *_plugins()]


def task_kind(field: str) -> type[TaskChoice]:
    """Import what a suite says of a task of some kind."""
    module, _, kind = {**_plugins(), **TASKS}[field].partition(":")
    found: type[TaskChoice] = getattr(importlib.import_module(module), kind)
    return found


def _plugins() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {one.name: one.value for one in entry_points(group="irkit.tasks")}

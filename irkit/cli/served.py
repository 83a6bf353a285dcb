"""What the commands that serve have in common: what is served and its bounds, as options with the same meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from cyclopts import Parameter

from irkit.cli.numbers import MaybeWhole
from irkit.cli.printing import counted
from irkit.cli.ratings import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from irkit.serve.library import Library
    from irkit.serve.limits import Limits


@dataclass(frozen=True)
class ServedOptions:
    """What is served."""

    index: list[str] | None = None
    """An index folder, or a collection whose index is built on first use, perhaps as NAME=FOLDER; may be repeated."""
    ratings: str | None = None
    """A collection or file of ratings, for recipes of recommenders."""
    load: list[Path] | None = None
    """A recommender that irkit recommend --save wrote, named like its file; may be repeated."""
    vectors: str | None = None
    """Word vectors for recipes that need them: a file, trained:ppmi-svd or trained: and a training recipe."""
    encoder: str | None = None
    """A model of documents for recipes that need one, as irkit run takes it."""
    cross_encoder: str | None = None
    """For recipes that need one: what reads it and the folder of the model, as in cross-encoder:models/mini."""

    def library(
        self, recipes: Sequence[str], limits: Limits, reading: Reading, *, who: str, boards: Path | None = None
    ) -> Library:
        """Open it all, the ratings as they are read, with a folder of results."""
        from irkit.errors import ConfigError
        from irkit.serve.library import Library

        layout = reading.options() if reading is not None else {}
        if layout and self.ratings is None:
            raise ConfigError(f"{who}: --{next(iter(layout))} is for --ratings; name them, or leave it out")

        return Library.open(
            recipes,
            self.index or (),
            ratings=self.ratings,
            layout=layout,
            models=self.load or (),
            words={"vectors": self.vectors, "encoder": self.encoder, "cross_encoder": self.cross_encoder},
            boards=boards,
            limits=limits,
            who=who,
        )


@dataclass(frozen=True)
class BoundOptions:
    """How much may be asked for."""

    timeout: float | None = None
    """Seconds that a request may wait and be worked on; default 10."""
    workers: MaybeWhole = None
    """Requests that are worked on at once; default the processors there are."""
    queue: MaybeWhole = None
    """Requests that may wait for a worker, before others are turned away; default 64."""
    max_k: MaybeWhole = None
    """How deep a ranking may be looked into; default 1000."""
    max_query: MaybeWhole = None
    """Characters that a query may have; default 1000."""

    def limits(self, *, who: str) -> Limits:
        """Return the bounds."""
        from irkit.errors import ConfigError
        from irkit.serve.limits import Limits

        given = {
            "seconds": ("timeout", self.timeout),
            "workers": ("workers", self.workers),
            "queue": ("queue", self.queue),
            "k": ("max-k", self.max_k),
            "query": ("max-query", self.max_query),
        }
        for field, (option, value) in given.items():
            least = "0 or more" if field == "queue" else "above 0"
            if value is not None and not (0 < value < math.inf or (value == 0 and field == "queue")):
                raise ConfigError(f"{who}: --{option} must be {least}, got {value:g}")
        return Limits(**{field: value for field, (_, value) in given.items() if value is not None})


def check_port(port: int, *, who: str) -> None:
    """Raise `ConfigError` unless there is such a port."""
    from irkit.errors import ConfigError

    if not 0 <= port <= 65535:
        raise ConfigError(f"{who}: --port must be from 0 to 65535, got {port}")


Served: TypeAlias = Annotated[ServedOptions | None, Parameter(name="*")]
"A parameter of commands that stands for the options of `ServedOptions`."

Bounds: TypeAlias = Annotated[BoundOptions | None, Parameter(name="*")]
"A parameter of commands that stands for the options of `BoundOptions`."


def summary(library: Library) -> list[str]:
    """Say in a few lines what is served."""
    found = library.catalogue()
    lines = [f"index {one.name}: {counted(one.documents, 'document')}" for one in found.indexes]
    if found.pipelines:
        lines.append(f"pipelines: {', '.join(one.name for one in found.pipelines)}")
    return lines + [
        f"model {one.name}: {counted(one.users, 'user')}, {counted(one.items, 'item')}" for one in found.models
    ]

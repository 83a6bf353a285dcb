"""What tasks share whose systems rank documents for the queries of a collection."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from irkit.evaluate.board import Measure
from irkit.evaluate.measures import aggregate, measure_names, parse_measures
from irkit.evaluate.tasks.sources import SOURCES, Sources
from irkit.evaluate.tasks.task import Measured, Options, System, Task, refuse
from irkit.pipeline import Topics

if TYPE_CHECKING:
    from irkit.lucene import Index


@dataclass(frozen=True, eq=False)
class RankedTask(Task):
    """Queries with documents; a subclass has an `index` and says where documents come from."""

    choice: Any
    collection: Any
    options: Options
    timed = "query"
    supplies = ("index", *SOURCES, "train")

    @property
    def name(self) -> str:
        """The collection's, as the suite gives it."""
        return str(self.choice.name)

    @property
    def about(self) -> str:
        """What the collection is."""
        return str(self.collection.about)

    @property
    def data_hash(self) -> str:
        """Hash of documents, queries and judgements."""
        return str(self.collection.fingerprint)

    @cached_property
    def measures(self) -> list[Measure]:
        """As the suite has them."""
        return [Measure(name=name) for name in measure_names(self.suite.measures)]

    @property
    @abstractmethod
    def index(self) -> Index:
        """Of the documents."""

    def close(self) -> None:
        """Close the index."""
        if "index" in self.__dict__:
            self.index.close()

    def identity(self, system: System) -> list[Any]:
        """Add how it is run, and the vectors and the encoder that the system needs."""
        try:
            learned = [self._sources.fingerprint(need, name) for need, name in self._learned(system)]
        except Exception:  # said of the systems that need them, when they are fitted
            learned = []
        return [
            *super().identity(system),
            self.choice.model_dump(mode="json"),
            self.options.cache is not None,
            *learned,
        ]

    def taken(self, system: System) -> System:
        """Look whether it learns from judgements, if at all, and there are the vectors and the encoder it needs."""
        super().taken(system)
        recipe: Any = system.recipe
        if recipe.learns_from and Topics not in recipe.learns_from:
            raise refuse(
                self.suite, system.name, "learns, but not from judgements, and there is nothing else; leave it out"
            )
        self._named[system.name] = self._learned(system)
        for need, name in self._named[system.name]:
            if not name:
                one, example = SOURCES[need]
                raise refuse(self.suite, system.name, f"needs {one}; name {example}")
        return system

    def joined(self, folds: Sequence[Measured]) -> Measured:
        """Count what is to be known of the queries over all folds."""
        counts = [one.facts["counts"] for one in folds]
        total = {name: sum(one[name] for one in counts) for name in counts[0]}
        whole = super().joined(folds)
        first = {qid: docnos for one in folds for qid, docnos in one.facts.get("first", {}).items()}
        return replace(whole, facts={**whole.facts, "counts": total, "first": first})

    def mean_of_folds(self, values: Mapping[str, Any], by_fold: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """Return the mean over all queries, or the sum of a measure that counts."""
        parsed = parse_measures(self.suite.measures)
        return {str(one): float(aggregate(one, values[str(one)])) for one in parsed}

    def _learned(self, system: System) -> list[tuple[str, str]]:
        """List what a system needs that is learned from documents, and what it is called; empty where nobody says."""
        needs = system.recipe.needs  # type: ignore[union-attr]
        return [(one, getattr(system.choice, one) or getattr(self.choice, one)) for one in SOURCES if one in needs]

    def _resources(self, system: System) -> dict[str, Any]:
        """Open what a system needs."""
        learned = self._learned(system)
        index = {"index": self.index} if learned or "index" in system.recipe.needs else {}  # type: ignore[union-attr]
        return {**index, **{need: self._sources.open(need, name) for need, name in learned}}

    @cached_property
    def _named(self) -> dict[str, list[tuple[str, str]]]:
        """What each system of the board needs of such, whether it is run or was before the suite was cut."""
        return {}

    @cached_property
    def _sources(self) -> Sources:
        return Sources(self.collection, self.index, lambda what: self.options.say(f"{self.name}: {what}"))

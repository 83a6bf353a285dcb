"""What systems of a retrieval board need that is learned before they are run: vectors, encoders, cross-encoders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from irkit.expand.coverage import without_vector
from irkit.recipe.encoders import encoder_identity, is_learned, open_cross_encoder, open_encoder, unknown_words
from irkit.recipe.vectors import open_vectors

if TYPE_CHECKING:
    from irkit.frames import Queries
    from irkit.io import Collection, PoolsCollection
    from irkit.lucene import Index

SOURCES = {
    "vectors": ("vectors", "some with vectors: trained:ppmi-svd"),
    "encoder": ("an encoder", "one with encoder: lsa"),
    "cross_encoder": ("a cross-encoder", "one with cross_encoder: cross-encoder:FOLDER"),
}
"Each in words, and what to name where none is named."

OWN = ", learned from the documents that are searched, from no query and no judgement"


class Sources:
    """Those of one collection, each opened once, by what it is and the word for it.

    Parameters
    ----------
    collection : Collection or PoolsCollection
    index : Index
        Of the collection.
    say : function of str
        Told what is opened, which may take long.
    """

    def __init__(self, collection: Collection | PoolsCollection, index: Index, say: Callable[[str], object]) -> None:
        self.collection, self.index, self.say = collection, index, say
        self._opened: dict[tuple[str, str], Any] = {}

    def open(self, need: str, name: str) -> Any:
        """Return what a word means; errors are those of what opens it."""
        if (need, name) not in self._opened:
            self.say(f"{need} {name}")
            opens: dict[str, Callable[[], Any]] = {
                "vectors": lambda: open_vectors(name, self.collection, self.index),
                "encoder": lambda: open_encoder(name, self.index),
                "cross_encoder": lambda: open_cross_encoder(name),
            }
            self._opened[need, name] = opens[need]()
        return self._opened[need, name]

    def fingerprint(self, need: str, name: str) -> str:
        """Return a hash of what it gives; nothing is fitted for that of an encoder."""
        return str(encoder_identity(name, self.index) if need == "encoder" else self.open(need, name).fingerprint)

    def notes(self, queries: Queries, named: Iterable[tuple[str, str]]) -> list[str]:
        """Say which there are, by what they are and their words; of vectors also how many query terms they know."""
        found = []
        for need, name in named:
            own = {"vectors": name.startswith("trained:"), "encoder": need == "encoder" and is_learned(name)}
            what = {"vectors": "word vectors"}.get(need, need.replace("_", "-"))
            given = need == "encoder" and not is_learned(name)  # what was learned here knows the terms of the index
            few = unknown_words(self.open(need, name)) if given else ""
            found.append(f"{what}: {name}{OWN if own.get(need) else ''}{f'; {few}' if few else ''}")
            if need == "vectors":
                missing, terms = without_vector(self.index, self.open(need, name), queries)
                has = "has" if missing == 1 else "have"
                found.append(f"{missing:,} of {terms:,} query terms {has} no vector")
        return found

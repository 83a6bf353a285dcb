"""Encoders that people bring: whatever turns a list of texts into vectors, over the stored texts of an index.

    encoder = TextEncoder(SentenceTransformer("models/e5"), index, name="e5", query_prefix="query: ",
                          document_prefix="passage: ")
    (Dense(encoder) % 100)("wing flutter")

Nothing is trained. Documents are read in batches, those of like length together, and a vector is kept by the content
of its text (`irkit.rank.remembered`): what was encoded once is found again, in another process, after a cut, and in
another collection that holds the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.config import digest
from irkit.errors import ConfigError, FrameError, ShapeError
from irkit.frames import short
from irkit.locate import home
from irkit.progress import progress as progress_of
from irkit.rank.remembered import Remembered, key_of, numbers, safe_name

if TYPE_CHECKING:
    from irkit.lucene import Index

BLOCK = 8192
"Documents whose texts are in memory at a time."


class TextEncoder:
    """The documents of an index, and queries, through a model of texts.

    A text without a letter is a zero vector: it finds nothing and is found by nothing.

    Parameters
    ----------
    model : object or function
        Its `encode`, or itself where it has none, takes a list of n texts and gives (n, d) numbers: a model of
        sentence-transformers, or a function around anything else.
    index : Index
        With stored texts.
    name : str
        What the model is called. Vectors are kept under it, and nothing else tells two functions apart: another
        model, other weights or another way to cut texts want another name.
    batch_size : int
        Texts at a time.
    query_prefix, document_prefix : str
        Put before each, as the model was trained to read them.
    encode_queries : function, optional
        For queries, where a model has one of its own.
    keep : bool
        Keep vectors in the user's folder (`IRKIT_HOME`), and what `Dense` builds of them.
    progress : bool
        Draw a bar on a terminal while documents are encoded.

    Attributes
    ----------
    docnos, fingerprint, folder
        As `irkit.rank.encoder.Encoder` has them; where `Dense` keeps its index.

    Raises
    ------
    ConfigError
        If there is no such model, or it has no name.
    """

    def __init__(
        self,
        model: Any,
        index: Index,
        *,
        name: str,
        batch_size: int = 64,
        query_prefix: str = "",
        document_prefix: str = "",
        encode_queries: Callable[[list[str]], Any] | None = None,
        keep: bool = True,
        progress: bool = True,
    ) -> None:
        check_brought(name, batch_size, who="encoder")
        encode = None if isinstance(model, (str, bytes)) else getattr(model, "encode", model)
        if not callable(encode):
            raise ConfigError(
                "encoder: needs a function of a list of texts, or an object with one called encode, got "
                f"{short(model)}; open a path by "
                "irkit.recipe.encoders.open_encoder('sentence-transformers:PATH', index)"
            )
        self.index, self.name, self.batch_size, self.progress = index, name, batch_size, progress
        self.query_prefix, self.document_prefix = query_prefix, document_prefix
        self._encode, self._encode_queries = encode, encode_queries
        self.docnos = index.docnos
        prefixes = [query_prefix, document_prefix]
        self.fingerprint = digest("text encoder", name, index.fingerprint, prefixes, encode_queries is not None)
        self.folder = home() / "encoders" if keep else None
        own = home() / "texts" / f"{safe_name(name)}-{digest('vectors', name)[:16]}"
        self._memory = Remembered(own if keep else None, np.float32)

    @cached_property
    def documents(self) -> Floats:
        """(N, d) float32; encoded on first use."""
        blocks = []
        with progress_of(len(self.docnos), f"encoding by {self.name}", " documents", shown=self.progress) as bar:
            for start in range(0, len(self.docnos), BLOCK):
                rows = np.arange(start, min(start + BLOCK, len(self.docnos)))
                texts = self.index.texts(self.docnos.take(rows).to_pylist())
                blocks.append(self._vectors(texts, self.document_prefix, None, bar))
        width = max(block.shape[1] for block in blocks)  # none in a block of texts without letters
        return np.concatenate([block if block.shape[1] else np.zeros((len(block), width), "f4") for block in blocks])

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a vector for each text, read as queries are: (n, d) float32."""
        return self._vectors(texts, self.query_prefix, self._encode_queries, None)

    def _vectors(self, texts: Sequence[str], prefix: str, own: Callable[..., Any] | None, bar: Any) -> Floats:
        """Return vectors, by a function of one's own or else the common one."""
        lettered = np.array([row for row, text in enumerate(texts) if text.strip()], dtype=np.int64)
        given = [prefix + texts[row] for row in lettered]
        keys = [key_of("" if own is None else "query", text) for text in given]
        order = np.argsort([-len(text) for text in given], kind="stable")
        make = partial(self._made, own or self._encode, given)
        if bar is not None:
            bar.update(len(texts) - len(given))
        rows = self._memory.rows(keys, make, batch_size=self.batch_size, order=order, bar=bar)
        found = np.zeros((len(texts), self._memory.width or 0), dtype=np.float32)
        found[lettered] = rows if len(rows) else 0
        return found

    def freeze(self) -> None:
        """Keep nothing more of what is asked, and show no progress: what strangers ask a service is theirs."""
        self._memory.frozen, self.progress = True, False

    def _made(self, encode: Callable[[list[str]], Any], texts: list[str], places: Ints) -> Floats:
        """Give a batch to the model and check what it returns."""
        batch = [texts[place] for place in places]
        found = asked(encode, batch, who=f"encoder {self.name!r}")
        if found.ndim != 2 or len(found) != len(batch) or not found.shape[1]:
            raise ShapeError(
                f"encoder {self.name!r}: must give a vector for each of the {len(batch)} texts, got {found.shape}"
            )
        width = self._memory.width
        if width not in (None, found.shape[1]):
            raise ShapeError(
                f"encoder {self.name!r}: gave vectors of {width} numbers before, got {found.shape[1]}; give a model of "
                "another width another name"
            )
        with np.errstate(over="ignore"):
            vectors: Floats = found.astype(np.float32)
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise FrameError(
                f"encoder {self.name!r}: vectors must be finite in float32, got one that is not for "
                f"{short(batch[int(np.argmin(finite))])}; look at the model"
            )
        return vectors


def check_brought(name: Any, batch_size: Any, *, who: str) -> None:
    """Raise `ConfigError` unless a model has a name and is given one text or more at a time."""
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(
            f"{who}: name must say which model it is, got {name!r}; what it gives is kept under that name"
        )
    if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
        raise ConfigError(f"{who}: batch_size must be a whole number of 1 or more, got {batch_size!r}")


def asked(model: Callable[..., Any], *given: Any, who: str) -> Floats:
    """Call a model that somebody brought; what it raises comes through with a note."""
    try:
        found = model(*given)
    except Exception as error:
        error.add_note(f"irkit: in {who}, given {len(given[-1])} texts")
        raise
    try:
        return numbers(found)
    except (TypeError, ValueError):
        raise ShapeError(f"{who}: must give numbers, got {short(found)}") from None

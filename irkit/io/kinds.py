"""What models learn from: examples of one kind, as arrays, and a data set of three parts of them.

    Rows        a vector each                              x (n, D)
    Pictures    channels of pixels each                    x (n, C, H, W)
    Sequences   steps in their order                       x of (T, D) each
    Sets        elements in no order                       x of (N, D) each
    Tokens      a document as its terms in their order     x of (T,) each, numbers of a vocabulary
    Bags        a document as counts of terms              x of (K,) terms each, counts of (K,)
    Captioned   a picture and its caption                  x (n, C, H, W), caption of (T,) each
    Features    a list of items, each with a label         x of (L, F) each, labels of (L,)

T, N, K and L differ from one example to the next; such columns are `Ragged`. Of all but the last kind
`labels` may hold a class for each example.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Generic, Self, TypeAlias, TypeVar

import numpy as np

from irkit.arrays import Ints
from irkit.errors import ConfigError, ShapeError, near_misses
from irkit.io.ragged import Ragged as Ragged

PARTS = ("train", "valid", "test")
"Names of the parts of a data set."


@dataclass(frozen=True)
class Spec:
    """What one example looks like; what a network is built for."""

    kind: str
    "Of the data: `rows`, `pictures`, `sequences`, `sets`, `tokens`, `bags`, `captioned` or `features`."
    shape: tuple[int, ...]
    "Of an example's values, or of those of a single step, element or item where examples differ in length."
    vocabulary: int | None = None
    "How many terms there are, where examples have terms."
    longest: int | None = None
    "Most steps, elements, terms or items of an example, where they differ."
    picture: tuple[int, ...] | None = None
    "Rows and columns of the picture that a row is, and channels if it has colour, where it is one."
    words: tuple[str, ...] | None = field(default=None, repr=False, compare=False)
    "The terms themselves, in the order of their numbers, where they are known."
    classes: int | None = field(default=None, compare=False)
    "How many classes there are, one more than the highest label, where examples have such."

    @property
    def size(self) -> int:
        """Number of values that `shape` makes."""
        return math.prod(self.shape)

    @property
    def word(self) -> str:
        """What one example is called; with an s, what many are."""
        return {"tokens": "document", "bags": "document", "captioned": "picture", "features": "list"}.get(
            self.kind, self.kind.removesuffix("s")
        )

    @property
    def channels(self) -> int | None:
        """Channels of a picture; None for what is none."""
        return self.shape[0] if len(self.shape) == 3 else None

    def fits(self, other: Spec) -> bool:
        """Whether examples of that look are examples of this one, whatever their lengths."""
        ours, theirs = ((one.kind, one.shape, one.vocabulary) for one in (self, other))
        return ours == theirs and (None in (self.words, other.words) or self.words == other.words)

    def __str__(self) -> str:
        terms = "" if self.vocabulary is None else f" of {self.vocabulary:,} terms"
        return self.kind + (f" of shape {self.shape}" if self.shape else "") + terms


Column: TypeAlias = Any
"An array, or a `Ragged`, with an entry for each example."


@dataclass(frozen=True)
class Examples:
    """Base of the kinds: columns of one length.

    Raises
    ------
    ShapeError
        If columns are no arrays or differ in length, or what stands beside each item of an example does, or labels are
        no classes.
    """

    kind: ClassVar[str]
    "As `Spec.kind` has it."
    x: Column
    labels: Column | None = field(default=None, kw_only=True)
    "(n,) classes, -1 where there is none; None where there are no classes."
    dynamic: bool = field(default=False, kw_only=True)
    "Whether x holds probabilities of bits, to be drawn anew for each batch."

    def __post_init__(self) -> None:
        for name in ("x", "labels"):
            if (column := getattr(self, name)) is not None and name not in self.columns():
                raise ShapeError(
                    f"{self.kind}: {name} must be an array, got {type(column).__name__}; make one of it, or where "
                    f"lengths differ Ragged.of({name})"
                )
        lengths = {name: len(column) for name, column in self.columns().items()}
        if len(set(lengths.values())) > 1:
            got = ", ".join(f"{n} of {name}" for name, n in lengths.items())
            raise ShapeError(f"{self.kind}: every column needs an entry for each example, got {got}; give as many")
        if self.labels is not None and not isinstance(self.labels, Ragged):
            self._check_classes(np.asarray(self.labels))

    def _check_classes(self, labels: Any) -> None:
        """Raise `ShapeError` unless labels are whole numbers, one an example."""
        number = labels.dtype.kind
        if labels.ndim == 1 and number in "iub":
            return
        whole = (labels == np.floor(labels)) & (abs(labels) < 2**31) if number == "f" else np.zeros(len(labels), bool)
        if labels.ndim != 1 or not whole.all():
            got = f"shape {labels.shape}" if labels.ndim != 1 else repr(labels[~whole].tolist()[0])
            raise ShapeError(
                f"{self.kind}: labels must be whole numbers, a class for each example and -1 for none, got {got}; "
                "number the classes from 0"
            )

    def _check_beside(self, name: str) -> None:
        """Raise `ShapeError` unless a column has one entry for each item of every example."""
        unlike = np.flatnonzero(getattr(self, name).lengths != self.x.lengths)
        if len(unlike):
            at = int(unlike[0])
            got = f"{getattr(self, name).lengths[at]} for {self.x.lengths[at]} in example {at + 1}"
            raise ShapeError(f"{self.kind}: {name} must be one for each of x, got {got}; give as many")

    def __len__(self) -> int:
        return len(self.x)

    def columns(self) -> dict[str, Column]:
        """Return what has an entry for each example, labels too."""
        every = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: one for name, one in every.items() if isinstance(one, Ragged) or hasattr(one, "__array__")}

    def inputs(self) -> dict[str, Column]:
        """Return what a model is given of the examples."""
        return {"x": self.x}

    @property
    def spec(self) -> Spec:
        """What one of them looks like."""
        labels = None if isinstance(self.labels, Ragged) else self.labels
        classes = None if labels is None or not len(labels) else int(labels.max()) + 1 or None
        if isinstance(self.x, Ragged):
            longest = int(self.x.lengths.max(initial=0))
            return Spec(self.kind, tuple(self.x.values.shape[1:]), longest=longest, classes=classes)
        return Spec(self.kind, tuple(self.x.shape[1:]), classes=classes)

    def take(self, rows: Ints) -> Self:
        """Return some of the examples, in the order named."""
        columns = self.columns().items()
        some: dict[str, Any] = {n: one.take(rows) if isinstance(one, Ragged) else one[rows] for n, one in columns}
        return replace(self, **some)

    def cut(self, n: int | None) -> Self:
        """Return the first n of them; all where n is None."""
        return self if n is None or n >= len(self) else self.take(np.arange(n))

    def same(self, other: Examples) -> bool:
        """Whether a model is given the same by both."""
        ours, theirs = _flat(self.inputs()), _flat(other.inputs())
        return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)

    @property
    def fingerprint(self) -> str:
        """Hash of kind and content: 32 hexadecimal digits."""
        found = hashlib.blake2b(f"{self.spec}\n".encode(), digest_size=16)
        for name, array in _flat(self.columns()).items():
            found.update(f"{name} {array.dtype} {array.shape}\n".encode())
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()


def _flat(columns: Mapping[str, Column]) -> dict[str, Any]:
    """Return columns as plain arrays."""
    out: dict[str, Any] = {}
    for name, column in columns.items():
        ragged = isinstance(column, Ragged)
        out |= {name: column.values, f"{name} lengths": column.lengths} if ragged else {name: np.asarray(column)}
    return out


@dataclass(frozen=True)
class Rows(Examples):
    """A vector each: x (n, D), numpy or torch; bits or reals."""

    kind = "rows"
    picture: tuple[int, ...] | None = None
    "Rows and columns of the picture that a row is, and channels if it has colour, where it is one."

    @property
    def spec(self) -> Spec:
        """What one of them looks like."""
        return replace(super().spec, picture=self.picture)


@dataclass(frozen=True)
class Pictures(Examples):
    """Channels of pixels each: x (n, C, H, W), grey or bits with C = 1."""

    kind = "pictures"


@dataclass(frozen=True)
class Sequences(Examples):
    """Steps in their order: x of (T, D) each."""

    kind = "sequences"
    x: Ragged


@dataclass(frozen=True)
class Sets(Examples):
    """Elements in no order: x of (N, D) each."""

    kind = "sets"
    x: Ragged


@dataclass(frozen=True)
class _Terms(Examples):
    """What has terms of a vocabulary."""

    vocabulary: int = 0
    "How many terms there are: 0 to `vocabulary` - 1."
    words: tuple[str, ...] | None = field(default=None, kw_only=True, repr=False)
    "The terms themselves, in the order of their numbers, where they are known."

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.words is not None:
            object.__setattr__(self, "words", tuple(self.words))  # a list would be like no other data's words
        if self.words is not None and len(self.words) != self.vocabulary:
            raise ShapeError(
                f"{self.kind}: there must be one word a term, got {len(self.words)} words for {self.vocabulary} terms; "
                "give the words of the whole vocabulary"
            )
        if not isinstance(self.terms(), Ragged):
            raise ShapeError(
                f"{self.kind}: terms must be Ragged, got {type(self.terms()).__name__}; number the words, and make "
                "Ragged.of the numbers of each"
            )
        terms = self.terms().values
        if len(terms) and (terms.dtype.kind not in "iu" or not 0 <= terms.min() <= terms.max() < self.vocabulary):
            got = repr(terms.tolist()[0]) if terms.dtype.kind in "OSU" else f"{terms.min()} to {terms.max()}"
            raise ShapeError(
                f"{self.kind}: terms must be whole numbers from 0 to {self.vocabulary - 1}, got {got}; number them, "
                "and give the size of the vocabulary"
            )

    def terms(self) -> Ragged:
        """Return the column of terms."""
        found: Ragged = self.x
        return found

    @property
    def spec(self) -> Spec:
        """What one of them looks like."""
        longest = int(self.terms().lengths.max(initial=0))
        return replace(super().spec, vocabulary=self.vocabulary, longest=longest, words=self.words)


@dataclass(frozen=True)
class Tokens(_Terms):
    """A document as its terms in their order: x of (T,) each."""

    kind = "tokens"


@dataclass(frozen=True)
class Bags(_Terms):
    """A document as counts of terms: x of (K,) terms each; the counts of a term named twice are added."""

    kind = "bags"
    counts: Ragged | None = None
    "How often each of them occurs; None for once."

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.counts is not None:
            self._check_beside("counts")

    def inputs(self) -> dict[str, Column]:
        """Return counts of the whole vocabulary: x (n, V) float32."""
        out = np.zeros((len(self), self.vocabulary), dtype=np.float32)
        rows = np.repeat(np.arange(len(self)), self.x.lengths)
        np.add.at(out, (rows, self.x.values), 1 if self.counts is None else self.counts.values)
        return {"x": out}


@dataclass(frozen=True)
class Captioned(_Terms):
    """A picture and its caption: x (n, C, H, W), caption of (T,) terms each."""

    kind = "captioned"
    caption: Ragged = field(default_factory=lambda: Ragged.of([[]]))

    def terms(self) -> Ragged:
        """Return the captions."""
        return self.caption

    def inputs(self) -> dict[str, Column]:
        """Return pictures and captions."""
        return {"x": self.x, "caption": self.caption}


@dataclass(frozen=True)
class Features(Examples):
    """A list of items each, such as the candidates of a query: x of (L, F), labels of (L,)."""

    kind = "features"
    x: Ragged
    labels: Ragged = field(default_factory=lambda: Ragged.of([[]]))

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_beside("labels")

    def inputs(self) -> dict[str, Column]:
        """Return features and labels."""
        return {"x": self.x, "labels": self.labels}


E = TypeVar("E", bound=Examples)


@dataclass(frozen=True)
class DataSet(Generic[E]):
    """Three parts of examples of one kind, of which all but the first may be empty.

    Raises
    ------
    ShapeError
        If the parts differ in what an example looks like.
    """

    name: str
    train: E = field(repr=False)
    valid: E = field(repr=False)
    test: E = field(repr=False)
    details: Mapping[str, str] = field(default_factory=dict)
    "What else decides the content, such as how grey values became bits."

    def __post_init__(self) -> None:
        for name in PARTS[1:]:
            if not self.train.spec.fits(self.part(name).spec):
                raise ShapeError(
                    f"{self.name}: its parts must be alike, got {self.train.spec} to train and {self.part(name).spec} "
                    f"as {name}; give each part the same kind and shape"
                )

    def part(self, name: str) -> E:
        """Return a part: train, valid or test."""
        part: E = part_of(self, name)
        return part

    @property
    def spec(self) -> Spec:
        """What one example looks like; the longest is that of all parts."""
        each = [self.part(name).spec for name in PARTS]
        longest = [one.longest for one in each if one.longest is not None]
        return replace(each[0], longest=max(longest, default=None))

    @property
    def fingerprint(self) -> str:
        """Hash of content and split: 32 hexadecimal digits."""
        found = hashlib.blake2b(f"{self.name}\n{dict(self.details)}\n".encode(), digest_size=16)
        for name in PARTS:
            found.update(self.part(name).fingerprint.encode())
        return found.hexdigest()

    def cut(self, train: int, valid: int, test: int) -> DataSet[E]:
        """Return the first examples of each part."""
        parts = self.train.cut(train), self.valid.cut(valid), self.test.cut(test)
        return DataSet(f"{self.name}[{train},{valid},{test}]", *parts, self.details)


def part_of(data: Any, name: str) -> Any:
    """Return the attribute of that name, one of the three parts.

    Raises
    ------
    ConfigError
        If there is no such part.
    """
    if name not in PARTS:
        raise ConfigError(f"{data.name}: there is no part {name!r}; {near_misses(name, PARTS)}")
    return getattr(data, name)

"""How data reaches a model: the protocol that every data set keeps to, and batches of its examples as tensors.

A data set is anything with the properties of `Data`: an `irkit.io.kinds.DataSet` of arrays at hand, or what a
reader returns. A batch is a tensor where examples have one shape; a `Padded` where they differ in length; and
a dictionary of these where an example is more than one thing, such as a picture and its caption.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from irkit.arrays import Floats, Ints
from irkit.errors import ShapeError
from irkit.io.kinds import Column, DataSet, Examples, Ragged, Rows, Spec
from irkit.learn import batches
from irkit.learn.batches import Shuffled, Source, fingerprint, resample
from irkit.learn.conditions import sent


class Data(Protocol):
    """Examples of one kind in three parts."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def spec(self) -> Spec:
        """What one example looks like."""

    @property
    def fingerprint(self) -> str:
        """Hash of content and split."""

    @property
    def details(self) -> Mapping[str, str]:
        """What else decides the content, such as how grey values became bits."""

    def part(self, name: str) -> Examples:
        """Return a part, train, valid or test; all but the first may be empty. Labels are in it."""


class Padded(NamedTuple):
    """Examples that differ in length, side by side with zeros after their ends."""

    x: Tensor
    "(B, T, ...)"
    lengths: Tensor
    "(B,) int64, on the same device"
    sizes: Ints | None = None
    "The same on the host, where they are known there: an accelerator need not be asked."

    def take(self, rows: slice) -> Padded:
        """Return some of the examples."""
        return Padded(self.x[rows], self.lengths[rows], None if self.sizes is None else self.sizes[rows])

    @property
    def counts(self) -> Ints:
        """The lengths on the host: (B,) int64."""
        found: Ints = self.lengths.cpu().numpy() if self.sizes is None else self.sizes
        return found

    @property
    def cells(self) -> Tensor:
        """Which of the B T places hold a step, row by row: (N,) int64."""
        sizes = self.counts[:, None]
        return sent(torch.from_numpy(np.flatnonzero(np.arange(self.x.shape[1]) < sizes)), self.x.device)

    @property
    def mask(self) -> Tensor:
        """Where an example has not ended: (B, T) bool."""
        return torch.arange(self.x.shape[1], device=self.x.device) < self.lengths[:, None]


Batch: TypeAlias = Tensor | Padded | dict[str, Tensor | Padded]

Held: TypeAlias = Tensor | Examples
"What batches are taken of: a tensor if one tensor is all that a model is given, else the examples."


def as_data(data: Any, valid: Any = None, *, dynamic: bool = False) -> Data:
    """Return data as it is, and rows as the training part of a data set.

    Parameters
    ----------
    data : Data, Examples or (N, D) array or tensor
    valid : like `data` where it is no data set, optional
        The validation part.
    dynamic : bool
        Whether rows of an array are probabilities of bits, to be drawn anew for each batch.
    """
    if not isinstance(data, Examples) and hasattr(data, "part"):
        found: Data = data
        return found
    train = as_examples(data, dynamic=dynamic)
    none = train.cut(0)
    return _Given("given", train, none if valid is None else as_examples(valid), none)


def as_examples(data: Any, *, dynamic: bool = False) -> Examples:
    """Return examples as they are, and an array or tensor as rows.

    Raises
    ------
    ShapeError
        If an array has no rows, or holds no numbers.
    """
    if isinstance(data, Examples):
        return data
    try:
        array = data if isinstance(data, Tensor) else np.asarray(data)
    except ValueError:  # lists of different lengths
        raise ShapeError(
            "rows: as many numbers in each are needed, got lists that differ in length; of documents make Tokens"
        ) from None
    if array.ndim < 2 or (isinstance(array, np.ndarray) and array.dtype.kind not in "buif"):
        raise ShapeError(
            f"rows: numbers of shape (n, D) are needed, got {tuple(array.shape)} of {array.dtype}; give such, or of "
            "texts what irkit.io.tokens_of_texts makes of them"
        )
    return Rows(array, dynamic=dynamic)


class _Given(DataSet[Examples]):
    """Parts from the caller's hand: the model that is fitted to them says what is wrong with one."""

    def __post_init__(self) -> None:
        pass


def held(examples: Examples) -> Held:
    """Return what batches are taken of."""
    inputs = examples.inputs()
    if list(inputs) == ["x"] and not isinstance(inputs["x"], Ragged):
        return _tensor(inputs["x"])
    return examples


def identity(x: Held) -> str:
    """Hash what a model is given: 32 hexadecimal digits."""
    return fingerprint(x) if isinstance(x, Tensor) else x.fingerprint


@runtime_checkable
class Batched(Protocol):
    """Examples of a model's own that say themselves what a batch of them is."""

    def batch(self, like: Tensor) -> Any:
        """Return all of them as one batch, on the device of a tensor and reals in its type."""
        ...


def batch(examples: Examples, like: Tensor) -> Any:
    """Return some examples as one batch, on the device of a tensor and reals in its type."""
    if isinstance(examples, Batched):
        return examples.batch(like)
    made: dict[str, Any] = {name: placed(column, like) for name, column in examples.inputs().items()}
    return made["x"] if list(made) == ["x"] else made


def cut(x: Held, n: int, like: Tensor) -> Iterator[Any]:
    """Cut examples into batches of n, in their order."""
    for at in range(0, len(x), n):
        if isinstance(x, Tensor):
            yield x[at : at + n].to(like)
        else:
            yield batch(x.take(np.arange(at, min(at + n, len(x)))), like)


def shuffled(x: Held, batch_size: int, *, seed: int, like: Tensor, dynamic: bool = False) -> Source:
    """Return the batches that training takes, in an order of its own in each epoch.

    Parameters
    ----------
    x : tensor or Examples
    batch_size, seed : int
    like : Tensor
        Batches are on its device, and reals of its type.
    dynamic : bool
        Draw bits with the probabilities that x holds.
    """
    if isinstance(x, Tensor):
        return batches.Rows(x, batch_size, seed=seed, draw=resample if dynamic else None)
    examples = x

    def take(rows: Tensor, rng: torch.Generator) -> Batch:
        made = batch(examples.take(rows.numpy()), like)
        return _drawn(made, rng) if dynamic else made

    lengths = examples.x.lengths if isinstance(examples.x, Ragged) else None
    return Shuffled(len(x), batch_size, seed=seed, take=take, fingerprint=x.fingerprint, lengths=lengths)


def arrays(x: Tensor | Padded) -> Any:
    """Return numpy's arrays of a tensor, float32 where it holds reals, or a list of them where lengths differ."""
    if isinstance(x, Padded):
        whole = arrays(x.x)
        return [one[:n] for one, n in zip(whole, x.lengths.tolist(), strict=True)]
    return (x.float() if x.is_floating_point() else x).detach().cpu().numpy()


def numbers(x: Tensor) -> Floats:
    """Return a tensor's numbers as float64."""
    found: Floats = x.detach().double().cpu().numpy()
    return found


def _tensor(array: Any) -> Tensor:
    return array if isinstance(array, Tensor) else torch.from_numpy(np.require(array, requirements=["C", "W"]))


def _drawn(made: Batch, rng: torch.Generator) -> Batch:
    """Draw bits with the probabilities that x of a batch holds."""
    if isinstance(made, dict):
        x: Any = _drawn(made["x"], rng)
        return {**made, "x": x}
    return made._replace(x=resample(made.x, rng)) if isinstance(made, Padded) else resample(made, rng)


def placed(column: Column, like: Tensor) -> Tensor | Padded:
    """Move a column to a device; whole numbers stay what they are."""
    if isinstance(column, Ragged):
        x = placed(column.padded(), like)
        assert isinstance(x, Tensor)
        return Padded(x, sent(torch.from_numpy(column.lengths), like.device), column.lengths)
    found = _tensor(column)
    return sent(found.to(like.dtype) if found.is_floating_point() else found, like.device)

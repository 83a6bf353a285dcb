"""Where batches come from: anything that names a batch by epoch and place, so that a resumed run finds it again."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from irkit.arrays import Ints
from irkit.errors import ConfigError
from irkit.learn.conditions import sent
from irkit.rng import generator

WINDOW = 32
"Batches among whose examples those of similar lengths are sought."


class Source(Protocol):
    """Batches of an epoch, numbered from 0."""

    fingerprint: str
    "Identity of the data; a run is not resumed on other data."

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        ...

    def batch(self, epoch: int, at: int, rng: torch.Generator) -> Any:
        """Return batch `at` of an epoch; `rng` is for noise, the order depends on seed and epoch alone."""
        ...


class Shuffled:
    """Batches of examples that are told by their numbers, in an order of its own in each epoch.

    Parameters
    ----------
    n : int
        How many examples there are.
    batch_size : int
        Examples in a batch; the last one of an epoch may be smaller.
    seed : int
        Of the order.
    take : (numbers (B,) int64, rng) -> batch
        Makes a batch of some examples.
    fingerprint : str
        Identity of the data.
    device : torch.device, optional
        Where the numbers are; default the CPU.
    lengths : (n,) int64, optional
        Of examples that differ in length: a batch is then of similar lengths, see `near_in_length`.

    Raises
    ------
    ConfigError
        If there are no examples.
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        *,
        seed: int,
        take: Callable[[Tensor, torch.Generator], Any],
        fingerprint: str,
        device: torch.device | None = None,
        lengths: Ints | None = None,
    ) -> None:
        if n == 0:
            raise ConfigError("batches: there are no examples to learn from, got 0; give some")
        self.n = n
        self.batch_size = batch_size
        self.seed = seed
        self.take = take
        self.fingerprint = fingerprint
        self.device = device or torch.device("cpu")
        self.lengths = lengths
        self._order: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def order(self, epoch: int) -> Tensor:
        """Return the permutation of the examples in an epoch: (n,) int64."""
        if self._order is None or self._order[0] != epoch:
            rng = generator(self.seed, "order", str(epoch))
            found: Ints = rng.permutation(self.n)
            if self.lengths is not None:
                found = near_in_length(found, self.lengths, self.batch_size, rng)
            self._order = epoch, sent(torch.from_numpy(found), self.device)
        return self._order[1]

    def batch(self, epoch: int, at: int, rng: torch.Generator) -> Any:
        """Return examples `at * batch_size` to `(at + 1) * batch_size` of the epoch's order."""
        return self.take(self.order(epoch)[at * self.batch_size : (at + 1) * self.batch_size], rng)


def near_in_length(order: Ints, lengths: Ints, size: int, rng: np.random.Generator) -> Ints:
    """Bring examples of similar lengths into one batch, so that little of it is padding: (n,) to (n,).

    Examples of `WINDOW` batches in a row are sorted by length; then the batches are shuffled. A smaller last batch
    stays as it is.

    Parameters
    ----------
    order : (n,) int64
        A permutation of the examples.
    lengths : (n,) int64
        Of each example.
    size : int
        Examples in a batch.
    rng : numpy generator
        Of the order of batches.
    """
    whole, rest = np.split(order, [len(order) // size * size])
    windows = np.split(whole, range(WINDOW * size, len(whole), WINDOW * size))
    ordered = np.concatenate([window[np.argsort(lengths[window], kind="stable")] for window in windows])
    batches = rng.permutation(ordered.reshape(-1, size))
    return np.concatenate([batches.ravel(), rest])


class Rows(Shuffled):
    """Shuffled batches of the rows of a tensor.

    Parameters
    ----------
    x : (N, ...) tensor
    batch_size : int
        Rows in a batch; the last one of an epoch may be smaller.
    seed : int
        Of the order.
    draw : (batch, rng) -> batch, optional
        What is done with each batch, such as sampling its bits anew (dynamic binarisation).

    Raises
    ------
    ConfigError
        If there are no rows.
    """

    def __init__(
        self,
        x: Tensor,
        batch_size: int,
        *,
        seed: int,
        draw: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    ) -> None:
        def take(rows: Tensor, rng: torch.Generator) -> Tensor:
            return x[rows] if draw is None else draw(x[rows], rng)

        super().__init__(len(x), batch_size, seed=seed, take=take, fingerprint=fingerprint(x), device=x.device)


class Drawn:
    """Batches that one numpy generator draws, epoch after epoch.

    A batch before the next one is found by drawing anew from the start, so batches should be light: numbers of
    rows, not what the rows hold.

    Parameters
    ----------
    draw : (numpy generator) -> iterator of batches
        Draws the batches of one epoch.
    batches : int
        Batches in an epoch, at least 1.
    rng : numpy generator
        As it is before the first epoch; copied.
    fingerprint : str
        Identity of the data.
    """

    def __init__(
        self,
        draw: Callable[[np.random.Generator], Iterator[Any]],
        batches: int,
        rng: np.random.Generator,
        fingerprint: str,
    ) -> None:
        self._draw, self._batches, self._rng = draw, batches, copy.deepcopy(rng)
        self.fingerprint = fingerprint
        self._next, self._stream = 0, self._forever()

    def __len__(self) -> int:
        return self._batches

    def batch(self, epoch: int, at: int, rng: torch.Generator) -> Any:
        """Return batch `at` of an epoch; `rng` is not used."""
        wanted = epoch * self._batches + at
        if wanted < self._next:
            self._next, self._stream = 0, self._forever()
        skipped = wanted - self._next
        self._next = wanted + 1
        return next(islice(self._stream, skipped, None))

    def _forever(self) -> Iterator[Any]:
        rng = copy.deepcopy(self._rng)
        while True:
            yield from self._draw(rng)


def fingerprint(x: Tensor) -> str:
    """Hash a tensor's shape, type and content to 32 hexadecimal digits."""
    found = hashlib.blake2b(f"{tuple(x.shape)} {x.dtype}".encode(), digest_size=16)
    found.update(x.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def resample(x: Tensor, rng: torch.Generator) -> Tensor:
    """Draw bits with the given probabilities: dynamic binarisation."""
    return torch.bernoulli(x, generator=rng)

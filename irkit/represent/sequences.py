"""What models share that read or write a document word by word in its order.

    log p(w_1 .. w_T) = sum over t = 1 .. T + 1 of log p(w_t | w_1 .. w_t-1)          w_T+1 = END

END is a symbol of the model's own, number V behind the V terms of the data: every document ends with it, so
that the probabilities of documents of all lengths sum to 1, and it stands for what is before the first word.
Lengths and perplexities count it.

Symbols: B documents, T words of the longest, V vocabulary, E numbers of an embedding, H hidden units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, pad

from irkit.arrays import Floats, offsets, segments
from irkit.io.kinds import Examples, Ragged, Tokens
from irkit.learn.batches import Source
from irkit.learn.data import Held, Padded, numbers
from irkit.learn.estimate import Estimate, Kind
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.recurrent import Cell, Layer, Run, State, recurrent, remembering, run
from irkit.learn.softmaxes import Softmax
from irkit.learn.streams import Block, Carried, Streams
from irkit.learn.trainer import TrainerConfig
from irkit.represent.documents import DocumentModel, by_length

INITIAL = 0.1
"Embeddings and weights of softmaxes begin evenly between minus and plus this."

TOGETHER = 1000
"Symbols of a text in order that are looked at together when it is scored, about."

Ahead: TypeAlias = Callable[[Block, State | None], tuple[Tensor, State]]


def opened(words: Padded, end: int) -> Padded:
    """Put END before the first word and leave nothing out: what a reader has seen before each symbol, (B, T + 1).

    Examples
    --------
    >>> opened(Padded(torch.tensor([[4, 2], [3, 0]]), torch.tensor([2, 1])), end=9).x.tolist()
    [[9, 4, 2], [9, 3, 0]]
    """
    sizes = None if words.sizes is None else words.sizes + 1
    return Padded(pad(words.x, (1, 0), value=end), words.lengths + 1, sizes)


def closed(words: Padded, end: int) -> Padded:
    """Put END behind the last word: the symbols to predict, (B, T + 1).

    Examples
    --------
    >>> closed(Padded(torch.tensor([[4, 2], [3, 0]]), torch.tensor([2, 1])), end=9).x.tolist()
    [[4, 2, 9], [3, 9, 0]]
    """
    sizes = None if words.sizes is None else words.sizes + 1
    x = pad(words.x, (0, 1)).scatter(1, words.lengths[:, None], end)
    return Padded(x, words.lengths + 1, sizes)


def with_end(documents: Ragged, end: int) -> Ragged:
    """Put END behind each of some documents.

    Examples
    --------
    >>> [one.tolist() for one in with_end(Ragged.of([[4, 2], []]), 9)]
    [[4, 2, 9], [9]]
    """

    values = np.insert(documents.values, offsets(documents.lengths)[1:], end)
    return Ragged(values, documents.lengths + 1)


class Writer(Protocol):
    """What says the next symbol of documents from those before it."""

    @property
    def end(self) -> int:
        """The number of END."""
        ...

    def step(self, symbols: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Read one more symbol of each document: (B,) to what the next is told by, (B, H), and the state."""
        ...


def drawn(
    n: int, longest: int, writer: Writer, words: Softmax, rng: torch.Generator, state: State | None = None
) -> Padded:
    """Draw documents symbol by symbol until END; those that go on after `longest` words are cut there.

    Parameters
    ----------
    n, longest : int
    writer : Writer
    words : Softmax
        Of what it gives.
    rng : torch.Generator
    state : h or (h, c), optional
        What it begins with; default zeros.
    """
    return written(n, longest, writer, lambda h: words.sample(h, rng), rng.device, state)


@torch.no_grad()
def written(
    n: int,
    longest: int,
    writer: Writer,
    choose: Callable[[Tensor], Tensor],
    device: torch.device,
    state: State | None = None,
) -> Padded:
    """Write documents as `drawn`, each symbol chosen by a function of what the writer gives: (n, H) to (n,) int64."""
    symbols = torch.full((n,), writer.end, device=device)
    lengths = torch.zeros_like(symbols)
    open_ = torch.ones_like(symbols, dtype=torch.bool)
    x = symbols.new_zeros(n, longest)
    for place in x.T:
        h, state = writer.step(symbols, state)
        symbols = choose(h)
        open_ = open_ & (symbols != writer.end)
        lengths += open_
        place.copy_(symbols * open_)
        if not open_.any():
            break
    return Padded(x[:, : max(lengths.tolist(), default=0)], lengths)


class Reader(nn.Module):
    """Embeddings of V + 1 symbols and recurrent layers over them; what pretraining hands on.

    Parameters
    ----------
    vocabulary : int
        V; symbol V is END.
    cell : {"lstm", "gru", "rnn"}
    embedding_size, hidden_size, layers : int
        E, H, and how many layers.
    dropout : float
        Share of numbers left out while training: of embeddings, between layers, and of outputs.
    """

    def __init__(
        self,
        vocabulary: int,
        cell: Cell,
        embedding_size: int,
        hidden_size: int,
        *,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(vocabulary + 1, embedding_size).uniform_(-INITIAL, INITIAL))
        self.layer: Layer = recurrent(cell, embedding_size, hidden_size, layers=layers, dropout=dropout)
        if isinstance(self.layer, nn.LSTM):
            remembering(self.layer)
        self.dropout = nn.Dropout(dropout)

    @property
    def end(self) -> int:
        """The number of END."""
        return len(self.embedding) - 1

    def forward(self, symbols: Padded, state: State | None = None) -> Run:
        """Read symbols: outputs (B, T, H), zeros on padding, and the state after each document's last."""
        found = run(self.layer, self.embed(symbols.x), symbols.lengths, state, sizes=symbols.sizes)
        return found._replace(outputs=self.dropout(found.outputs))

    def follow(self, block: Block, carried: Carried) -> Tensor:
        """Read a block of text in order from where the last one ended: outputs (B, T, H)."""
        outputs, state = self.layer(self.embed(block.seen), carried.at(block))
        carried.keep(state)
        found: Tensor = self.dropout(outputs)
        return found

    def embed(self, symbols: Tensor) -> Tensor:
        """Return the embeddings of symbols: (...) to (..., E)."""
        found: Tensor = self.dropout(embedding(symbols, self.embedding))
        return found

    def step(self, symbols: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Read one more symbol of each document: (B,) to the top layer's output, (B, H), and the state."""
        found, state = self.layer(self.embed(symbols)[:, None], state)
        return self.dropout(found[:, 0]), state


class SequenceModel(DocumentModel):
    """Base of these models: documents in their order, END counted."""

    takes = frozenset({"tokens"})
    trainer = TrainerConfig(
        epochs=2,
        batch_size=32,
        optimiser=OptimiserConfig(learning_rate=3e-3, warmup=0.06, hold=0.4, final=0.02, schedule="linear", clip=1.0),
    )

    @property
    def symbols(self) -> int:
        """How many there are to predict one of: the terms and END."""
        return super().symbols + 1

    def predicted(self, data: Examples | Floats | Tensor) -> Ragged:
        """Return the symbols of each document that are predicted: its terms and END."""
        return with_end(self.examples(data).x, self.symbols - 1)

    def values(self, test: Examples | Floats | Tensor, **arguments: object) -> dict[str, Estimate]:
        """Return nats a word and a token of each document, END counted.

        Parameters
        ----------
        test : documents
        **arguments
            Of `log_prob`.
        """
        found = self.log_prob(test, **arguments)
        kind: Kind = "exact" if found.kind == "exact" else "estimate"
        return by_length(replace(found, value=-found.value, kind=kind), self.lengths(test))


class CarryingModel(SequenceModel):
    """Base of those that may read a text in order, the state carried from document to document: `carry` and `steps`."""

    @property
    def before(self) -> int:
        """Symbols of a text in order that are looked at before each block of it."""
        return 1

    def text(self, documents: Tokens) -> Tensor:
        """Return documents one behind the other, each followed by END: (N,) int64, where the net is."""
        return torch.as_tensor(self.predicted(documents).values, device=self.place.device)

    def source(self, x: Held, trainer: TrainerConfig, *, dynamic: bool) -> Source:
        """Return the batches that training takes: blocks of text in order where the state is carried."""
        if not self.config.carry:
            return super().source(x, trainer, dynamic=dynamic)
        assert isinstance(x, Tokens)
        end = self.symbols - 1
        return Streams(self.text(x), trainer.batch_size, self.config.steps, opening=end, before=self.before)

    @torch.no_grad()
    def score(self, data: Examples | Floats | Tensor, *, seed: int = 1) -> Estimate:
        """Return the mean log p of documents."""
        return self.log_prob(data).mean() if self.config.carry else super().score(data, seed=seed)

    @torch.no_grad()
    def log_prob(self, data: Examples | Floats | Tensor) -> Estimate:
        """Return log p of each document: (n,) nats; given those before it, which are in order, with `carry`."""
        if not self.config.carry:
            return super().log_prob(data)
        self.need("log_prob")
        return self.in_order(self.examples(data), self.fitted.ahead)

    def in_order(self, documents: Tokens, ahead: Ahead) -> Estimate:
        """Return log p of each document given those before it, from one walk through all: (n,) nats.

        Parameters
        ----------
        documents : Tokens
            In their order.
        ahead : (block, state) -> (log p of symbols (1, T), state)
        """
        state, found = None, []
        # Each block is a whole number of the blocks that training looks at.
        steps = self.config.steps * max(1, TOGETHER // self.config.steps)
        for block in Streams(self.text(documents), 1, steps, opening=self.symbols - 1, before=self.before):
            log_p, state = ahead(block, state)
            found.append(log_p[0])
        row = segments(offsets(documents.x.lengths + 1))
        nats: Floats = np.bincount(row, numbers(torch.cat(found)), len(documents)).astype(np.float64)
        return Estimate.exact(nats)


def counts_of(documents: Tokens, symbols: int) -> Tensor:
    """Count each symbol in training documents, END too and one added to each: (V + 1,)."""
    ends = with_end(documents.x, symbols - 1)
    return torch.bincount(torch.as_tensor(ends.values), minlength=symbols) + 1

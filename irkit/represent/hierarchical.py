"""Hierarchical autoencoder: a document becomes a vector sentence by sentence, and is written again from it.

Source: Li, Luong and Jurafsky, "A hierarchical neural autoencoder for paragraphs and documents", ACL 2015.

    e_s = last state of the word reader on sentence s          g_s = sentence reader on e_1 .. e_s
    h_0 = g of the last                                        h_s = sentence writer on [e_s-1 ; m_s]
    m_s = sum over i of a_si g_i,     a_si proportional to exp(v . tanh(U h_s-1 + W g_i))           (attention)
    sentence s = what the word writer writes given h_s, word by word until END

Every document ends with a sentence of no words, which is read and written as others are: so END alone, behind the V
terms of the data, ends both. It also stands for the sentence before the first. Sentences are cut at terms that the
settings name. This is no density: what is written is given what was read.

Symbols: B documents, S sentences of the longest with the empty one, M sentences of all, W words of the longest,
E numbers of an embedding, H hidden units, V vocabulary.
Departures: one layer each; words are read from left to right, not backwards; h_s is an input of the word writer at
every step beside its first state; attention is over the states of the sentence reader, the empty sentence's too;
recurrent weights begin orthogonal and embeddings wide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import embedding

from irkit.arrays import Floats, offsets, segments
from irkit.config import Config
from irkit.errors import ConfigError
from irkit.io.kinds import Examples, Ragged, Spec, Tokens
from irkit.io.texts.sentences import MARKS, sentences
from irkit.learn.attention import AdditiveAttention
from irkit.learn.data import Padded, placed
from irkit.learn.estimate import Estimate, Measure, Quantity
from irkit.learn.model import Model
from irkit.learn.net import ScoreNet
from irkit.learn.phases import Loss, Now
from irkit.learn.recurrent import Layer, State, mask, recurrent, run
from irkit.learn.softmaxes import FullSoftmax
from irkit.represent.conditioned import Conditioned
from irkit.represent.documents import CELLS
from irkit.represent.overlap import bleu, rouge
from irkit.represent.predicting import log_prob_of, mean_loss
from irkit.represent.sequences import INITIAL, SequenceModel, closed, opened, written


class HierarchicalConfig(Config):
    """Settings of `HierarchicalAutoencoder`."""

    cell: Literal["lstm", "gru"] = "lstm"
    "Of all four recurrent networks."
    embedding_size: int = Field(64, ge=1)
    "Numbers of a word's embedding, E."
    hidden_size: int = Field(128, ge=1)
    "Hidden units of each network, H."
    attention: bool = True
    "Whether the sentence writer looks at the sentences that were read."
    sentence_end: tuple[int | str, ...] = Field(MARKS, min_length=1)
    "Terms that end a sentence, of a run of them the last: words, or numbers where the data has no words."


class Paragraphs(NamedTuple):
    """A batch of documents, each with the empty sentence that ends it."""

    words: Padded
    "All sentences, one below the other, those of a document together: (M, W)."
    places: Padded
    "Which of them are the sentences of each document: (B, S)."


@dataclass(frozen=True)
class Documents(Tokens):
    """Documents with the terms that end their sentences."""

    marks: tuple[int, ...] = ()

    def batch(self, like: Tensor) -> Paragraphs:
        """Cut all of them into sentences; one that does not end with a mark ends there."""
        found = sentences(self.x, np.array(self.marks))
        lengths = np.insert(found.terms.lengths, offsets(found.counts)[1:], 0)
        counts = found.counts + 1
        words = placed(Ragged(found.terms.values, lengths), like)
        places = placed(Ragged(np.arange(len(lengths)), counts), like)
        assert isinstance(words, Padded)
        assert isinstance(places, Padded)
        return Paragraphs(words, places)


class Memory(NamedTuple):
    """What was read of some documents."""

    sentences: Tensor
    "e, last states of the word reader: (B, S, H)."
    outputs: Tensor
    "g, states of the sentence reader: (B, S, H)."
    state: State
    "Of the sentence reader at the end."
    valid: Tensor
    "Which of the S there are: (B, S) bool."


class HierarchicalNet(ScoreNet):
    """Readers and writers of words and of sentences, embeddings, attention, and a softmax of V + 1 symbols."""

    longest: Tensor
    "Of training documents: words of the longest, sentences of the longest, words of the longest sentence: (3,)."

    def __init__(self, vocabulary: int, marks: tuple[int, ...], config: HierarchicalConfig) -> None:
        super().__init__()
        self.config, self.marks = config, marks
        cell, size, hidden = config.cell, config.embedding_size, config.hidden_size
        self.embedding = nn.Parameter(torch.randn(vocabulary + 1, size))  # near 0, readers long see no difference
        self.word_reader: Layer = recurrent(cell, size, hidden)
        self.sentence_reader: Layer = recurrent(cell, hidden, hidden)
        self.sentence_writer: Layer = recurrent(cell, hidden * (2 if config.attention else 1), hidden)
        self.word_writer = Conditioned(cell, size, hidden, hidden)
        self.words = FullSoftmax(hidden, vocabulary + 1)
        nn.init.uniform_(self.words.weight, -INITIAL, INITIAL)
        for layer in (self.word_reader, self.sentence_reader, self.sentence_writer, self.word_writer.layer):
            _begin(layer)
        if config.attention:
            self.attention = AdditiveAttention(hidden, hidden, hidden)
        self.register_buffer("longest", torch.zeros(3, dtype=torch.int64))

    @property
    def end(self) -> int:
        """The number of END."""
        return len(self.embedding) - 1

    @property
    def topics(self) -> Tensor:
        """How a term's score follows each hidden unit of the word writer: (V, H)."""
        return self.words.weight[: self.end]

    @torch.no_grad()
    def start(self, x: Documents) -> None:
        """Let every symbol begin at its frequency; remember how long documents are."""
        terms, counts = sentences(x.x, np.array(x.marks))
        symbols = torch.bincount(torch.as_tensor(x.x.values), minlength=self.end + 1)
        symbols[self.end] = int(counts.sum()) + len(x)
        self.words.start(symbols + 1)
        self.longest.copy_(torch.tensor([int(one.max(initial=0)) for one in (x.x.lengths, counts, terms.lengths)]))

    # ------------------------------------------------------------------ reading

    def vectors(self, words: Padded) -> Tensor:
        """Return the word reader's last state on each sentence, which END ends: (M, W) to (M, H)."""
        symbols = closed(words, self.end)
        found = run(self.word_reader, embedding(symbols.x, self.embedding), symbols.lengths, sizes=symbols.sizes)
        return _top(found.state)

    def read(self, batch: Paragraphs) -> Memory:
        """Read documents."""
        each = self.vectors(batch.words)[batch.places.x]
        found = run(self.sentence_reader, each, batch.places.lengths, sizes=batch.places.sizes)
        return Memory(each, found.outputs, found.state, mask(batch.places.lengths, each.shape[1]))

    def encode(self, batch: Paragraphs) -> Tensor:
        """Return the sentence reader's last state, which all is written from: (B, H)."""
        return _top(self.read(batch).state)

    # ------------------------------------------------------------------ writing

    def next_sentence(self, before: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Go on by a sentence of each document: vectors of the one before, (B, H), to h, (B, H), and the state."""
        if self.config.attention:
            before = torch.cat([before, self.attend(state, memory).mean[:, 0]], 1)
        found, state = self.sentence_writer(before[:, None], state)
        return found[:, 0], state

    def attend(self, state: State, memory: Memory) -> Any:
        """Return what a state of the sentence writer finds in what was read: weights are (B, 1, S)."""
        return self.attention(_top(state)[:, None], memory.outputs, memory.valid)

    def codes(self, memory: Memory) -> Tensor:
        """Return h of every sentence given the true ones before it: (B, S, H)."""
        first = self.vectors(self._nothing(1)).expand(len(memory.sentences), -1)[:, None]
        before = torch.cat([first, memory.sentences[:, :-1]], 1)
        if not self.config.attention:
            found: Tensor = self.sentence_writer(before, memory.state)[0]
            return found
        state, out = memory.state, []
        for one in before.unbind(1):
            h, state = self.next_sentence(one, state, memory)
            out.append(h)
        return torch.stack(out, 1)

    def states(self, batch: Paragraphs) -> Tensor:
        """Return what tells each word and END of all sentences, row by row: (N, H)."""
        codes = self.codes(self.read(batch)).flatten(0, 1)[batch.places.cells]
        inputs = embedding(opened(batch.words, self.end).x, self.embedding)
        found: Tensor = self.word_writer(inputs, codes).flatten(0, 1)
        return found[closed(batch.words, self.end).cells]

    def loss(self, batch: Paragraphs, now: Now) -> Loss:
        """Return the mean of minus log p over symbols, each given the true ones before it."""
        return Loss(mean_loss(self.words, self.states(batch), closed(batch.words, self.end), now.rng), {})

    def score(self, batch: Paragraphs, rng: torch.Generator) -> Tensor:
        """Return log p of each document given what was read of it: (B,)."""
        each = log_prob_of(self.words, self.states(batch), closed(batch.words, self.end))
        return torch.where(batch.places.mask, each[batch.places.x], 0).sum(1)

    def reconstruct(self, batch: Paragraphs) -> Padded:
        """Write documents from what was read of them, always the likeliest next symbol, given what was written."""
        memory = self.read(batch)
        n, (words, most, longest) = len(memory.sentences), self.longest.tolist()
        before, state = self.vectors(self._nothing(n)), memory.state
        choose = lambda h: self.words.log_prob_all(h).argmax(1)  # noqa: E731
        open_ = torch.ones(n, dtype=torch.bool, device=before.device)
        lengths = open_.new_zeros(n, dtype=torch.int64)
        x = lengths.new_zeros(n, words)
        for _ in range(most):
            h, state = self.next_sentence(before, state, memory)
            sentence = written(n, longest, _Given(self, h), choose, h.device)
            open_ = open_ & (sentence.lengths > 0)
            if not open_.any():
                break
            fits = sentence.mask & open_[:, None]
            to = lengths[:, None] + torch.arange(sentence.x.shape[1], device=h.device)
            rows, columns = torch.nonzero(fits & (to < words), as_tuple=True)
            x[rows, to[rows, columns]] = sentence.x[rows, columns]
            lengths = (lengths + sentence.lengths * open_).clamp_max(words)
            before = self.vectors(sentence)
        return Padded(x[:, : int(lengths.max())], lengths)

    def _nothing(self, n: int) -> Padded:
        """Return empty sentences, as is the one before the first."""
        none = torch.zeros(n, dtype=torch.int64, device=self.embedding.device)
        return Padded(none.new_zeros(n, 0), none, np.zeros(n, dtype=np.int64))


@torch.no_grad()
def _begin(layer: Layer) -> None:
    """Let a layer hand on what it is given: through three of torch's own making, training long sees no difference."""
    hidden, weights = layer.hidden_size, dict(layer.named_parameters())
    for gate in torch.split(weights["weight_ih_l0"], hidden):
        nn.init.xavier_uniform_(gate)
    for gate in torch.split(weights["weight_hh_l0"], hidden):
        nn.init.orthogonal_(gate)
    if isinstance(layer, nn.LSTM):  # cells that forget little at first
        weights["bias_ih_l0"][hidden : 2 * hidden].fill_(1)
        weights["bias_hh_l0"][hidden : 2 * hidden].fill_(0)


def _top(state: State) -> Tensor:
    """Return the states of cells, (B, H)."""
    return (state[0] if isinstance(state, tuple) else state)[-1]


class _Given:
    """The word writer, given h of a sentence: (B, H)."""

    def __init__(self, net: HierarchicalNet, h: Tensor) -> None:
        self.net, self.h, self.end = net, h, net.end

    def step(self, symbols: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Go on by a symbol of each sentence."""
        return self.net.word_writer.step(embedding(symbols, self.net.embedding), self.h, state)


class HierarchicalAutoencoder(SequenceModel):
    """An autoencoder of documents by their sentences."""

    name = "hierarchical"
    config_type = HierarchicalConfig
    config: HierarchicalConfig
    abilities = frozenset({"score", "encode", "reconstruct"})

    def build(self, spec: Spec) -> HierarchicalNet:
        """Return an untrained network."""
        assert spec.vocabulary is not None
        return HierarchicalNet(spec.vocabulary, self.marks(spec), self.config)

    def marks(self, spec: Spec) -> tuple[int, ...]:
        """Return the numbers of the terms that end a sentence; words that the data has not are passed over.

        Raises
        ------
        ConfigError
            If none is a term.
        """
        number = {word: at for at, word in enumerate(spec.words or ())}
        named = [number.get(one, -1) if isinstance(one, str) else one for one in self.config.sentence_end]
        found = tuple(sorted({one for one in named if 0 <= one < (spec.vocabulary or 0)}))
        if not found:
            what = "words" if spec.words else "numbers, as the data has no words"
            got = ", ".join(map(repr, self.config.sentence_end))
            raise ConfigError(f"{self.name}: no sentence_end is a term of the data, got {got}; name some of its {what}")
        return found

    def examples(self, data: Examples | Floats | Tensor, *, soft: bool = False) -> Documents:
        """Check documents, and say which terms end their sentences."""
        part = super().examples(data)
        marks = self.marks(self.spec or part.spec)
        return Documents(part.x, part.vocabulary, labels=part.labels, words=part.words, marks=marks)

    def batches(self, x: Any, n: int = CELLS) -> Iterator[Any]:
        """Cut documents into parts of at most n words and padding, of sentences too, or of one document."""
        terms, counts = sentences(x.x, np.array(x.marks))
        height, width = counts + 1, np.ones(len(x), dtype=np.int64)  # sentences, words and END of the longest
        np.maximum.at(width, segments(offsets(counts)), terms.lengths + 1)
        start = 0
        while start < len(x):
            words = np.maximum.accumulate(width[start:]) * height[start:].cumsum()
            places = np.maximum.accumulate(height[start:]) * np.arange(1, len(x) - start + 1)
            over = np.flatnonzero(np.maximum(words, places) > n)
            end = start + max(1, int(over[0]) if len(over) else len(words))
            yield x.take(np.arange(start, end)).batch(self.place)
            start = end

    @property
    def quantities(self) -> dict[str, Quantity]:
        """What `values` gives."""
        return {name: Quantity() for name in ("accuracy", "exact", "rouge 1", "rouge 2")}

    def values(self, test: Examples | Floats | Tensor, **arguments: object) -> dict[str, Estimate]:
        """Return how well each document is written again, every word given those that were written before it.

        Accuracy is the share of places with the right term, of as many as the longer of the two documents has; exact
        is 1 where all are right; ROUGE-N is its F1 (`irkit.represent.overlap`).
        """
        return self._compared(*self._both(test))

    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return the means of `values`, ROUGE's recalls, BLEU-4, and nats a symbol given the true ones before it."""
        found, true = self._both(test)
        out = {name: Measure(one.mean(), "") for name, one in self._compared(found, true).items()}
        recalls = {f"rouge {n} recall": float(rouge(found, true, n).recall.mean()) for n in (1, 2)}
        part = self.examples(test)
        counts = sentences(part.x, np.array(part.marks)).counts
        nats = -float(self.score(test).value) * len(part) / float((part.x.lengths + counts + 1).sum())
        single = {**recalls, "bleu 4": bleu(found, true)}
        out |= {name: Measure(Estimate.exact(value), "") for name, value in single.items()}
        return out | {"nats a symbol": Measure(Estimate.exact(nats), "nats")}

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """There are none."""
        return Model.baselines(self, train, test)

    def _both(self, test: Examples | Floats | Tensor) -> tuple[list[list[int]], list[list[int]]]:
        """Return documents as they are written again, and as they are."""
        return [one.tolist() for one in self.reconstruct(test)], [one.tolist() for one in self.examples(test).x]

    def _compared(self, found: list[list[int]], true: list[list[int]]) -> dict[str, Estimate]:
        pairs = list(zip(found, true, strict=True))
        right = [sum(a == b for a, b in zip(*pair, strict=False)) / max(1, *map(len, pair)) for pair in pairs]
        each = {"accuracy": np.array(right), "exact": np.array([float(a == b) for a, b in pairs])}
        each |= {f"rouge {n}": rouge(found, true, n).f1 for n in (1, 2)}
        return {name: Estimate.exact(value) for name, value in each.items()}
